//! Smart routers on real sockets: who called before, also before a crash; and headers.

use super::SOON;
use super::edge::{Edge, interop};
use super::phone::Phone;
use super::voice::Voice;

const ROUTER: &str = "
[[tracking_number]]
number = \"+15550100404\"
route = { smart_router = \"by\" }

[[smart_router]]
name = \"by\"
otherwise = \"hangup\"

[[smart_router.rule]]
when = { repeat_caller = \"30d\" }
route = { dial = \"b-1\" }
";

#[test]
fn a_caller_is_known_again_after_a_crash() {
    let mut edge = Edge::start_with(|_| interop() + ROUTER);
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let mut call = carrier.dial("15550100404", &sdp);
    let refusal = carrier.status(480).message;
    carrier.ack(&mut call, &refusal, "");
    assert_eq!(edge.record("ended")["cause"]["reason"], "route_hangup");
    edge.kill();
    edge.restart();
    let mut call = carrier.dial("15550100404", &sdp);
    let there = b.rings();
    carrier.cancel(&call);
    b.is_cancelled(&there, SOON);
    let gone = carrier.status(487);
    carrier.ack(&mut call, &gone.message, "");
}

#[test]
fn a_header_of_the_invite_decides_where_the_call_goes() {
    let by_header = ROUTER.replace(
        "repeat_caller = \"30d\"",
        "header = { name = \"x-campaign\", begins = \"spring\" }",
    );
    let edge = Edge::start_with(|_| interop() + &by_header);
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let uri = format!("sip:15550100404@{}", edge.net.edge());
    let mut call = carrier.dial_uri(&uri, &sdp, "X-Campaign: autumn\r\n");
    let refusal = carrier.status(480).message;
    carrier.ack(&mut call, &refusal, "");
    assert_eq!(b.count(|it| it.is("INVITE")), 0);
    let mut call = carrier.dial_uri(&uri, &sdp, "X-CAMPAIGN: spring\r\n 7\r\n");
    let there = b.rings();
    carrier.cancel(&call);
    b.is_cancelled(&there, SOON);
    let gone = carrier.status(487);
    carrier.ack(&mut call, &gone.message, "");
}
