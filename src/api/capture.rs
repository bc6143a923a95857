//! What a call said in SIP: as a ladder to read, as JSON, as a pcap file for Wireshark.
//!
//! Without passwords, keys and digits, which were taken out before anything was kept. A call that
//! goes on is told from memory, one that is over from the disk.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::access::Viewer;
use super::{Answer, Api, Path, Problem};
use crate::capture::{Captured, pcap};
use crate::clock::{Instant, Wall};
use crate::model::event::Fact;
use crate::simulator::Ladder;
use crate::store::captured;

/// What there is of a call that is not on the disk yet.
pub type Look =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Option<Captured>> + Send>> + Send + Sync>;

/// Where the messages of calls are.
#[derive(Clone)]
pub struct Captures {
    pub folder: PathBuf,
    pub look: Look,
}

/// Longer names are no calls.
const ID_MAX: usize = 100;
/// What has room at the head of a ladder's column.
const NAME_MAX: usize = 16;

#[derive(utoipa::OpenApi)]
#[openapi(paths(ladder, messages, file))]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/records/{id}/ladder", get(ladder))
        .route("/v1/records/{id}/messages", get(messages))
        .route("/v1/records/{id}/capture.pcap", get(file))
}

/// Who said what to whom in a call, drawn as text
#[utoipa::path(get, path = "/v1/records/{id}/ladder", tag = "records",
    params(("id" = String, Path)),
    responses((status = 200, description = "A column for each party", content_type = "text/plain")),
    extensions(("x-role" = json!("viewer"))))]
async fn ladder(State(api): State<Api>, _: Viewer, Path(id): Path<String>) -> Answer {
    let call = find(&api, &id).await?;
    // A ladder without remarks is better than none.
    let facts = api.store.facts(&id).await.unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], drawn(&call, &facts))
        .into_response())
}

/// The SIP messages of a call
#[utoipa::path(get, path = "/v1/records/{id}/messages", tag = "records",
    params(("id" = String, Path)),
    responses((status = 200, body = Object,
        description = "`messages`, each with `at`, `from`, `to`, `transport`, `heard`, `text`")),
    extensions(("x-role" = json!("viewer"))))]
async fn messages(
    State(api): State<Api>,
    _: Viewer,
    Path(id): Path<String>,
) -> Answer<axum::Json<Captured>> {
    find(&api, &id).await.map(axum::Json)
}

/// The SIP messages of a call as a file for Wireshark
#[utoipa::path(get, path = "/v1/records/{id}/capture.pcap", tag = "records",
    params(("id" = String, Path)),
    responses((status = 200, description = "pcap, IP packets",
        content_type = "application/vnd.tcpdump.pcap")),
    extensions(("x-role" = json!("viewer"))))]
async fn file(State(api): State<Api>, _: Viewer, Path(id): Path<String>) -> Answer {
    let call = find(&api, &id).await?;
    let headers: [(HeaderName, String); 2] = [
        (header::CONTENT_TYPE, "application/vnd.tcpdump.pcap".into()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"capture.pcap\"".into()),
    ];
    Ok((headers, pcap(&call.messages)).into_response())
}

async fn find(api: &Api, id: &str) -> Answer<Captured> {
    let none = || Problem::not_found(format!("nothing is captured of a call {id:?}"));
    if ID_MAX < id.len() || !id.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return Err(none());
    }
    if let Some(call) = (api.captures.look)(id.to_owned()).await {
        return Ok(call);
    }
    let since = api.store.record(id).await?.ok_or_else(none)?.received_at;
    let (folder, call) = (api.captures.folder.clone(), id.to_owned());
    let read = tokio::task::spawn_blocking(move || captured(&folder, &call, since)).await;
    let read = read.map_err(|it| Problem::internal(it.to_string()))?;
    read.map_err(|it| Problem::unavailable(it.to_string()))?.ok_or_else(none)
}

/// The ladder of a call: what it said, and what happened in it, under ourselves.
fn drawn(call: &Captured, facts: &[Fact]) -> String {
    let Some(first) = call.messages.first() else { return String::new() };
    let edge = if first.heard { first.to } else { first.from };
    // All of our sockets are one column.
    let side = |heard: bool, it: SocketAddr| if heard { edge } else { it };
    let sides = |it: &crate::capture::Message| (side(!it.heard, it.from), side(it.heard, it.to));
    let mut parties = vec![edge];
    for (from, to) in call.messages.iter().map(sides) {
        for it in [from, to] {
            if !parties.contains(&it) {
                parties.push(it);
            }
        }
    }
    // Who called is left of us, those who were called are right.
    if 1 < parties.len() {
        parties.swap(0, 1);
    }
    let names = names(&parties, edge);
    let mut text = format!("call {}, {} messages", call.call, call.messages.len());
    if 0 < call.left_out {
        let _ = write!(text, "; {} more in the middle were left out", call.left_out);
    }
    text.push('\n');
    for (address, name) in parties.iter().zip(&names).filter(|it| it.0.to_string() != *it.1) {
        let _ = writeln!(text, "  {name}: {address}");
    }
    let mut ladder = Ladder::new(parties.into_iter().zip(names).collect());
    let since = |at: Wall| {
        let micros = at.unix_micros().saturating_sub(first.at.unix_micros());
        Instant::from_micros(u64::try_from(micros).unwrap_or(0))
    };
    let mut facts = facts.iter().peekable();
    for message in &call.messages {
        while let Some(fact) = facts.next_if(|it| it.at < message.at) {
            ladder.note(edge, fact.what.name(), since(fact.at));
        }
        let (from, to) = sides(message);
        ladder.message(from, to, &message.bytes, since(message.at));
    }
    facts.for_each(|it| ladder.note(edge, it.what.name(), since(it.at)));
    text.push_str(&ladder.text());
    text
}

/// What fits over a column: the address without its port, or a letter where that is not enough.
fn names(parties: &[SocketAddr], edge: SocketAddr) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut letters = 'A'..='Z';
    let mut name = |it: &SocketAddr| {
        let ip = it.ip().to_string();
        if *it == edge {
            return "crosspoint".to_owned();
        }
        if ip.len() <= NAME_MAX && taken.insert(ip.clone()) {
            return ip;
        }
        letters.next().map_or_else(|| "?".to_owned(), |it| format!("({it})"))
    };
    parties.iter().map(&mut name).collect()
}

#[cfg(test)]
mod tests;
