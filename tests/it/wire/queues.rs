//! A queue on real sockets: SIPp waits, its caller hears music, and baresip takes the call.

use super::edge::{Edge, interop};
use super::peers::{Peer, baresip, sipp, write_wav};
use super::voice::Voice;
use super::{SOON, seconds};

const SALES: &str = "
[[agent]]
name = \"ann\"
account = \"agent1\"

[[queue]]
name = \"sales\"
members = [{ agent = \"ann\" }]
music = { file = \"music.wav\" }

[[tracking_number]]
number = \"+15550100404\"
route = { queue = \"sales\" }
";

#[test]
fn a_caller_waits_with_music_until_an_agent_has_registered() {
    let edge =
        Edge::start_in(|_| interop() + SALES, |folder| write_wav(&folder.join("music.wav"), 1000));
    edge.await_log("prompts loaded");
    let ears = Voice::at(edge.net.ip(11));
    let port = ears.address.port().to_string();
    let more = ["-key", "ears", &port, "-s", "15550100404", &edge.net.edge().to_string()];
    let mut command = sipp("waits", edge.net.at(11, 5060), &more);
    let mut carrier = Peer::start(&edge.folder, "carrier", &mut command);
    ears.await_tone(1000, seconds(1.5), SOON);
    let _ann = baresip(&edge, "secret", &[]);
    ears.await_tone(440, seconds(1.0), seconds(10.0));
    carrier.ends_well(seconds(20.0));
    // Music until ann spoke, and never again; what was heard in between was neither ringing.
    let heard = ears.packets();
    let first = heard.iter().position(|it| it.is_tone(440)).unwrap();
    let music = heard[..first].iter().filter(|it| it.is_tone(1000)).count();
    assert!(first - music < 25, "{music} of {first} packets before the agent were music");
    assert!(!heard[first..].iter().any(|it| it.is_tone(1000)), "the music plays on");
    let record = edge.record("ended");
    assert_eq!(record["agent"], "ann");
    assert!(record["wait_ms"].as_u64().is_some_and(|it| 1400 <= it), "{record:#}");
    assert_eq!(record["legs"].as_array().unwrap().len(), 1, "she is rung once: {record:#}");
}
