//! The far ends on their sockets: reads what comes, lets the phones answer, prints what was seen.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::remarks::Watcher;
use super::set::{FORKED, Set};
use super::{MOBILE, OFFICE, SHOP};
use crate::clock::Instant;
use crate::server::clock::Clock;
use crate::simulator::ear::Sound;
use crate::simulator::{Datagram, Ladder, Manners, Moment, Phone, Reply};

/// Names of the ladder's columns, and the tone that each party's voice is.
const PARTIES: [(&str, u16); 4] =
    [("carrier", 300), ("shop", 500), ("office", 600), ("mobile", 700)];
/// The longest datagram that is read.
const DATAGRAM: usize = 4096;
/// The stage looks around at least this often.
const LOOK: Duration = Duration::from_millis(20);

/// One party and its sockets.
pub(super) struct Party {
    pub phone: Phone,
    sip: UdpSocket,
    rtp: UdpSocket,
}

pub(super) struct Stage {
    pub parties: Vec<Party>,
    pub watcher: Watcher,
    clock: Clock,
    ladder: Ladder,
    /// Rows of the ladder that were printed.
    shown: usize,
    out: Vec<Datagram>,
    colours: bool,
}

impl Stage {
    pub fn open(set: &Set) -> io::Result<Self> {
        let clock = Clock::start();
        let mut parties = Vec::new();
        let mut columns = Vec::new();
        for ((sip, rtp), (name, voice)) in set.sockets.iter().zip(PARTIES) {
            let (sip, rtp) = (sip.try_clone()?, rtp.try_clone()?);
            sip.set_nonblocking(true)?;
            rtp.set_nonblocking(true)?;
            let mut phone = Phone::new(name, sip.local_addr()?, set.edge, voice);
            phone.media = rtp.local_addr()?;
            columns.push((phone.address, name.to_owned()));
            parties.push(Party { phone, sip, rtp });
        }
        columns.insert(1, (set.edge, "crosspoint".to_owned()));
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Ok(Self {
            parties,
            watcher: Watcher::default(),
            clock,
            ladder: Ladder::new(columns),
            shown: 0,
            out: Vec::new(),
            colours,
        })
    }

    /// What everybody was and heard so far belongs to the last call. Prints the ladder's head.
    pub fn next_call(&mut self) {
        self.watcher.next_call();
        for party in &mut self.parties {
            party.phone.moments.clear();
            party.phone.ear.heard.clear();
            party.phone.ear.keys.clear();
        }
        let head = self.ladder.heading();
        self.say(&format!("\n{head}"));
    }

    pub fn call(&mut self, from: usize, number: &str) {
        let now = self.clock.now().at;
        for (n, party) in self.parties.iter_mut().enumerate() {
            party.phone.manners = manners(n, number);
        }
        if let Some(party) = self.parties.get_mut(from) {
            party.phone.call(number, now, &mut self.out);
        }
        self.send(now);
    }

    pub fn hang_up(&mut self, who: usize) {
        let now = self.clock.now().at;
        if let Some(party) = self.parties.get_mut(who) {
            party.phone.hang_up(now, &mut self.out);
        }
        self.send(now);
    }

    /// Lets everybody act until `done`, or for `limit`.
    pub fn run(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.clock.now().at + limit;
        loop {
            let now = self.clock.now().at;
            self.receive(now);
            for party in &mut self.parties {
                party.phone.on_time(now, &mut self.out);
            }
            self.send(now);
            self.watch(now);
            if end <= now || done(self) {
                return;
            }
            self.wait(now);
        }
    }

    /// Until something comes, or somebody has something to do.
    fn wait(&self, now: Instant) {
        let due = self.parties.iter().filter_map(|it| it.phone.deadline()).min();
        let wait = due.map_or(LOOK, |at| at.since(now)).min(LOOK);
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
        let sockets = self.parties.iter().flat_map(|it| [&it.sip, &it.rtp]);
        let mut fds: Vec<PollFd<'_>> = sockets.map(|it| PollFd::new(it, PollFlags::IN)).collect();
        // A signal wakes us early, which is no harm.
        let _ = poll(&mut fds, Some(&wait));
    }

    fn receive(&mut self, now: Instant) {
        let mut buffer = [0; DATAGRAM];
        for party in &mut self.parties {
            let addresses = [(&party.sip, party.phone.address), (&party.rtp, party.phone.media)];
            for (socket, to) in addresses {
                while let Ok((length, from)) = receive(socket, &mut buffer) {
                    let bytes = buffer[..length].to_vec();
                    if to == party.phone.address {
                        self.ladder.message(from, to, &bytes, now);
                    }
                    party.phone.on_datagram(&Datagram { from, to, bytes }, now, &mut self.out);
                }
            }
        }
    }

    fn send(&mut self, now: Instant) {
        for Datagram { from, to, bytes } in self.out.drain(..) {
            for party in &self.parties {
                if from == party.phone.address {
                    self.ladder.message(from, to, &bytes, now);
                    self.watcher.sent(&party.phone.name, &bytes);
                    // A full buffer costs this datagram, as the network might.
                    let _ = party.sip.send_to(&bytes, to);
                } else if from == party.phone.media {
                    let _ = party.rtp.send_to(&bytes, to);
                }
            }
        }
    }

    /// Prints what is new: rungs, then what they mean.
    fn watch(&mut self, now: Instant) {
        let phones: Vec<&Phone> = self.parties.iter().map(|it| &it.phone).collect();
        let (notes, remarks) = self.watcher.look(&phones, now);
        for (who, note) in notes {
            if let Some(party) = self.parties.get(who) {
                self.ladder.note(party.phone.address, note, now);
            }
        }
        let lines = self.ladder.lines(self.shown);
        self.shown += lines.len();
        for line in lines {
            self.print(&line, "2");
        }
        for remark in remarks {
            self.print(&format!("        * {remark}"), "1;36");
        }
    }

    pub fn say(&self, text: &str) {
        self.print(text, "0");
    }

    /// One line; `style` is what a terminal is told (ECMA-48 SGR).
    fn print(&self, line: &str, style: &str) {
        let mut out = io::stdout().lock();
        // Nobody reads any more: the calls go on to their end.
        let _ = match self.colours && style != "0" {
            true => writeln!(out, "\x1b[{style}m{line}\x1b[0m"),
            false => writeln!(out, "{line}"),
        };
        let _ = out.flush();
    }

    // What has become of a call.

    pub fn saw(&self, who: usize, what: Moment) -> bool {
        self.parties.get(who).is_some_and(|it| it.phone.moment(what).is_some())
    }

    /// Its call was answered with something else than 200.
    pub fn refused(&self, who: usize) -> bool {
        self.parties.get(who).is_some_and(|it| it.phone.finals().iter().any(|it| *it != 200))
    }

    pub fn hear_each_other(&self, one: usize, other: usize) -> bool {
        let hears = |ear: usize, voice: usize| {
            let sound = Sound::Tone(PARTIES.get(voice).map_or(0, |it| it.1));
            self.parties.get(ear).is_some_and(|it| it.phone.ear.first(sound).is_some())
        };
        hears(one, other) && hears(other, one)
    }
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            // A phone that hung up is sent a last packet or two; the port being closed is no news.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => (),
            other => return other,
        }
    }
}

/// What each party does when it is rung by a call to `number`.
fn manners(party: usize, number: &str) -> Manners {
    let reply = match party {
        SHOP => Reply::RefuseAfter(Duration::from_millis(1500), 486),
        OFFICE => Reply::AnswerAfter(Duration::from_millis(2500)),
        // In the first call the office is faster.
        MOBILE if number == FORKED => Reply::Never,
        MOBILE => Reply::AnswerAfter(Duration::from_millis(1500)),
        _ => Reply::Never,
    };
    Manners { reply, ring_after: Duration::from_millis(100), ..Manners::default() }
}
