//! Facts for one reader: what it missed, from the store, then what happens, from the news.
//!
//! ```text
//!   missed some ---> Replaying --the store has what the news began with--> Now
//!                        ^                                                  |
//!                        +----------------- too slow, missed some ----------+
//! ```
//! The news are listened to before the store is read, and the store is read until it holds the
//! first fact that the news told: then nothing lies between the two. What both tell is told once,
//! for of each call only what comes after the last that was told is told.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::api::{Answer, Api, News, Problem};
use crate::model::event::Fact;
use crate::store::database::StoreError;

/// Facts that are read from the store at once.
const STEP: u32 = 256;
/// How often the store is looked at again for what is on its way into it.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How often it is for a fact that the news told: it may never come, if the journal lost it.
const LOOKS: u32 = 150;
/// What is only of use in a pinch is not waited for longer.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Calls whose last fact is remembered after a replay.
const CALLS_MAX: usize = 100_000;

/// What a reader wants to hear of.
#[derive(Debug, Default)]
pub struct Wanted {
    pub call: Option<Arc<str>>,
    /// Empty: all of them.
    pub types: Vec<String>,
    /// What it had last.
    pub after: Option<(Arc<str>, u32)>,
}

/// See above.
pub struct Feed {
    api: Api,
    wanted: Wanted,
    news: Receiver<News>,
    /// The place in the store after which is still to be read.
    replay: Option<Replay>,
    /// Of each call the last that was told from the store; empty once the news are past them.
    told: HashMap<Arc<str>, u32>,
    ready: VecDeque<Arc<Fact>>,
    /// The last fact of all that was seen.
    last: Option<(Arc<str>, u32)>,
    /// What the store had when the reader came, who had seen nothing yet; none if it did not say.
    began: Option<i64>,
    /// Some were missed after it: the store is asked for them.
    missed: bool,
}

struct Replay {
    place: i64,
    /// What the news began with, and how often the store was looked at for it.
    first: Option<Arc<Fact>>,
    looks: u32,
}

impl Feed {
    pub async fn new(api: Api, wanted: Wanted) -> Answer<Self> {
        let news = api.news.subscribe();
        let replay = match &wanted.after {
            None => None,
            Some((call, seq)) => match api.store.place_of(call, *seq).await? {
                Some(place) => Some(Replay { place, first: None, looks: 0 }),
                None => {
                    let problem = Problem::parameter("after", "this event is not kept (any more)");
                    return Err(problem.allowed("the id of an event, or none to begin with now"));
                }
            },
        };
        let began = match wanted.after {
            None => at_once(api.store.last_place()).await,
            Some(_) => None,
        };
        let (told, ready) = (HashMap::new(), VecDeque::new());
        let last = wanted.after.clone();
        Ok(Self { api, wanted, news, replay, told, ready, last, began, missed: false })
    }

    /// The next fact; `None` when there can be no more. Who is called off while it waits, and asks
    /// again, has lost nothing.
    pub async fn next(&mut self) -> Option<Arc<Fact>> {
        loop {
            if let Some(fact) = self.ready.pop_front() {
                return Some(fact);
            }
            match self.replay.is_some() {
                _ if self.missed => self.catch_up().await?,
                true => self.read().await?,
                false => self.listen().await?,
            }
        }
    }

    /// One step of a replay.
    async fn read(&mut self) -> Option<()> {
        let place = self.replay.as_ref()?.place;
        let found = match self.api.store.facts_after(place, STEP).await {
            Ok(found) => found,
            Err(error) => {
                // The reader comes back and says again what it had last.
                tracing::warn!(%error, "events cannot be replayed");
                return None;
            }
        };
        let all = found.len() < STEP as usize;
        for kept in found {
            if let Some(replay) = &mut self.replay {
                replay.place = kept.place;
            }
            self.tell_kept(Arc::new(kept.fact));
        }
        if !all {
            return Some(());
        }
        if self.replay.as_ref().is_some_and(|it| it.first.is_none()) {
            let first = self.begins();
            self.replay.as_mut()?.first = first;
        }
        let replay = self.replay.as_mut()?;
        if let Some(first) = replay.first.clone() {
            let has = self.told.get(&first.call).is_some_and(|it| first.seq <= *it);
            replay.looks += 1;
            if has || LOOKS <= replay.looks {
                self.replay = None;
                if !has {
                    tracing::warn!("the journal lost an event");
                    self.tell(first);
                }
                return Some(());
            }
        }
        if self.ready.is_empty() {
            look_again().await;
        }
        Some(())
    }

    /// What the news begin with, if they have begun.
    fn begins(&mut self) -> Option<Arc<Fact>> {
        loop {
            match self.news.try_recv() {
                Ok(News::Fact(fact)) => return Some(fact),
                Ok(News::Record(_)) => (),
                // The store has it all the same.
                Err(TryRecvError::Lagged(_)) => (),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }

    async fn listen(&mut self) -> Option<()> {
        if self.news.is_empty() {
            // All that both told lies behind.
            self.told = HashMap::new();
        }
        match self.news.recv().await {
            Ok(News::Fact(fact)) => {
                if self.told.get(&fact.call).is_none_or(|it| *it < fact.seq) {
                    self.tell(fact);
                }
                Some(())
            }
            Ok(News::Record(_)) => Some(()),
            Err(RecvError::Lagged(missed)) => {
                metrics::counter!("crosspoint_api_news_missed_total").increment(missed);
                self.missed = true;
                Some(())
            }
            Err(RecvError::Closed) => None,
        }
    }

    /// The reader was too slow: it reads on from the store.
    async fn catch_up(&mut self) -> Option<()> {
        let Some((call, seq)) = self.last.clone() else {
            // It has seen nothing yet: it is told what came into the store since it is here.
            self.replay = Some(Replay { place: self.began?, first: None, looks: 0 });
            self.missed = false;
            return Some(());
        };
        // It may still be on its way into the store.
        for _ in 0..LOOKS {
            match self.api.store.place_of(&call, seq).await {
                Ok(Some(place)) => {
                    self.replay = Some(Replay { place, first: None, looks: 0 });
                    self.missed = false;
                    return Some(());
                }
                Ok(None) => look_again().await,
                Err(_) => return None,
            }
        }
        None
    }

    fn tell_kept(&mut self, fact: Arc<Fact>) {
        if CALLS_MAX <= self.told.len() {
            self.told = HashMap::new();
        }
        self.told.insert(Arc::clone(&fact.call), fact.seq);
        self.tell(fact);
    }

    fn tell(&mut self, fact: Arc<Fact>) {
        self.last = Some((Arc::clone(&fact.call), fact.seq));
        let of_call = self.wanted.call.as_ref().is_none_or(|it| *it == fact.call);
        if of_call
            && (self.wanted.types.is_empty()
                || self.wanted.types.iter().any(|it| it == fact.what.name()))
        {
            self.ready.push_back(fact);
        }
    }
}

/// An answer of the store, if it has one soon: who comes for the news does not wait for a store that
/// is away.
async fn at_once<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    tokio::time::timeout(AT_ONCE, asked).await.ok()?.ok()
}

#[allow(clippy::disallowed_methods, reason = "who reads may wait: no call does")]
async fn look_again() {
    tokio::time::sleep(LOOK_AGAIN).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::rig::Rig;
    use crate::clock::Wall;
    use crate::model::event::What;
    use crate::store::database::{Batch, Position};

    fn fact(seq: u32) -> Fact {
        let at = Wall::from_unix_micros(1_800_000_000_000_000 + i64::from(seq));
        Fact { seq, at, call: "c1".into(), what: What::LegRinging { leg: 1 } }
    }

    async fn keep(rig: &Rig, facts: impl Iterator<Item = Fact>) {
        let batch = Batch {
            records: Vec::new(),
            facts: facts.collect(),
            deliveries: Vec::new(),
            position: Position { node: "main".into(), ..Position::default() },
        };
        rig.api.store.ingest(&batch).await.unwrap();
    }

    #[tokio::test]
    async fn who_is_too_slow_before_it_has_seen_anything_misses_nothing_either() {
        let rig = Rig::start("feed-slow-at-first").await;
        let of = |call: &str, seq| Fact { call: call.into(), ..fact(seq) };
        keep(&rig, (1..=9).map(|seq| of("long ago", seq))).await;
        let mut feed = Feed::new(rig.api.clone(), Wanted::default()).await.unwrap();
        for seq in 1..=60 {
            drop(rig.api.news.send(News::Fact(Arc::new(fact(seq)))));
        }
        keep(&rig, (1..=60).map(fact)).await;
        for seq in 1..=60 {
            let told = tokio::time::timeout(Duration::from_secs(5), feed.next()).await;
            let told = told.expect("soon").expect("there is more");
            assert_eq!((&*told.call, told.seq), ("c1", seq));
        }
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_keeps_nobody_from_the_news() {
        let began = at_once(std::future::pending::<Result<i64, StoreError>>());
        let began = tokio::time::timeout(5 * AT_ONCE, began).await;
        assert_eq!(began.expect("it is not waited for"), None);
        let busy = std::future::ready(Err::<i64, _>(StoreError::Busy));
        assert_eq!(at_once(busy).await, None);
        assert_eq!(at_once(std::future::ready(Ok(7))).await, Some(7));
    }

    /// A WebSocket calls it off whenever it has something else to do.
    #[tokio::test]
    async fn who_is_called_off_while_it_catches_up_misses_nothing() {
        let rig = Rig::start("feed-called-off").await;
        let mut feed = Feed::new(rig.api.clone(), Wanted::default()).await.unwrap();
        let tell = |seq| drop(rig.api.news.send(News::Fact(Arc::new(fact(seq)))));
        tell(1);
        assert_eq!(feed.next().await.unwrap().seq, 1);
        // More than there is room for, and the store is behind.
        (2..=60).for_each(tell);
        for _ in 0..3 {
            let waits = tokio::time::timeout(Duration::from_millis(20), feed.next()).await;
            assert!(waits.is_err(), "{waits:?}");
        }
        keep(&rig, (1..=60).map(fact)).await;
        for seq in 2..=60 {
            assert_eq!(feed.next().await.unwrap().seq, seq);
        }
        tell(61);
        assert_eq!(feed.next().await.unwrap().seq, 61);
    }
}
