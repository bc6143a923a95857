//! Who rings, and when: the plan of a "dial receiving numbers" (PRODUCT section 3, order).
//!
//! ```text
//! simultaneous   A |=====     After(0) each, plus its own ring_delay
//!                B |=====
//! sequence       A |=====     After(0), then AfterPrevious; round robin, least connected and
//!                B       |=== weighted are sequences in another order
//! stages         A |========= After(its stage's time), nobody is rung twice
//!                B      |====
//! ```
//! Everything is settled on entry: schedules and call limits are read once, never while it rings.

use std::sync::Arc;
use std::time::Duration;

use super::agent::destinations;
use crate::clock::Wall;
use crate::model::{Agent, Dial, Directory, EarlyMedia, Order, ReceivingNumber, Route};

/// What the plan needs of the world: who is busy with how much, and luck.
#[derive(Clone, Copy)]
pub struct Draw<'a> {
    /// How often this dial was entered before: where round robin starts.
    pub rotation: u64,
    /// Any number, for the weighted order.
    pub random: u64,
    /// Calls that a receiving number (by id) has now, ringing or connected.
    pub active: &'a dyn Fn(&str) -> u32,
}

/// What becomes of a dial.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Ring these. Never empty; the first begins at once or after its delay.
    Ring { rings: Vec<Ring>, left_out: Vec<Left> },
    /// All are closed: the first one's route for that.
    Closed { route: Route, left_out: Vec<Left> },
    /// Open, but all have as many calls as they may: as if they were busy (see `after_dial`).
    Full { full: Vec<Arc<ReceivingNumber>>, left_out: Vec<Left> },
    /// None of the names is a receiving number: a failure inside us.
    Nobody,
}

/// One destination of a fork.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    pub to: Arc<ReceivingNumber>,
    pub when: When,
}

/// When a destination is rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the fork began.
    After(Duration),
    /// So long after the one before it in the list ended without taking the call. If nobody is
    /// left ringing, the delay still stands.
    AfterPrevious(Duration),
}

/// A destination that is not rung, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    pub to: Arc<ReceivingNumber>,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Outside of its schedule.
    Closed,
    /// It has `max_calls` calls.
    Full,
}

/// Plans a dial entered at `at`.
pub fn plan(directory: &Directory, dial: &Dial, at: Wall, draw: &Draw<'_>) -> Plan {
    let mut known = Vec::new();
    for (stage, id) in staged(dial) {
        let already = |it: &(Duration, Arc<ReceivingNumber>)| it.1.id == *id;
        if let Some(to) = directory.receiving_number(id)
            && !known.iter().any(already)
        {
            known.push((stage, to.clone()));
        }
    }
    planned(dial.order, known, at, draw)
}

/// Plans to ring an agent's destinations, all at once.
pub fn plan_agent(directory: &Directory, agent: &Agent, at: Wall, draw: &Draw<'_>) -> Plan {
    let known = destinations(directory, agent).into_iter().map(|to| (Duration::ZERO, to));
    planned(Order::Simultaneous, known.collect(), at, draw)
}

/// Leaves out who is closed or has no room, and puts the others in order.
fn planned(
    order: Order,
    known: Vec<(Duration, Arc<ReceivingNumber>)>,
    at: Wall,
    draw: &Draw<'_>,
) -> Plan {
    let mut left_out = Vec::new();
    let Some((_, first)) = known.first().cloned() else { return Plan::Nobody };
    let mut ready = Vec::new();
    for (stage, to) in known {
        if to.schedule.as_ref().is_some_and(|it| !it.is_open(at)) {
            left_out.push(Left { to, why: Why::Closed });
        } else if to.max_calls.is_some_and(|max| max <= (draw.active)(&to.id)) {
            left_out.push(Left { to, why: Why::Full });
        } else {
            ready.push((stage, to));
        }
    }
    if !ready.is_empty() {
        return Plan::Ring { rings: ordered(order, ready, draw), left_out };
    }
    let full: Vec<_> =
        left_out.iter().filter(|it| it.why == Why::Full).map(|it| it.to.clone()).collect();
    match full.is_empty() {
        true => Plan::Closed { route: first.outside_hours.clone(), left_out },
        false => Plan::Full { full, left_out },
    }
}

/// Whether destinations' own early media may reach the caller: only when a single one rings.
pub fn relays_early_media(setting: EarlyMedia, rings: &[Ring]) -> bool {
    setting == EarlyMedia::Relay && rings.len() == 1
}

/// Every name with its stage's time, in list order.
fn staged(dial: &Dial) -> impl Iterator<Item = (Duration, &Arc<str>)> {
    let plain = dial.numbers.iter().map(|id| (Duration::ZERO, id));
    let stages = dial.stages.iter();
    plain.chain(stages.flat_map(|stage| stage.numbers.iter().map(|id| (stage.after, id))))
}

fn ordered(
    order: Order,
    mut ready: Vec<(Duration, Arc<ReceivingNumber>)>,
    draw: &Draw<'_>,
) -> Vec<Ring> {
    match order {
        Order::Simultaneous | Order::Stages => {
            return ready
                .into_iter()
                .map(|(stage, to)| Ring { when: When::After(stage + to.ring_delay), to })
                .collect();
        }
        Order::Sequence => (),
        Order::RoundRobin => {
            let start = draw.rotation % ready.len().max(1) as u64;
            ready.rotate_left(start as usize);
        }
        Order::LeastConnected => ready.sort_by_key(|(_, to)| (draw.active)(&to.id)),
        Order::Weighted => ready = weighted(ready, draw.random),
    }
    let mut rings: Vec<Ring> = ready
        .into_iter()
        .map(|(_, to)| Ring { when: When::AfterPrevious(to.ring_delay), to })
        .collect();
    if let Some(first) = rings.first_mut() {
        first.when = When::After(first.to.ring_delay);
    }
    rings
}

/// Draws one after the other, each with a chance by its weight; a weight of 0 comes last.
fn weighted<T>(
    mut from: Vec<(T, Arc<ReceivingNumber>)>,
    mut random: u64,
) -> Vec<(T, Arc<ReceivingNumber>)> {
    let mut drawn = Vec::with_capacity(from.len());
    while !from.is_empty() {
        let total: u64 = from.iter().map(|(_, to)| u64::from(to.weight)).sum();
        let mut point = match total {
            0 => 0,
            _ => random % total,
        };
        let hit = from.iter().position(|(_, to)| {
            let weight = u64::from(to.weight);
            let inside = point < weight;
            point = point.saturating_sub(weight);
            inside
        });
        drawn.push(from.remove(hit.unwrap_or(0)));
        random = mixed(random);
    }
    drawn
}

/// The next number of a draw: one step of SplitMix64.
pub(super) fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
