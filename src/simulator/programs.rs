//! The programs of a town, and the connections between them and the exchange.
//!
//! Here stands what the shell does with real sockets: it opens connections, carries messages and
//! closes. [`Conversation`] is the exchange's own.

use std::collections::BTreeMap;

use super::program::{Door, Program, Sent};
use crate::audio::StreamId;
use crate::clock::Instant;
use crate::media::{Say, Strand};
use crate::stream::{Conversation, Fault, Opening, Order, Told, Want};

#[derive(Default)]
pub struct Programs {
    pub list: Vec<Program>,
    links: BTreeMap<StreamId, Link>,
}

/// A connection, and the place of its program in the list.
enum Link {
    Opening { at: Instant, opening: Box<Opening>, program: usize },
    Refused { at: Instant },
    Silent,
    Open { talk: Box<Conversation>, program: usize },
}

/// What comes of it for media and for the call.
pub enum Done {
    Media(StreamId, Say),
    Tell(StreamId, Told),
}

impl Programs {
    /// A program at this URL.
    pub fn add(&mut self, url: &str) -> &mut Program {
        self.list.push(Program::new(url));
        self.list.last_mut().unwrap_or_else(|| unreachable!("it was just put there"))
    }

    /// Connections that are open or are being opened.
    pub fn links(&self) -> usize {
        self.links.len()
    }

    pub(super) fn on_order(
        &mut self,
        stream: StreamId,
        order: Order,
        now: Instant,
        done: &mut Vec<Done>,
    ) {
        match (order, self.links.get_mut(&stream)) {
            (Order::Open(opening), _) => {
                let found = self.list.iter().position(|it| it.url == opening.agent.url.whole());
                let link = match found.map(|it| (it, self.list[it].door)) {
                    Some((program, Door::OpensAfter(after))) => {
                        Link::Opening { at: now + after, opening, program }
                    }
                    Some((_, Door::Silent)) => Link::Silent,
                    Some((_, Door::Shut)) | None => Link::Refused { at: now },
                };
                self.links.insert(stream, link);
            }
            (order, Some(Link::Open { talk, program })) => {
                let (program, mut wants) = (*program, Vec::new());
                talk.on_order(&order, &mut wants);
                self.carry(stream, program, wants, now, done);
            }
            (Order::Close, _) => drop(self.links.remove(&stream)),
            (Order::Begin | Order::Key(_), _) => (),
        }
    }

    pub(super) fn on_strand(
        &mut self,
        stream: StreamId,
        strand: Strand<'_>,
        now: Instant,
        done: &mut Vec<Done>,
    ) {
        if let Some(Link::Open { talk, program }) = self.links.get_mut(&stream) {
            let (program, mut wants) = (*program, Vec::new());
            talk.on_strand(strand, &mut wants);
            self.carry(stream, program, wants, now, done);
        }
    }

    pub(super) fn on_time(&mut self, now: Instant, done: &mut Vec<Done>) {
        let due: Vec<StreamId> = self
            .links
            .iter()
            .filter(|(_, link)| self.due(link).is_some_and(|it| it <= now))
            .map(|(stream, _)| *stream)
            .collect();
        for stream in due {
            match self.links.remove(&stream) {
                Some(Link::Opening { opening, program, .. }) => {
                    let mut wants = Vec::new();
                    let talk = Box::new(Conversation::new(*opening, now, &mut wants));
                    self.links.insert(stream, Link::Open { talk, program });
                    self.carry(stream, program, wants, now, done);
                }
                Some(Link::Refused { .. }) => {
                    done.push(Done::Tell(stream, Told::Lost(Fault::Unreachable)));
                }
                Some(Link::Silent) => drop(self.links.insert(stream, Link::Silent)),
                Some(Link::Open { talk, program }) => {
                    self.links.insert(stream, Link::Open { talk, program });
                    self.talk_on(stream, program, now, done);
                }
                None => (),
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.links.values().filter_map(|it| self.due(it)).min()
    }

    fn due(&self, link: &Link) -> Option<Instant> {
        match link {
            Link::Opening { at, .. } | Link::Refused { at } => Some(*at),
            Link::Silent => None,
            Link::Open { talk, program } => {
                let acts = self.list.get(*program).and_then(Program::deadline);
                [talk.deadline(), acts].into_iter().flatten().min()
            }
        }
    }

    /// The program does what is due, and the conversation too.
    fn talk_on(&mut self, stream: StreamId, at: usize, now: Instant, done: &mut Vec<Done>) {
        let sent = self.list.get_mut(at).map(|it| it.acts(now)).unwrap_or_default();
        for sent in sent {
            let Some(Link::Open { talk, .. }) = self.links.get_mut(&stream) else { return };
            let mut wants = Vec::new();
            match sent {
                Sent::Text(text) => talk.on_text(&text, now, &mut wants),
                Sent::Closed => talk.on_closed(&mut wants),
                Sent::Broken => talk.fail(Fault::Broken, &mut wants),
            }
            self.carry(stream, at, wants, now, done);
        }
        if let Some(Link::Open { talk, .. }) = self.links.get_mut(&stream) {
            let mut wants = Vec::new();
            talk.on_time(now, &mut wants);
            self.carry(stream, at, wants, now, done);
        }
    }

    fn carry(
        &mut self,
        stream: StreamId,
        at: usize,
        wants: Vec<Want>,
        now: Instant,
        done: &mut Vec<Done>,
    ) {
        let Some(program) = self.list.get_mut(at) else { return };
        for want in wants {
            match want {
                Want::Text(text) => program.hears(&text, now),
                Want::Ping => {
                    if let Some(Link::Open { talk, .. }) = self.links.get_mut(&stream)
                        && program.is_alive()
                    {
                        talk.on_control(now, &mut Vec::new());
                    }
                }
                Want::Close => {
                    self.links.remove(&stream);
                    program.is_closed(now);
                }
                Want::Media(say) => done.push(Done::Media(stream, say)),
                Want::Tell(told) => done.push(Done::Tell(stream, told)),
            }
        }
    }
}
