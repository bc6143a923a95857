//! `crosspoint demo`: the edge, a carrier and three phones on real sockets of this machine, two
//! calls between them, and what happens as it happens.
//!
//! The edge is the one that `run` starts, with a configuration of its own. The far ends are the
//! simulator's phones on UDP sockets ([`stage`]); what is remarked on is what they saw and heard
//! ([`remarks`]), never what the edge says of itself. Records and recordings are read at the end.

mod remarks;
mod set;
mod stage;
mod verdict;

use std::fs;
use std::path::Path;
use std::time::Duration;

use self::set::Set;
use self::stage::Stage;
use super::Error;
use super::edge::{Edge, stopped_early};
use crate::simulator::Moment;

/// The parties, in the order of the ladder's columns.
const CARRIER: usize = 0;
const SHOP: usize = 1;
const OFFICE: usize = 2;
const MOBILE: usize = 3;

/// How long the two sides talk in each call.
const TALK: Duration = Duration::from_secs(3);
/// A call that is not where it should be by then will not get there.
const PATIENCE: Duration = Duration::from_secs(15);
/// What both sides take to notice that a call is over.
const PARTING: Duration = Duration::from_millis(700);

/// Plays the demo. What the edge keeps goes to `data`, or to a new temporary folder.
pub fn demo(data: Option<&Path>) -> Result<(), Error> {
    let folder = match data {
        Some(folder) => folder.to_owned(),
        None => std::env::temp_dir().join(format!("crosspoint-demo-{}", std::process::id())),
    };
    let at = |what: &str| format!("{}: {what}", folder.display());
    fs::create_dir_all(&folder).map_err(Error::doing(at("making the folder")))?;
    let set = Set::build(&folder).map_err(Error::doing(at("setting the stage")))?;
    let edge = Edge::start(&set.config, &folder)?;
    let mut stage = Stage::open(&set).map_err(Error::doing("opening the phones' sockets"))?;
    let played = play(&mut stage, &set, &edge);
    let stopped = edge.stop();
    played.and(stopped)?;
    verdict::give(&mut stage, &folder)
}

/// Both calls; an error if somebody stopped the edge meanwhile.
fn play(stage: &mut Stage, set: &Set, edge: &Edge) -> Result<(), Error> {
    let act = |stage: &mut Stage, limit, done: &dyn Fn(&Stage) -> bool| {
        stage.run(limit, |stage| done(stage) || edge.has_ended());
        if edge.has_ended() { Err(stopped_early()) } else { Ok(()) }
    };
    stage.say(&set.welcome());
    stage.next_call();
    stage.call(CARRIER, set::FORKED);
    act(stage, PATIENCE, &|it| it.hear_each_other(CARRIER, OFFICE) || it.refused(CARRIER))?;
    act(stage, TALK, &|_| false)?;
    stage.hang_up(CARRIER);
    act(stage, PARTING, &|_| false)?;

    stage.say("\nA second call, to a number whose calls are recorded.");
    stage.next_call();
    stage.call(CARRIER, set::RECORDED);
    act(stage, PATIENCE, &|it| it.hear_each_other(CARRIER, MOBILE) || it.refused(CARRIER))?;
    act(stage, TALK, &|_| false)?;
    stage.hang_up(MOBILE);
    act(stage, PARTING, &|it| it.saw(CARRIER, Moment::HungUpOn))?;
    act(stage, PARTING, &|_| false)
}
