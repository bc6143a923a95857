//! `crosspoint simulate`: a call as the configuration says, between made-up phones, drawn.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::ladder::Ladder;
use super::manners::{Manners, Reply};
use super::program::{Do, On};
use super::{Weather, World, secs};
use crate::clock::Instant;
use crate::config::Config;
use crate::model::event::{Fact, What};
use crate::model::{Endpoint, Trunk};
use crate::sip::Uri;

/// Calls that are not over by then are drawn so far.
const LONGEST: Duration = Duration::from_secs(900);
/// How long they talk before the caller hangs up.
const TALK: Duration = Duration::from_secs(3);
/// How long made-up virtual agents speak before they end the conversation.
const GREETING: Duration = Duration::from_secs(2);
/// Made-up hosts begin here (RFC 5737, TEST-NET-2).
const INVENTED: u32 = u32::from_be_bytes([198, 51, 100, 1]);

/// Places a call from `caller` to `number`; each destination answers after `answer_after`, or
/// never. The ladder of it, with what happened; the same seed gives the same. It ends early once
/// there is `enough`, which is asked at each step.
pub fn simulate(
    config: &Config,
    number: &str,
    caller: &str,
    answer_after: Option<Duration>,
    seed: u64,
    enough: &dyn Fn() -> bool,
) -> String {
    let mut world = World::new(config, seed, Weather::CLEAR);
    let Some(carrier) = inhabit(&mut world, config, answer_after) else {
        return "no trunk of this configuration has sources: nobody can call\n".to_owned();
    };
    world.at(&carrier).number = caller.to_owned();
    world.calls(&carrier, number);
    let connected =
        |it: &World| it.facts.iter().any(|(_, fact)| matches!(fact.what, What::Connected { .. }));
    let ended = |it: &World| {
        it.facts.iter().any(|(_, fact)| matches!(fact.what, What::Ended { .. }))
            || it.seen(&carrier).is_idle()
    };
    world.run_until(LONGEST, |it| connected(it) || ended(it) || enough());
    if !ended(&world) && !enough() {
        world.run_for(TALK);
        world.hangs_up(&carrier);
    }
    world.run_for(secs(1));
    world.ladder().text()
}

/// A carrier for the first trunk that may call, and a phone for each destination. The carrier's
/// name.
fn inhabit(world: &mut World, config: &Config, after: Option<Duration>) -> Option<String> {
    let mut invented = (INVENTED..).map(|it| SocketAddr::from((Ipv4Addr::from(it), 5060)));
    let reply = after.map_or(Reply::Never, Reply::AnswerAfter);
    let manners = Manners { reply, ..Manners::default() };
    let mut voices = [500, 600, 700, 800, 900, 1000].into_iter().cycle();
    let directory = &config.directory;
    let mut there: BTreeMap<SocketAddr, String> = BTreeMap::new();
    let from = directory.trunks().iter().find(|it| !it.sources.is_empty())?;
    let mut source = SocketAddr::new(from.sources.first()?.address(), 5060);
    if source == world.edge() {
        source.set_port(5070);
    }
    world.phone(&from.name, source, 300);
    there.insert(source, from.name.to_string());
    for number in directory.receiving_numbers() {
        let (host, port) = match &number.endpoint {
            Endpoint::Sip { uri } => match Uri::parse(uri.as_bytes()) {
                Ok(uri) => (uri.host_text().to_owned(), uri.port()),
                Err(_) => continue,
            },
            Endpoint::Phone { trunk, .. } => {
                let named = trunk.as_deref().and_then(|it| directory.trunk(it));
                match named.or(directory.default_trunk()).map(|it| first_address(it)) {
                    Some(Some(address)) => address,
                    _ => continue,
                }
            }
            Endpoint::Client { account } => {
                let address = invented.next()?;
                world.register(account, address);
                (address.ip().to_string(), Some(address.port()))
            }
        };
        let address = match host.trim_matches(['[', ']']).parse() {
            Ok(ip) => SocketAddr::new(ip, port.unwrap_or(5060)),
            Err(_) => {
                let known = world.names.get(&host).and_then(|it| it.first().copied());
                let address = known.or_else(|| invented.next())?;
                world.names.insert(host, vec![address]);
                address
            }
        };
        if there.contains_key(&address) {
            continue;
        }
        there.insert(address, number.id.to_string());
        let phone = world.phone(&number.id, address, voices.next().unwrap_or(500));
        phone.manners = manners.clone();
    }
    for agent in directory.virtual_agents() {
        let greets = Do::Say(1000, GREETING);
        let program = world.program(agent.url.whole()).does(On::Begun(Duration::ZERO), greets);
        program.does(On::Begun(GREETING), Do::Stop);
    }
    world.at(&from.name).manners = manners;
    Some(from.name.to_string())
}

fn first_address(trunk: &Trunk) -> Option<(String, Option<u16>)> {
    let address = trunk.addresses.iter().min_by_key(|it| it.priority)?;
    Some((address.host.to_string(), address.port))
}

/// What happened, as a remark under the edge.
pub(super) fn note(ladder: &mut Ladder, edge: SocketAddr, fact: &Fact, at: Instant) {
    let text = match &fact.what {
        What::RouteEntered { route } => format!("route: {route}"),
        What::LegDialing { leg, destination } => format!("dials {destination} (leg {leg})"),
        What::LegDigit { leg, position } => format!("digit {position} to leg {leg}"),
        What::LegWhisper { leg } => format!("whisper to leg {leg}"),
        What::LegAccepted { leg } => format!("leg {leg} takes the call"),
        What::LegDeclined { leg } => format!("leg {leg} declines"),
        What::Connected { leg } => format!("caller and leg {leg} are connected"),
        What::RecordingStarted { file } => format!("recording to {file}"),
        What::RecordingStopped { by } => format!("recording stopped: {by}"),
        What::RecordingPrevented { why } => format!("not recorded: {why}"),
        What::AgentConnected { agent } => format!("caller and {agent} hear each other"),
        What::AgentEnded { agent, reason } => format!("{agent} is over: {reason}"),
        What::Commanded { command, by } => format!("{command} by {by}"),
        What::LegEnded { leg, cause } => format!("leg {leg} is over: {}", cause.reason),
        What::Ended { cause } => format!("the call is over: {}", cause.reason),
        What::KeysEntered { asked, understood: true } => format!("{asked}: answered"),
        What::KeysEntered { asked, understood: false } => format!("{asked}: no such answer"),
        What::VoicemailLeft { voicemail, length_ms, .. } => {
            format!("message of {length_ms} ms in {voicemail}")
        }
        What::Scored { score } => format!("score {score}"),
        What::Received { .. } | What::LegRinging { .. } | What::LegAnswered { .. } => return,
    };
    ladder.note(edge, text, at);
}
