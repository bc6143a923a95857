//! A telephone or carrier on a UDP socket that does exactly what its test says, no more: it writes
//! SIP as text, stamps what comes with the time it came, and resends nothing.

use std::cell::RefCell;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::message::Message;
use super::network::Network;
use super::{SOON, seconds};

static NEXT: AtomicU32 = AtomicU32::new(1);

fn fresh(what: &str) -> String {
    format!("{what}{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Something that came, and when.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Instant,
    pub message: Message,
}

pub struct Phone {
    pub address: SocketAddr,
    /// Where it sends what it has to say.
    pub edge: SocketAddr,
    socket: UdpSocket,
    inbox: Receiver<Heard>,
    /// All that came; what a test has taken is marked.
    log: RefCell<Vec<(bool, Heard)>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// One end of a dialog, as far as a test needs it.
#[derive(Clone, Debug)]
pub struct Line {
    pub call: String,
    pub local: String,
    pub remote: String,
    pub target: String,
    pub cseq: u32,
    /// The INVITE as it was sent, or as it came.
    pub invite: Message,
    pub sent: Vec<u8>,
}

impl Phone {
    pub fn at(address: SocketAddr, net: &Network) -> Self {
        let socket = UdpSocket::bind(address).unwrap_or_else(|it| panic!("{address}: {it}"));
        socket.set_read_timeout(Some(seconds(0.05))).unwrap();
        let address = socket.local_addr().unwrap();
        let (tell, inbox) = channel();
        let over = Arc::new(AtomicBool::new(false));
        let (ear, until) = (socket.try_clone().unwrap(), over.clone());
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while !until.load(Ordering::Relaxed) {
                let Ok((length, _)) = ear.recv_from(&mut buffer) else { continue };
                let at = Instant::now();
                if let Some(message) = Message::read(&buffer[..length])
                    && tell.send(Heard { at, message }).is_err()
                {
                    return;
                }
            }
        });
        let log = RefCell::default();
        Self { address, edge: net.edge(), socket, inbox, log, over, thread: Some(thread) }
    }

    /// The carrier of interop.toml.
    pub fn carrier(net: &Network) -> Self {
        Self::at(net.at(11, 5060), net)
    }

    /// Destination B, C or D of interop.toml.
    pub fn destination(net: &Network, name: char) -> Self {
        let host = 31 + (name as u8 - b'B');
        Self::at(net.at(host, 5070), net)
    }

    pub fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.edge).unwrap();
    }

    // ---------------------------------------------------------------- what came

    fn listen(&self, until: Instant) {
        let wait = until.saturating_duration_since(Instant::now());
        if let Ok(heard) = self.inbox.recv_timeout(wait) {
            self.log.borrow_mut().push((false, heard));
        }
        self.log.borrow_mut().extend(self.inbox.try_iter().map(|it| (false, it)));
    }

    /// The first message of this kind that was not taken yet.
    pub fn look(&self, kind: impl Fn(&Message) -> bool, within: Duration) -> Option<Heard> {
        let until = Instant::now() + within;
        loop {
            let mut log = self.log.borrow_mut();
            let found = log.iter_mut().find(|(taken, it)| !taken && kind(&it.message));
            if let Some((taken, heard)) = found {
                *taken = true;
                return Some(heard.clone());
            }
            drop(log);
            if until <= Instant::now() {
                return None;
            }
            self.listen(until);
        }
    }

    pub fn take(&self, what: &str, kind: impl Fn(&Message) -> bool, within: Duration) -> Heard {
        self.look(kind, within).unwrap_or_else(|| {
            panic!("{} heard no {what} within {within:?}; it heard {}", self.address, self.told())
        })
    }

    pub fn request(&self, method: &str) -> Heard {
        self.request_within(method, SOON)
    }

    pub fn request_within(&self, method: &str, within: Duration) -> Heard {
        self.take(method, |it| it.is(method), within)
    }

    pub fn status(&self, status: u16) -> Heard {
        self.status_within(status, SOON)
    }

    pub fn status_within(&self, status: u16, within: Duration) -> Heard {
        self.take(&status.to_string(), |it| it.status() == status, within)
    }

    pub fn hears_status(&self, status: u16, within: Duration) -> bool {
        self.look(|it| it.status() == status, within).is_some()
    }

    /// How many of this kind came so far, taken or not.
    pub fn count(&self, kind: impl Fn(&Message) -> bool) -> usize {
        self.listen(Instant::now());
        self.log.borrow().iter().filter(|(_, it)| kind(&it.message)).count()
    }

    pub fn heard(&self, kind: impl Fn(&Message) -> bool) -> Vec<Heard> {
        self.listen(Instant::now());
        self.log
            .borrow()
            .iter()
            .filter(|(_, it)| kind(&it.message))
            .map(|it| it.1.clone())
            .collect()
    }

    fn told(&self) -> String {
        let log = self.log.borrow();
        log.iter().map(|(_, it)| format!("\n  {:?}", it.message)).collect()
    }

    // ---------------------------------------------------------------- requests

    /// Long enough to be answered: a stranger hears no more octets than it sent.
    pub fn send_options(&self) {
        let (call, tag, branch) = (fresh("o"), fresh("t"), fresh("z9hG4bK"));
        let text = format!(
            "OPTIONS sip:{edge} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch={branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:probe@{at}>;tag={tag}\r\nTo: <sip:{edge}>\r\n\
             Call-ID: {call}\r\nCSeq: 1 OPTIONS\r\nUser-Agent: {pad}\r\n\
             Content-Length: 0\r\n\r\n",
            pad = "wire ".repeat(40),
            edge = self.edge,
            at = self.address,
        );
        self.send(text.as_bytes());
    }

    /// Calls a number of the edge.
    pub fn dial(&self, number: &str, sdp: &str) -> Line {
        self.dial_uri(&format!("sip:{number}@{}", self.edge), sdp, "")
    }

    /// Calls this URI; `extra` are whole header lines.
    pub fn dial_uri(&self, uri: &str, sdp: &str, extra: &str) -> Line {
        let mut line = Line {
            call: fresh("c"),
            local: format!("\"Ada\" <sip:+15125550142@{}>;tag={}", self.address, fresh("t")),
            remote: format!("<{uri}>"),
            target: uri.to_owned(),
            cseq: 0,
            invite: Message::read(b"-\r\n\r\n").unwrap(),
            sent: Vec::new(),
        };
        let mut extra = extra.to_owned();
        extra += &format!(
            "Contact: <sip:+15125550142@{}>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO\r\n",
            self.address
        );
        line.sent = self.ask(&mut line, "INVITE", &extra, sdp);
        line.invite = Message::read(&line.sent).unwrap();
        line
    }

    /// Sends a request of this dialog; the bytes, to send again.
    pub fn ask(&self, line: &mut Line, method: &str, extra: &str, body: &str) -> Vec<u8> {
        line.cseq += 1;
        let bytes = self.written(line, method, line.cseq, &fresh("z9hG4bK"), extra, body);
        self.send(&bytes);
        bytes
    }

    fn written(
        &self,
        line: &Line,
        method: &str,
        cseq: u32,
        branch: &str,
        extra: &str,
        body: &str,
    ) -> Vec<u8> {
        let kind = match (body.is_empty(), extra.contains("Content-Type")) {
            (false, false) => "Content-Type: application/sdp\r\n",
            _ => "",
        };
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch}\r\nMax-Forwards: 70\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n{extra}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            line.target,
            self.address,
            line.local,
            line.remote,
            line.call,
            body.len()
        )
        .into_bytes()
    }

    /// Acknowledges a final response to the line's INVITE, and takes over what it says.
    pub fn ack(&self, line: &mut Line, response: &Message, body: &str) {
        let success = response.status() < 300;
        line.remote = response.header("To").to_owned();
        let branch = if success {
            line.target = response.contact();
            fresh("z9hG4bK")
        } else {
            line.invite.branch().to_owned()
        };
        self.send(&self.written(line, "ACK", response.cseq(), &branch, "", body));
    }

    /// Gives up a call that was not answered yet.
    pub fn cancel(&self, line: &Line) {
        let (cseq, branch) = (line.invite.cseq(), line.invite.branch());
        self.send(&self.written(line, "CANCEL", cseq, branch, "", ""));
    }

    /// Hangs up and hears that it was taken.
    pub fn hang_up(&self, line: &mut Line) {
        self.ask(line, "BYE", "", "");
        self.take("200 to BYE", |it| it.status() == 200 && it.method() == "BYE", SOON);
    }

    // ---------------------------------------------------------------- answers

    /// The other end of a call: rung by `invite`.
    pub fn line(&self, invite: &Message) -> Line {
        Line {
            call: invite.call().to_owned(),
            local: format!("{};tag={}", invite.header("To"), fresh("t")),
            remote: invite.header("From").to_owned(),
            target: invite.contact(),
            cseq: 100,
            invite: invite.clone(),
            sent: Vec::new(),
        }
    }

    /// Answers the INVITE of `line`.
    pub fn answer(&self, line: &Line, status: u16, sdp: &str) {
        self.reply(&line.invite, &line.local, status, "", sdp);
    }

    pub fn reply(&self, request: &Message, to: &str, status: u16, extra: &str, body: &str) {
        let vias: String = request.all("Via").iter().map(|it| format!("Via: {it}\r\n")).collect();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let contact = match extra.contains("Contact:") {
            true => String::new(),
            false => format!("Contact: <sip:{}>\r\n", self.address),
        };
        let text = format!(
            "SIP/2.0 {status} As Told\r\n{vias}From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             {contact}{extra}{kind}Content-Length: {}\r\n\r\n{body}",
            request.header("From"),
            request.call(),
            request.header("CSeq"),
            body.len()
        );
        self.send(text.as_bytes());
    }

    /// Takes a request in the dialog with 200.
    pub fn accept(&self, request: &Message, sdp: &str) {
        self.reply(request, request.header("To"), 200, "", sdp);
    }

    /// Is rung, and rings.
    pub fn rings(&self) -> Line {
        let line = self.line(&self.request("INVITE").message);
        self.answer(&line, 180, "");
        line
    }

    /// Answers and is acknowledged.
    pub fn picks_up(&self, line: &Line, sdp: &str) {
        self.answer(line, 200, sdp);
        self.request("ACK");
    }

    /// Is hung up on, and takes it.
    pub fn is_hung_up(&self, within: Duration) -> Heard {
        let bye = self.request_within("BYE", within);
        self.accept(&bye.message, "");
        bye
    }

    /// Is called off: 200 to the CANCEL, 487 to the INVITE.
    pub fn is_cancelled(&self, line: &Line, within: Duration) -> Heard {
        let cancel = self.request_within("CANCEL", within);
        self.reply(&cancel.message, &line.local, 200, "", "");
        self.answer(line, 487, "");
        self.request("ACK");
        cancel
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        if std::thread::panicking() {
            eprintln!("--- {} heard{}", self.address, self.told());
        }
    }
}
