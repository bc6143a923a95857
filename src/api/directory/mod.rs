//! The nouns of the trade: listed, read, created, changed, deleted; each kind at its plural.
//!
//! There is one set of handlers for all kinds: which keys a kind has, and what is wrong with them,
//! `config::documents` knows. [`Keeper`] makes the changes.

mod describe;
mod faults;
mod follow;
mod import;
mod keeper;
mod offline;
mod shown;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::describe::describe;
pub use self::follow::{Standing, follow};
pub use self::keeper::{CannotBegin, Home, Keeper, documents};
pub use self::offline::Offline;
use super::access::{Manager, Role, Viewer, Who};
use super::{Answer, Api, Body, Path, Problem, Query, problem, revision};
use crate::config::documents::{Document, Kind, keep_hidden, rename, uses_of};
use crate::store::database::{Document as Kept, Edit, Expected, LIMIT};

/// Documents of a page, if nothing is said.
const PAGE: u32 = 100;

/// Kinds that have to do with money or secrets: they are for admins.
const ADMIN: &[&str] = &["trunk", "account", "webhook"];

/// Who may change documents of this kind.
pub fn role_of(kind: Kind) -> Role {
    if ADMIN.contains(&kind.name()) { Role::Admin } else { Role::Manager }
}

pub fn routes() -> Router<Api> {
    let mut routes = import::routes();
    for kind in Kind::all() {
        let plural = format!("/v1/{}", kind.plural());
        let all = routing::get(move |api, who, query| list(kind, api, who, query))
            .post(move |api, who, query, body| create(kind, api, who, query, body));
        let one = routing::get(move |api, who, path| get(kind, api, who, path))
            .put(move |api, who, path, query, headers, body| {
                change(kind, api, who, path, query, headers, body)
            })
            .delete(move |api, who, path, query, headers| {
                delete(kind, api, who, path, query, headers)
            });
        routes = routes.route(&plural, all).route(&format!("{plural}/{{name}}"), one);
    }
    routes
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(import::schema, import::export, import::import))]
pub struct Doc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A text that stands somewhere in it.
    q: Option<String>,
    limit: Option<u32>,
    /// The name that the page before ended with.
    after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    /// Checks only.
    #[serde(default)]
    dry_run: bool,
}

async fn list(
    kind: Kind,
    State(api): State<Api>,
    Viewer(who): Viewer,
    Query(wanted): Query<Wanted>,
) -> Answer<Json<Value>> {
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=LIMIT).contains(&limit) {
        return Err(Problem::parameter("limit", "out of bounds").allowed(format!("1 to {LIMIT}")));
    }
    let kept = api.directory.kept();
    let text = wanted.q.unwrap_or_default().to_lowercase();
    let after = wanted.after.as_deref();
    let mut found: Vec<&Kept> = kept
        .iter()
        .filter(|it| it.kind == kind.name() && after.is_none_or(|name| name < &*it.name))
        .filter(|it| text.is_empty() || shown::has(it, &text, who.role))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let more = (limit as usize) < found.len();
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|it| it.name.clone());
    let items: Vec<_> = found.into_iter().map(|it| shown::document(it, who.role)).collect();
    let mut page = json!({"items": items});
    if let Some(next) = next {
        page["next"] = next.into();
    }
    Ok(Json(page))
}

async fn get(
    kind: Kind,
    State(api): State<Api>,
    Viewer(who): Viewer,
    Path(name): Path<String>,
) -> Answer {
    let kept = api.directory.kept();
    Ok(answer(StatusCode::OK, find(&kept, kind, &name)?, who.role))
}

async fn create(
    kind: Kind,
    State(api): State<Api>,
    Manager(who): Manager,
    Query(how): Query<How>,
    Body(sent): Body<Value>,
) -> Answer {
    who.needs(role_of(kind))?;
    let document = Document::new(kind, sent).map_err(|it| faults::problem(&it, &[edit(kind)]))?;
    let (name, role) = (document.name.clone(), who.role);
    let changed = Keeper::change(&api, &who, how.dry_run, move |kept| {
        if let Some(there) = kept.iter().find(|it| is(it, kind, &document.name)) {
            let message = format!("there is a {} {:?} already", kind.words(), document.name);
            let told = Problem::conflict(message).and("current", shown::document(there, role));
            return Err(told.with(at_name(kind)));
        }
        Ok(vec![put(document, Expected::Absent)])
    });
    let changed = changed.await?;
    let kept = find(&changed, kind, &name)?;
    if how.dry_run {
        return Ok(answer(StatusCode::OK, kept, role));
    }
    let place = format!("/v1/{}/{}", kind.plural(), in_path(&name));
    let place = HeaderValue::from_str(&place).unwrap_or(HeaderValue::from_static("/"));
    let mut response = answer(StatusCode::CREATED, kept, role);
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

/// Changes a document; under another name it is renamed, and with it all that name it.
async fn change(
    kind: Kind,
    State(api): State<Api>,
    Manager(who): Manager,
    Path(name): Path<String>,
    Query(how): Query<How>,
    headers: HeaderMap,
    Body(mut sent): Body<Value>,
) -> Answer {
    who.needs(role_of(kind))?;
    let expected = revision::needed(&headers)?;
    let new_name = sent.get(kind.name_key()).and_then(Value::as_str).unwrap_or(&name).to_owned();
    let (asks, old_name) = (who.clone(), name);
    let changed = Keeper::change(&api, &asks, how.dry_run, move |kept| {
        let old = find(kept, kind, &old_name)?;
        let revision = current(old, expected, Some(&sent))?;
        let body = old.body.as_object().cloned().unwrap_or_default();
        keep_hidden(kind, &mut sent, &body, Role::Admin <= who.role)
            .map_err(|it| faults::problem(&it, &[edit_of(kind, &old_name)]))?;
        if let Value::Object(body) = &mut sent {
            body.entry(kind.name_key()).or_insert_with(|| old_name.clone().into());
        }
        let document = Document::new(kind, sent);
        let document = document.map_err(|it| faults::problem(&it, &[edit(kind)]))?;
        match document.name == old_name {
            true => Ok(vec![put(document, Expected::Revision(revision))]),
            false => renamed(kept, kind, &old_name, revision, document, &who),
        }
    });
    let changed = changed.await?;
    Ok(answer(StatusCode::OK, find(&changed, kind, &new_name)?, asks.role))
}

/// The edits that give a document another name.
fn renamed(
    kept: &[Kept],
    kind: Kind,
    old: &str,
    revision: i64,
    mut document: Document,
    who: &Who,
) -> Answer<Vec<Edit>> {
    let new = document.name.clone();
    if kept.iter().any(|it| is(it, kind, &new)) {
        let message = format!("there is a {} {new:?} already", kind.words());
        return Err(Problem::conflict(message).with(at_name(kind)));
    }
    // It may name itself: as it was sent, under its old name, among all others.
    document.name = old.to_owned();
    document.body.insert(kind.name_key().to_owned(), old.into());
    let mut all = documents(kept);
    if let Some(it) = all.0.iter_mut().find(|it| it.kind == kind && it.name == old) {
        *it = document;
    }
    let touched = rename(&mut all, kind, old, &new);
    let mut edits = Vec::new();
    for it in touched {
        who.needs(role_of(it.kind))?;
        let before = find(kept, it.kind, &it.name)?.revision;
        edits.push(put(it, Expected::Revision(before)));
    }
    let this = all.0.into_iter().find(|it| it.kind == kind && it.name == new);
    let this = this.ok_or_else(|| Problem::none(&kind.words(), old))?;
    let expected = Expected::Revision(revision);
    edits.push(Edit { expected, body: None, ..edit_of(kind, old) });
    edits.push(put(this, Expected::Absent));
    Ok(edits)
}

async fn delete(
    kind: Kind,
    State(api): State<Api>,
    Manager(who): Manager,
    Path(name): Path<String>,
    Query(how): Query<How>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    who.needs(role_of(kind))?;
    let expected = revision::expected(&headers)?.unwrap_or(Expected::Any);
    let plan = move |kept: &[Kept]| {
        let old = find(kept, kind, &name)?;
        let expected = Expected::Revision(current(old, expected, None)?);
        let uses = uses_of(&documents(kept), kind, &name);
        if !uses.is_empty() {
            return Err(faults::in_use(kind, &name, &uses));
        }
        Ok(vec![Edit { expected, body: None, ..edit_of(kind, &name) }])
    };
    Keeper::change(&api, &who, how.dry_run, plan).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The revision that is there, if it is the one that is expected.
fn current(there: &Kept, expected: Expected, sent: Option<&Value>) -> Answer<i64> {
    match expected {
        Expected::Revision(it) if it != there.revision => {
            Err(faults::conflict(&there.kind, &there.name, Some(there), sent))
        }
        _ => Ok(there.revision),
    }
}

fn find<'k>(kept: &'k [Kept], kind: Kind, name: &str) -> Answer<&'k Kept> {
    let found = kept.iter().find(|it| is(it, kind, name));
    found.ok_or_else(|| Problem::none(&kind.words(), name))
}

fn is(kept: &Kept, kind: Kind, name: &str) -> bool {
    kept.kind == kind.name() && kept.name == name
}

fn edit_of(kind: Kind, name: &str) -> Edit {
    let (kind, name) = (kind.name().to_owned(), name.to_owned());
    Edit { kind, name, expected: Expected::Any, body: None }
}

/// The edit of a document that has no name yet.
fn edit(kind: Kind) -> Edit {
    edit_of(kind, "")
}

fn put(document: Document, expected: Expected) -> Edit {
    let body = Some(Value::Object(document.body));
    Edit { expected, body, ..edit_of(document.kind, &document.name) }
}

fn at_name(kind: Kind) -> problem::Fault {
    let pointer = format!("/{}", kind.name_key());
    problem::Fault { pointer, detail: "the name is taken".to_owned(), ..Default::default() }
}

fn answer(status: StatusCode, kept: &Kept, to: Role) -> Response {
    let etag = [(header::ETAG, revision::etag(kept.revision))];
    (status, etag, Json(shown::document(kept, to))).into_response()
}

/// A name as a path has it (RFC 3986 section 3.3).
fn in_path(name: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-._~+:@".contains(&it);
    let one = |it: u8| match plain(it) {
        true => char::from(it).to_string(),
        false => format!("%{it:02X}"),
    };
    name.bytes().map(one).collect()
}

#[cfg(test)]
mod tests;
