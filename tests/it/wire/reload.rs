//! A new configuration is taken whole or not at all, and running calls keep the one they began
//! with.

use super::edge::{Edge, interop};
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

/// A number that would be new, and after it something wrong; what the log says of that.
const WRONG: &[(&str, &str)] = &[
    ("[[tracking_number]]\nnumber = \"+15550100405\"\nroute = { queue = \"gone\" }", "no queue"),
    (
        "[[smart_router]]\nname = \"a\"\nrule = [{ route = { smart_router = \"b\" } }]\n\
         [[smart_router]]\nname = \"b\"\nrule = [{ route = { smart_router = \"a\" } }]",
        "from router to router for ever",
    ),
    (
        "[[schedule]]\nname = \"s\"\nzone = \"UTC\"\n\
         hours = [\"mon 09:00-12:00\", \"mon 11:00-13:00\"]",
        "overlap on mon from 11:00 to 12:00",
    ),
    (
        "[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@127.0.0.1\"\nextension = \"3x\"",
        "column 2: 'x' is not one of",
    ),
];

/// Whether a call to this number rings B; else it is refused with 404.
fn rings(carrier: &Phone, b: &Phone, number: &str, sdp: &str) -> bool {
    let mut call = carrier.dial(number, sdp);
    let unknown = |it: &super::message::Message| it.status() == 404;
    if let Some(refusal) = carrier.look(unknown, seconds(0.3)) {
        carrier.ack(&mut call, &refusal.message, "");
        return false;
    }
    let there = b.rings();
    carrier.cancel(&call);
    b.is_cancelled(&there, SOON);
    let gone = carrier.status(487);
    carrier.ack(&mut call, &gone.message, "");
    true
}

#[test]
fn a_directory_with_anything_wrong_in_it_is_not_taken_in_part() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let new = "\n[[tracking_number]]\nnumber = \"+15550100404\"\ndial = [\"b-1\"]\n";
    for (wrong, said) in WRONG {
        edge.write_config(&edge.net.translate(&format!("{}{new}{wrong}\n", interop())));
        edge.signal("HUP");
        edge.await_log(said);
        assert!(!rings(&carrier, &b, "15550100404", &sdp), "{wrong}");
    }
    assert!(rings(&carrier, &b, "15550100001", &sdp));
    edge.write_config(&edge.net.translate(&(interop() + new)));
    edge.signal("HUP");
    edge.await_log("was read anew");
    assert!(rings(&carrier, &b, "15550100404", &sdp));
}

#[test]
fn a_running_call_keeps_the_directory_it_began_with() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let c = Phone::destination(&edge.net, 'C');
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let mut first = carrier.dial("15550100003", &sdp);
    let at_b = b.rings();
    // From now on nobody comes after B.
    let changed = interop().replace("no_answer.route = { dial = \"c-3\" }\n", "");
    assert!(changed != interop());
    edge.write_config(&edge.net.translate(&changed));
    edge.signal("HUP");
    edge.await_log("was read anew");
    b.is_cancelled(&at_b, seconds(5.0));
    let at_c = c.rings();
    carrier.cancel(&first);
    c.is_cancelled(&at_c, SOON);
    let gone = carrier.status(487);
    carrier.ack(&mut first, &gone.message, "");
    // A new call has the new directory: it ends with B.
    let before = c.count(|it| it.is("INVITE"));
    let mut second = carrier.dial("15550100003", &sdp);
    let there = b.rings();
    b.is_cancelled(&there, seconds(5.0));
    let refusal = carrier.status(480);
    carrier.ack(&mut second, &refusal.message, "");
    assert_eq!(c.count(|it| it.is("INVITE")), before, "C was rung anew");
}

/// A configuration whose reading lasts until it is written.
struct Pipe(std::path::PathBuf);

impl Pipe {
    fn in_place_of(path: std::path::PathBuf) -> Self {
        std::fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|it| it.success()), "mkfifo");
        Self(path)
    }

    /// Waits until somebody reads, and gives him this. `false` if nobody does.
    fn is_read(&self, text: String) -> bool {
        let (path, (told, heard)) = (self.0.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            let written = std::fs::write(path, text).is_ok();
            let _: Result<(), _> = told.send(written);
        });
        heard.recv_timeout(SOON).unwrap_or(false)
    }
}

#[test]
fn calls_do_not_wait_while_the_file_is_read_and_what_is_asked_meanwhile_is_read_as_well() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let pipe = Pipe::in_place_of(edge.folder.join("edge.toml"));
    edge.signal("HUP");
    assert!(rings(&carrier, &b, "15550100001", &sdp), "while the file is read");
    edge.signal("HUP");
    assert!(rings(&carrier, &b, "15550100001", &sdp));
    let new = "\n[[tracking_number]]\nnumber = \"+15550100404\"\ndial = [\"b-1\"]\n";
    assert!(pipe.is_read(edge.net.translate(&interop())));
    edge.await_log("was read anew");
    assert!(pipe.is_read(edge.net.translate(&(interop() + new))), "the second is lost");
    let give_up = std::time::Instant::now() + SOON;
    while edge.log().matches("was read anew").count() < 2 {
        assert!(std::time::Instant::now() < give_up, "{}", edge.log());
        std::thread::sleep(seconds(0.02));
    }
    assert!(rings(&carrier, &b, "15550100404", &sdp));
}
