//! How long it takes to index the head of a carrier's INVITE.

mod allocations;
mod measure;

use bytes::Bytes;
use crosspoint::sip;

/// An INVITE as a carrier's border sends it; its head is about 800 bytes long.
const INVITE: &str = "INVITE sip:+15550100001@203.0.113.7:5060;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.11:5060;branch=z9hG4bK-524287-1---7a2f9c4e1b3d5f60;rport\r\n\
    Max-Forwards: 68\r\n\
    Record-Route: <sip:198.51.100.11;lr;ftag=gK0c2a7b91>\r\n\
    From: \"Ann Example\" <sip:+15125550100@198.51.100.40;isup-oli=62>;tag=gK0c2a7b91\r\n\
    To: <sip:+15550100001@203.0.113.7;user=phone>\r\n\
    Call-ID: 1283947561_84739281@198.51.100.40\r\n\
    CSeq: 741823 INVITE\r\n\
    Contact: <sip:+15125550100@198.51.100.40:5080;transport=udp>\r\n\
    Allow: INVITE,ACK,CANCEL,BYE,PRACK,INFO,UPDATE,OPTIONS\r\n\
    Supported: timer,100rel,precondition,histinfo\r\n\
    User-Agent: Border Gateway 9.2.1\r\n\
    P-Charging-Vector: icid-value=4c2f9b07a1\r\n\
    Session-Expires: 1800\r\n\
    P-Asserted-Identity: \"Ann Example\" <sip:+15125550100@198.51.100.40:5080>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 129\r\n\
    \r\n\
    v=0\r\n\
    o=- 20518 0 IN IP4 198.51.100.40\r\n\
    s=-\r\n\
    c=IN IP4 198.51.100.40\r\n\
    t=0 0\r\n\
    m=audio 49170 RTP/AVP 0 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\n";

fn main() {
    let head = INVITE.find("\r\n\r\n").map_or(0, |it| it + 4);
    let length = INVITE.len() - head;
    let text = INVITE.replace("Content-Length: 129", &format!("Content-Length: {length}"));
    let bytes = Bytes::from(text);
    let parsed = sip::parse(bytes.clone()).expect("the INVITE is right");
    assert_eq!(parsed.body().len(), length);
    let cost = measure::over_and_over(20_000, || sip::parse(bytes.clone()));
    cost.print(&format!("parse: INVITE head of {head} bytes"));
    assert_eq!(cost.allocations, 0.0, "an index needs no heap");
}
