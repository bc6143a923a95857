//! Queues, menus, boxes, machines and routers, written out for people.

use std::fmt;

use super::{destination, seconds, stop};
use crate::flow::explain::{Asked, Holds, Located, Message, Ruled, Taker, Talked, Waiting};

pub(super) fn waiting(f: &mut fmt::Formatter<'_>, told: &Waiting, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    if let Some((schedule, then)) = &told.closed {
        return stop(f, then, &format!("Closed ({schedule})"), depth);
    }
    said_first(f, told.notice.as_deref(), &pad)?;
    let how = match told.early_media {
        true => "is not answered for it",
        false => "is answered",
    };
    writeln!(f, "{pad}The caller {how}, and waits for {} at most", seconds(told.max_wait))?;
    if let Some(welcome) = &told.welcome {
        writeln!(f, "{pad}hears {welcome}")?;
    }
    writeln!(f, "{pad}hears {}", told.music.as_deref().unwrap_or("ringing"))?;
    for said in [&told.position, &told.announcement].into_iter().flatten() {
        writeln!(f, "{pad}hears {said}, every {}", seconds(told.announce_every))?;
    }
    if let Some(most) = told.max_length {
        writeln!(f, "{pad}does not wait if {most} are waiting")?;
    }
    if told.bypass_unavailable {
        writeln!(f, "{pad}does not wait if no member is there at all")?;
    }
    writeln!(f, "{pad}is offered to {}:", told.offered)?;
    for member in &told.members {
        taker(f, member, told.offered == "by weight", depth + 1)?;
    }
    if !told.wrap_up.is_zero() {
        writeln!(f, "{pad}Who took it is left alone for {} afterwards", seconds(told.wrap_up))?;
    }
    match &told.then {
        Some(then) => stop(f, then, "If nobody takes it in time", depth),
        None => Ok(()),
    }
}

fn said_first(f: &mut fmt::Formatter<'_>, notice: Option<&str>, pad: &str) -> fmt::Result {
    match notice {
        Some(notice) => writeln!(f, "{pad}The caller is answered and hears {notice}"),
        None => Ok(()),
    }
}

fn taker(f: &mut fmt::Formatter<'_>, it: &Taker, weighs: bool, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    write!(f, "{pad}{}", it.name)?;
    if weighs {
        write!(f, ", weight {}", it.weight)?;
    }
    writeln!(f)?;
    for it in &it.left_out {
        writeln!(f, "{pad}  {} is left out: {}", it.name, it.why)?;
    }
    it.rings.iter().try_for_each(|it| destination(f, it, depth + 1))
}

pub(super) fn asked(f: &mut fmt::Formatter<'_>, told: &Asked, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    let barge_in = if told.barge_in { ", which a key ends" } else { "" };
    writeln!(f, "{pad}The caller is answered and hears {}{barge_in}", told.prompt)?;
    let (first, next) = (seconds(told.timeout), seconds(told.between_keys));
    writeln!(f, "{pad}has {first} for the first key, {next} for each further one")?;
    if let Some(said) = &told.silent {
        writeln!(f, "{pad}presses nothing: hears {said}")?;
    }
    if let Some(said) = &told.invalid {
        writeln!(f, "{pad}presses something else: hears {said}")?;
    }
    for (keys, then) in &told.keys {
        stop(f, then, &format!("Key {keys}"), depth)?;
    }
    let again = match told.repeats {
        0 => "No answer".to_owned(),
        1 => "No answer, asked once more".to_owned(),
        more => format!("No answer, asked {more} times more"),
    };
    stop(f, &told.otherwise, &again, depth)
}

pub(super) fn message(f: &mut fmt::Formatter<'_>, told: &Message, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    let greeting = told.greeting.as_deref().map(|it| format!("{it} and "));
    writeln!(
        f,
        "{pad}The caller is answered, hears {}a tone, and leaves a message of {} at most",
        greeting.unwrap_or_default(),
        seconds(told.max_length)
    )?;
    writeln!(
        f,
        "{pad}#, hanging up or {} of silence end it; less than {} is thrown away",
        seconds(told.silence),
        seconds(told.min_length)
    )?;
    match &told.lead_owner {
        Some(agent) => writeln!(f, "{pad}It is the lead of {agent}"),
        None => Ok(()),
    }
}

pub(super) fn talked(f: &mut fmt::Formatter<'_>, told: &Talked, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    said_first(f, told.notice.as_deref(), &pad)?;
    let recorded = if told.recorded { "recorded" } else { "not recorded" };
    writeln!(
        f,
        "{pad}The caller talks with {} for {} at most, {recorded}",
        told.url,
        seconds(told.max_duration)
    )?;
    for (name, then) in &told.routes {
        stop(f, then, &format!("It says {name:?}"), depth)?;
    }
    stop(f, &told.after, "It says good-bye", depth)?;
    let late = format!("It is not there within {}, or breaks off", seconds(told.timeout));
    stop(f, &told.no_answer, &late, depth)
}

pub(super) fn ruled(f: &mut fmt::Formatter<'_>, told: &Ruled, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    for it in &told.rules {
        let name = match it.name.as_str() {
            "" => format!("Rule {}", it.number),
            name => format!("Rule {} {name:?}", it.number),
        };
        match (&it.holds, &it.leads) {
            (Holds::No(why), _) => writeln!(f, "{pad}{name} does not hold; it asks: {why}")?,
            (Holds::Perhaps(what), Some(then)) => {
                stop(f, then, &format!("{name} holds if {what}"), depth)?;
            }
            (_, Some(then)) => stop(f, then, &format!("{name} holds"), depth)?,
            (_, None) => (),
        }
    }
    match &told.otherwise {
        Some(then) => stop(f, then, "No rule holds", depth),
        None => Ok(()),
    }
}

pub(super) fn located(f: &mut fmt::Formatter<'_>, told: &Located, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    match &told.asks {
        Some((prompt, time, repeats)) => writeln!(
            f,
            "{pad}The caller is answered, hears {prompt}, and has {} for each key; asked again {repeats} times at most",
            seconds(*time)
        )?,
        None => writeln!(f, "{pad}The caller is not asked")?,
    }
    told.ways.iter().try_for_each(|(why, then)| stop(f, then, &capital(why), depth))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|it| it.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
