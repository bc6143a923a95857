//! The whole directory at once: as TOML, so that git can hold it, or as JSON; and its schema.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::{Keeper, documents, faults, put, role_of, shown};
use crate::api::access::{Manager, Role, Viewer};
use crate::api::{Answer, Api, Problem, Query, answer, problem};
use crate::config::documents::{self as docs, Diff, Document, Documents, Fault, Imported, Kind};
use crate::store::database::{Document as Kept, Edit, Expected};

/// Stands before a directory that cannot be taken in again as it is.
const SHORT: &str =
    "# No copy to import: URLs are told whole only to managers. Here they end with the host.\n\n";
/// Bytes of a directory that is taken in.
const IMPORT: usize = 32 << 20;

pub fn routes() -> Router<Api> {
    let directory = routing::get(export).put(import).layer(DefaultBodyLimit::max(IMPORT));
    Router::new().route("/v1/directory", directory).route("/v1/schema", routing::get(schema))
}

/// What there is of kinds and keys: enough to draw a form.
#[utoipa::path(get, path = "/v1/schema", tag = "directory", operation_id = "schema",
    responses((status = 200, body = Object)), extensions(("x-role" = json!("viewer"))))]
pub async fn schema(Viewer(_): Viewer) -> Json<Value> {
    Json(docs::schema())
}

/// The whole directory: TOML, or JSON if that is asked for. Hidden keys are left out.
///
/// To viewers and agents, URLs are told without what follows the host: such a copy is not one to
/// be imported.
#[utoipa::path(get, path = "/v1/directory", tag = "directory", operation_id = "export_directory",
    responses((status = 200, description = "The directory", content(
        (String = "application/toml"), (Object = "application/json")))),
    extensions(("x-role" = json!("viewer"))))]
pub async fn export(State(api): State<Api>, Viewer(who): Viewer, headers: HeaderMap) -> Response {
    let kept = api.directory.kept();
    let etag = [(header::ETAG, etag(&kept))];
    let mut is_short = false;
    let visible = kept.iter().map(|it| {
        let visible = shown::visible(it, who.role);
        is_short |= !visible.shortened.is_empty();
        Kept { body: visible.body.into(), ..it.clone() }
    });
    let visible: Vec<_> = visible.collect();
    let asked = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if asked.contains("application/json") {
        let mut kinds = Map::new();
        for it in visible {
            let of = kinds.entry(it.kind).or_insert_with(|| json!([]));
            if let Value::Array(of) = of {
                of.push(it.body);
            }
        }
        return (etag, Json(Value::Object(kinds))).into_response();
    }
    let toml = HeaderValue::from_static("application/toml");
    let before = if is_short { SHORT } else { "" };
    let text = format!("{before}{}", documents(&visible).to_toml(true));
    (etag, [(header::CONTENT_TYPE, toml)], text).into_response()
}

/// Of all revisions together.
fn etag(kept: &[Kept]) -> HeaderValue {
    let one = |it: &Kept| format!("{} {:?} {}\n", it.kind, it.name, it.revision);
    let mut each: Vec<_> = kept.iter().map(one).collect();
    each.sort();
    let all = each.concat();
    let hash = Sha256::digest(all.as_bytes());
    let short: String = hash.iter().take(12).map(|it| format!("{it:02x}")).collect();
    HeaderValue::from_str(&format!("\"{short}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct How {
    /// Says what would change, and changes nothing.
    #[serde(default)]
    #[param(required = false)]
    dry_run: bool,
}

/// What an import changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Changes {
    added: Vec<Named>,
    changed: Vec<Changed>,
    removed: Vec<Named>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Named {
    kind: &'static str,
    name: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Changed {
    kind: &'static str,
    name: String,
    /// JSON pointers of what is different.
    keys: Vec<String>,
}

impl From<&Diff> for Changes {
    fn from(diff: &Diff) -> Self {
        let named = |it: &Document| Named { kind: it.kind.name(), name: it.name.clone() };
        let changed = diff.changed.iter().map(|it| Changed {
            kind: it.kind.name(),
            name: it.name.clone(),
            keys: it.pointers(),
        });
        Self {
            added: diff.added.iter().map(named).collect(),
            changed: changed.collect(),
            removed: diff.removed.iter().map(named).collect(),
        }
    }
}

/// Make the directory this one: what is not in it is removed. All of it, or nothing.
///
/// Hidden keys that are left out keep what they were.
#[utoipa::path(put, path = "/v1/directory", tag = "directory", operation_id = "import_directory",
    params(How), request_body(content((String = "application/toml"), (Object = "application/json"))),
    responses((status = 200, body = Changes)), extensions(("x-role" = json!("manager"))))]
pub async fn import(
    State(api): State<Api>,
    Manager(who): Manager,
    Query(how): Query<How>,
    request: Request,
) -> Answer<(StatusCode, Json<Changes>)> {
    let if_match = request.headers().get(header::IF_MATCH).cloned();
    let _large = api.live.turns.large().await?;
    let sent = read(request, &api).await?;
    let (told, changes) = tokio::sync::oneshot::channel();
    let lines = sent.clone();
    let sent = sent.documents();
    let asks = who.clone();
    let changed = Keeper::change(&api, &asks, how.dry_run, move |kept| {
        if if_match.is_some_and(|it| it != "*" && it != etag(kept)) {
            return Err(Problem::conflict("the directory was changed since it was read"));
        }
        let before = documents(kept);
        let wanted = whole(sent, &before, Role::Admin <= who.role);
        let wanted = wanted.map_err(|it| faults::problem(&it, &[]))?;
        let diff = Diff::between(&before, &wanted);
        for kind in diff.kinds() {
            who.needs(role_of(kind))?;
        }
        drop(told.send(Changes::from(&diff)));
        edits(kept, diff)
    });
    changed.await.map_err(|it| lines.placed(it))?;
    let changes = changes.await.map_err(|_| Problem::internal("nobody says what was changed"))?;
    Ok((StatusCode::OK, Json(changes)))
}

/// What was sent: with the lines it stands in, if it has any.
#[derive(Clone)]
enum Sent {
    Toml(Imported),
    Json(Vec<(Kind, Value)>),
}

async fn read(request: Request, api: &Api) -> Answer<Sent> {
    let headers = request.headers();
    let json = answer::is_type(headers, &["application/json"]);
    let toml = ["application/toml", "text/plain", "text/x-toml", "text/toml"];
    if !json && !answer::is_type(headers, &toml) {
        return Err(Problem::wrong_type("a directory is application/toml or application/json"));
    }
    let bytes = answer::bytes(request, api).await?;
    let read = tokio::task::spawn_blocking(move || match json {
        true => sent_json(&bytes),
        false => sent_toml(&bytes),
    });
    read.await.map_err(|_| Problem::internal("the directory could not be read"))?
}

fn sent_json(bytes: &[u8]) -> Answer<Sent> {
    let kinds: Map<String, Value> = answer::read(bytes)?;
    let mut sent = Vec::new();
    for (name, them) in kinds {
        let pointer = format!("/{}", answer::escaped(&name));
        let kind = Kind::named(&name)
            .ok_or_else(|| Problem::at(&pointer, format!("there is no kind {name:?}")))?;
        let Value::Array(them) = them else {
            return Err(Problem::at(pointer, "this is not a list of documents"));
        };
        sent.extend(them.into_iter().map(|it| (kind, it)));
    }
    Ok(Sent::Json(sent))
}

fn sent_toml(bytes: &[u8]) -> Answer<Sent> {
    let text = std::str::from_utf8(bytes).map_err(|it| {
        Problem::unreadable(format!("this is no UTF-8 at byte {}", it.valid_up_to()))
    })?;
    let imported = Imported::read(text, "the directory").map_err(|it| {
        let (line, column, allowed) = (it.line, it.column, it.allowed.clone());
        let fault = problem::Fault { detail: it.message.clone(), ..problem::Fault::default() };
        let told = Problem::wrong_value(it.to_string()).with(fault).allowed(allowed);
        told.and("line", line).and("column", column)
    })?;
    Ok(Sent::Toml(imported))
}

impl Sent {
    fn documents(self) -> Vec<(Kind, Value)> {
        match self {
            Self::Json(sent) => sent,
            Self::Toml(it) => it.as_sent(),
        }
    }

    /// A problem with the line of the document that it is about.
    fn placed(&self, problem: Problem) -> Problem {
        match self {
            Self::Toml(imported) => match problem.fault_of_document() {
                Some(fault) => match imported.line(&fault) {
                    Some(line) => problem.and("line", line),
                    None => problem,
                },
                None => problem,
            },
            Self::Json(_) => problem,
        }
    }
}

/// The documents that were sent, with the hidden keys of those that are there: those of an admin
/// may go anywhere.
pub(super) fn whole(
    sent: Vec<(Kind, Value)>,
    before: &Documents,
    admin: bool,
) -> Result<Documents, Fault> {
    let (mut all, mut taken) = (Documents::default(), BTreeSet::new());
    let known = before.by_name();
    for (kind, mut body) in sent {
        let name = body.get(kind.name_key()).and_then(Value::as_str).unwrap_or_default();
        if let Some(old) = known.get(&(kind.name(), name)).copied() {
            docs::keep_hidden(kind, &mut body, &old.body, admin)?;
        }
        let document = Document::new(kind, body)?;
        if !taken.insert((kind.name(), document.name.clone())) {
            let (kind, name) = (kind.name().to_owned(), document.name);
            let message = "this is there twice".to_owned();
            return Err(Fault { kind, name, message, ..Fault::default() });
        }
        all.0.push(document);
    }
    Ok(all)
}

pub(super) fn edits(kept: &[Kept], diff: Diff) -> Answer<Vec<Edit>> {
    let revisions: BTreeMap<(&str, &str), i64> =
        kept.iter().map(|it| ((&*it.kind, &*it.name), it.revision)).collect();
    let revision = |kind: Kind, name: &str| {
        let found = revisions.get(&(kind.name(), name)).copied();
        found.map(Expected::Revision).ok_or_else(|| Problem::none(&kind.words(), name))
    };
    let mut edits = Vec::new();
    for it in diff.removed {
        let expected = revision(it.kind, &it.name)?;
        edits.push(Edit { body: None, ..put(it, expected) });
    }
    for it in diff.changed {
        let expected = revision(it.kind, &it.name)?;
        edits.push(put(Document { kind: it.kind, name: it.name, body: it.new }, expected));
    }
    edits.extend(diff.added.into_iter().map(|it| put(it, Expected::Absent)));
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory is as large as there may be edits at once; the office has one thread.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "this is about time")]
    fn a_large_directory_is_compared_in_no_time() {
        const MANY: usize = 20_000;
        let kind = Kind::named("voicemail").unwrap();
        let name = |n: usize| format!("box-{n:05}");
        let kept = |n: usize| Kept {
            kind: kind.name().to_owned(),
            name: name(n),
            revision: 1,
            body: json!({"name": name(n), "email": "old"}),
            changed_at: crate::clock::Wall::default(),
            changed_by: String::new(),
        };
        let kept: Vec<_> = (0..MANY).map(kept).collect();
        let sent = (1..=MANY).map(|n| (kind, json!({"name": name(n), "email": "new"})));
        let began = std::time::Instant::now();
        let before = documents(&kept);
        let diff = Diff::between(&before, &whole(sent.collect(), &before, false).unwrap());
        assert_eq!((diff.added.len(), diff.removed.len(), diff.changed.len()), (1, 1, MANY - 1));
        assert_eq!(edits(&kept, diff).unwrap().len(), MANY + 1);
        let took = began.elapsed();
        assert!(took.as_secs() < 5, "{took:?}");
    }
}
