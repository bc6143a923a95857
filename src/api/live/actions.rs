//! What can be done to a live call: hung up, put through, recorded, its whisper skipped. Managers do
//! it to all calls, an agent to its own. Each is in the audit log.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::access::{Agent, Role, Who};
use crate::api::{Answer, Api, Ask, Body, Path, Problem};
use crate::call::{Command, Refused, Target};
use crate::flow::Spent;
use crate::model::{Dial, Directory, Order, Route};

/// Whom a call is put through to: one of them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutThrough {
    /// As the person who talks with the caller would dial it: a tracking number, a receiving
    /// number or its name, an account, or a number outside if that person's account may call it.
    to: Option<String>,
    /// Receiving numbers.
    dial: Option<Vec<String>>,
    queue: Option<String>,
    agent: Option<String>,
    voice_menu: Option<String>,
    voicemail: Option<String>,
    smart_router: Option<String>,
    geo_router: Option<String>,
    virtual_agent: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Whether it is to be recorded from now on.
    on: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Whispered {
    /// `false` skips the one that is being played; none can be begun.
    play: bool,
}

/// The longest thing that can be dialled.
const DIALLED_MAX: usize = 256;
/// Receiving numbers that can be rung at once.
const DIAL_MAX: usize = 32;

/// Hang up
#[utoipa::path(post, path = "/v1/calls/{id}/hangup", operation_id = "hang_up_call", tag = "calls", params(("id" = String, Path)),
    responses((status = 204, description = "It is hung up")),
    extensions(("x-role" = json!("agent"))))]
pub(super) async fn hang_up(
    State(api): State<Api>,
    Agent(who): Agent,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    act(&api, &who, &id, Command::HangUp, Value::Null).await
}

/// Put the caller through
#[utoipa::path(post, path = "/v1/calls/{id}/transfer", operation_id = "transfer_call", tag = "calls",
    params(("id" = String, Path)), request_body = PutThrough,
    responses((status = 204, description = "Somebody is being rung for it, or it goes that way")),
    extensions(("x-role" = json!("agent"))))]
pub(super) async fn transfer(
    State(api): State<Api>,
    Agent(who): Agent,
    Path(id): Path<String>,
    Body(wanted): Body<PutThrough>,
) -> Answer<StatusCode> {
    let (to, said) = wanted.target(&api.running().directory)?;
    act(&api, &who, &id, Command::Transfer { to }, said).await
}

/// Start or stop recording
///
/// Starting never overrides that who answered may not be recorded.
#[utoipa::path(post, path = "/v1/calls/{id}/recording", operation_id = "record_call", tag = "calls",
    params(("id" = String, Path)), request_body = Recorded,
    responses((status = 204, description = "It is so")),
    extensions(("x-role" = json!("agent"))))]
pub(super) async fn record(
    State(api): State<Api>,
    Agent(who): Agent,
    Path(id): Path<String>,
    Body(wanted): Body<Recorded>,
) -> Answer<StatusCode> {
    act(&api, &who, &id, Command::Record(wanted.on), Value::Null).await
}

/// Skip the whisper that is being played
#[utoipa::path(post, path = "/v1/calls/{id}/whisper", operation_id = "skip_whisper", tag = "calls",
    params(("id" = String, Path)), request_body = Whispered,
    responses((status = 204, description = "It is skipped")),
    extensions(("x-role" = json!("agent"))))]
pub(super) async fn whisper(
    State(api): State<Api>,
    Agent(who): Agent,
    Path(id): Path<String>,
    Body(wanted): Body<Whispered>,
) -> Answer<StatusCode> {
    if wanted.play {
        return Err(Problem::at("/play", "a whisper cannot be begun").allowed("false"));
    }
    act(&api, &who, &id, Command::SkipWhisper, Value::Null).await
}

async fn act(api: &Api, who: &Who, id: &str, command: Command, said: Value) -> Answer<StatusCode> {
    if who.role < Role::Manager {
        let own = api.live.get(id).is_some_and(|call| {
            let directory = &api.running().directory;
            who.agent.as_ref().is_some_and(|agent| call.is_of(agent, directory))
        });
        if !own {
            return Err(Problem::not_allowed("an agent may do this to its own calls only"));
        }
    }
    let what = command.as_str();
    let (call, by): (Arc<str>, Arc<str>) = (id.into(), who.name.as_str().into());
    let told = api.exchange.ask(|answer| Ask::Command { call, command, by, answer }).await?;
    match told {
        Ok(()) => {
            // It is done; that the log cannot be written changes nothing of it.
            if let Err(error) = api.audit(who, what, format!("call/{id}"), said).await {
                tracing::error!(%error, what, "not in the audit log");
            }
            Ok(StatusCode::NO_CONTENT)
        }
        Err(Refused::Over) => match super::super::records::found(api, id).await {
            Ok(_) => Err(Problem::not_now(Refused::Over.to_string())),
            Err(problem) => Err(problem),
        },
        Err(Refused::Unreachable(cause)) => {
            let problem = Problem::not_now(Refused::Unreachable(cause.clone()).to_string());
            Err(problem.and("reason", cause.reason).and("sip", cause.sip))
        }
        Err(refused) => Err(Problem::not_now(refused.to_string())),
    }
}

impl PutThrough {
    /// The one that is named, and how the audit log says it.
    fn target(self, directory: &Directory) -> Answer<(Target, Value)> {
        let mut found: Vec<(&str, Value, Option<Target>)> = Vec::new();
        if let Some(to) = self.to {
            if to.is_empty() || DIALLED_MAX < to.len() || to.chars().any(char::is_control) {
                return Err(
                    Problem::at("/to", "this cannot be dialled").allowed("1 to 256 characters")
                );
            }
            let target = Target::Dialled { dialled: to.as_str().into(), spent: Spent::default() };
            found.push(("to", to.into(), Some(target)));
        }
        if let Some(names) = self.dial {
            if names.is_empty() || DIAL_MAX < names.len() {
                return Err(Problem::at("/dial", "too few or too many").allowed("1 to 32 names"));
            }
            let unknown = names.iter().position(|it| directory.receiving_number(it).is_none());
            if let Some(at) = unknown {
                let detail = format!("there is no receiving number {:?}", names[at]);
                return Err(Problem::at(format!("/dial/{at}"), detail));
            }
            let numbers = names.iter().map(|it| it.as_str().into()).collect();
            let dial = Dial { order: Order::Simultaneous, numbers, stages: Vec::new() };
            found.push(("dial", names.into(), Some(Target::Route(Route::Dial(dial.into())))));
        }
        type Make = fn(Arc<str>) -> Route;
        type Known<'a> = Box<dyn Fn(&str) -> bool + 'a>;
        let named: [(&str, Option<String>, Make, Known<'_>); 7] = [
            ("queue", self.queue, Route::Queue, Box::new(|it| directory.queue(it).is_some())),
            ("agent", self.agent, Route::Agent, Box::new(|it| directory.agent(it).is_some())),
            (
                "voice_menu",
                self.voice_menu,
                Route::VoiceMenu,
                Box::new(|it| directory.voice_menu(it).is_some()),
            ),
            (
                "voicemail",
                self.voicemail,
                Route::Voicemail,
                Box::new(|it| directory.voicemail_box(it).is_some()),
            ),
            (
                "smart_router",
                self.smart_router,
                Route::SmartRouter,
                Box::new(|it| directory.smart_router(it).is_some()),
            ),
            (
                "geo_router",
                self.geo_router,
                Route::GeoRouter,
                Box::new(|it| directory.geo_router(it).is_some()),
            ),
            (
                "virtual_agent",
                self.virtual_agent,
                Route::VirtualAgent,
                Box::new(|it| directory.virtual_agent(it).is_some()),
            ),
        ];
        for (kind, name, make, known) in named {
            let Some(name) = name else { continue };
            let target = known(&name).then(|| Target::Route(make(name.as_str().into())));
            found.push((kind, name.into(), target));
        }
        let one = "one of: to, dial, queue, agent, voice_menu, voicemail, smart_router, \
                   geo_router, virtual_agent";
        match <[_; 1]>::try_from(found) {
            Ok([(kind, name, Some(target))]) => Ok((target, json!({ kind: name }))),
            Ok([(kind, name, None)]) => {
                Err(Problem::at(format!("/{kind}"), format!("there is no {kind} {name}")))
            }
            Err(_) => Err(Problem::at("", "a call goes to one place").allowed(one)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::directory::Parts;
    use crate::model::{Endpoint, Queue, ReceivingNumber};

    fn read(text: &str) -> Answer<(Target, Value)> {
        let desk = Endpoint::Sip { uri: "sip:desk@192.0.2.1".into() };
        let directory = Directory::new(Parts {
            receiving_numbers: vec![ReceivingNumber::new("desk", desk)],
            queues: vec![Queue::new("sales")],
            ..Parts::default()
        });
        serde_json::from_str::<PutThrough>(text).unwrap().target(&directory)
    }

    #[test]
    fn a_call_goes_to_one_place_that_is_there() {
        assert!(matches!(read(r#"{"to":"desk"}"#), Ok((Target::Dialled { .. }, _))));
        assert!(matches!(read(r#"{"dial":["desk"]}"#), Ok((Target::Route(Route::Dial(_)), _))));
        assert!(matches!(read(r#"{"queue":"sales"}"#), Ok((Target::Route(Route::Queue(_)), _))));
        for (wrong, why) in [
            ("{}", "one place"),
            (r#"{"to":"desk","queue":"sales"}"#, "one place"),
            (r#"{"queue":"ghost"}"#, "no queue"),
            (r#"{"dial":["desk","ghost"]}"#, "/dial/1"),
            (r#"{"dial":[]}"#, "too few"),
            (r#"{"to":""}"#, "cannot be dialled"),
            (r#"{"to":"a\r\nb"}"#, "cannot be dialled"),
        ] {
            let problem = format!("{:?}", read(wrong).unwrap_err());
            assert!(problem.contains(why), "{wrong}: {problem}");
        }
    }
}
