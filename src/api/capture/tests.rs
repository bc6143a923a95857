//! Calls that were captured, as anybody would ask for them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::api::rig::{As, Rig};
use crate::capture::Message;
use crate::model::event::What;
use crate::model::record::CallRecord;
use crate::sip::Transport;
use crate::store::database::{Batch, Position};
use crate::store::{CaptureLimits, Captures as Disk};

const T0: i64 = 1_800_000_000_000_000;

fn message(ms: i64, heard: bool, other: &str, text: &str) -> Message {
    let (edge, other) = ("192.0.2.1:5060".parse().unwrap(), other.parse().unwrap());
    let (from, to) = if heard { (other, edge) } else { (edge, other) };
    let bytes = Bytes::from(format!("{text}\r\nCall-ID: a\r\n\r\n"));
    let at = Wall::from_unix_micros(T0 + ms * 1000);
    Message { at, from, to, transport: Transport::Udp, heard, bytes }
}

fn call(id: &str) -> Captured {
    let (ada, bob) = ("192.0.2.11:5060", "192.0.2.31:5070");
    let messages = vec![
        message(0, true, ada, "INVITE sip:1@h SIP/2.0"),
        message(1, false, ada, "SIP/2.0 100 Trying"),
        message(2, false, bob, "INVITE sip:b@h SIP/2.0"),
        message(1500, true, bob, "SIP/2.0 180 Ringing"),
    ];
    Captured { call: id.into(), left_out: 0, messages }
}

fn record(id: &str) -> CallRecord {
    let record = json!({
        "id": id, "state": "ended", "tracking_number": "+1", "source": "", "caller": "",
        "caller_name": null, "path": [], "legs": [], "received_at": T0, "answered_at": null,
        "connected_at": null, "ended_at": T0 + 1, "ring_ms": null, "talk_ms": null, "cause": null,
        "recordings": [], "caller_quality": null, "agent": null, "lead_owner": null,
        "source_tag": "", "tags": [], "score": null,
    });
    serde_json::from_value(record).unwrap()
}

#[test]
fn a_ladder_has_the_caller_left_and_remarks_under_ourselves() {
    let what = What::LegRinging { leg: 1 };
    let at = Wall::from_unix_micros(T0 + 1_600_000);
    let drawn = drawn(&call("c1"), &[Fact { seq: 1, at, call: "c1".into(), what }]);
    let wanted = "\
call c1, 4 messages
  192.0.2.11: 192.0.2.11:5060
  crosspoint: 192.0.2.1:5060
  192.0.2.31: 192.0.2.31:5070
              192.0.2.11        crosspoint        192.0.2.31
    0.000          |-----INVITE----->|                 |
    0.001          |<--100 Trying----|                 |
    0.002          |                 |-----INVITE----->|
    1.500          |                 |<--180 Ringing---|
    1.600          |                 | leg.ringing
";
    assert_eq!(drawn, wanted, "\n{drawn}");
}

#[test]
fn parties_without_a_short_name_get_letters() {
    let mut call = call("c1");
    call.left_out = 7;
    for (n, other) in ["192.0.2.11:9999", "[2001:db8:1:2:3:4:5:6]:5060"].iter().enumerate() {
        call.messages.push(message(2000 + n as i64, false, other, "BYE sip:b@h SIP/2.0"));
    }
    let drawn = drawn(&call, &[]);
    assert!(drawn.starts_with("call c1, 6 messages; 7 more in the middle were left out\n"));
    assert!(drawn.contains("  (A): 192.0.2.11:9999\n  (B): [2001:db8:1:2:3:4:5:6]:5060\n"));
    assert_eq!(super::drawn(&Captured { messages: Vec::new(), ..call }, &[]), "");
}

#[tokio::test]
async fn a_call_that_goes_on_and_one_that_is_over_are_told_to_who_may_know() {
    let rig = Rig::start("capture").await;
    let admin = rig.admin().await;
    let live = rig.ask(&admin, "GET /v1/records/live1/messages", Value::Null).await;
    assert_eq!(live.status, 200, "{live:?}");
    assert_eq!(live.json()["messages"][0]["text"], "INVITE sip:1@h SIP/2.0\r\n\r\n");
    let strangers = rig.ask(&As::default(), "GET /v1/records/live1/ladder", Value::Null).await;
    assert_eq!(strangers.status, 401);
    for id in ["none", "..%2f..%2fetc", &"x".repeat(101)] {
        for what in ["ladder", "messages", "capture.pcap"] {
            let said = rig.ask(&admin, &format!("GET /v1/records/{id}/{what}"), Value::Null).await;
            assert_eq!((said.status.as_u16(), said.problem()), (404, "not-found".to_owned()));
        }
    }
    let limits = CaptureLimits { days: 1, bytes: 1 << 20 };
    let mut disk = Disk::open(&rig.folder.join("captures"), limits).unwrap();
    disk.keep(&call("c1"), Wall::from_unix_micros(T0)).unwrap();
    let unknown = rig.ask(&admin, "GET /v1/records/c1/ladder", Value::Null).await;
    assert_eq!(unknown.status, 404, "there is no such call");
    let position = Position { node: "main".into(), ..Position::default() };
    let (facts, deliveries) = (Vec::new(), Vec::new());
    let batch = Batch { records: vec![record("c1")], facts, deliveries, position };
    rig.api.store.ingest(&batch).await.unwrap();
    let ladder = rig.ask(&admin, "GET /v1/records/c1/ladder", Value::Null).await;
    assert_eq!((ladder.status.as_u16(), ladder.text), (200, drawn(&call("c1"), &[])));
    let file = rig.ask(&admin, "GET /v1/records/c1/capture.pcap", Value::Null).await;
    assert_eq!(file.header("content-type"), "application/vnd.tcpdump.pcap");
    assert!(file.text.contains("180 Ringing"));
}
