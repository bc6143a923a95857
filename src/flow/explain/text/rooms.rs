//! Queues, menus, boxes, machines and routers, drawn.

use super::{Sheet, destination, seconds, stop};
use crate::flow::explain::{Asked, Holds, Located, Message, Ruled, Taker, Talked, Waiting};

pub(super) fn waiting(sheet: &mut Sheet, told: &Waiting, depth: usize) {
    if let Some((schedule, then)) = &told.closed {
        return stop(sheet, then, &format!("Closed ({schedule})"), depth);
    }
    said_first(sheet, told.notice.as_deref(), depth);
    let how = match told.early_media {
        true => "is not answered for it",
        false => "is answered",
    };
    let most = seconds(told.max_wait);
    sheet.fact(depth, format!("The caller {how}, and waits for {most} at most"));
    if let Some(welcome) = &told.welcome {
        sheet.fact(depth, format!("hears {welcome}"));
    }
    sheet.fact(depth, format!("hears {}", told.music.as_deref().unwrap_or("ringing")));
    for said in [&told.position, &told.announcement].into_iter().flatten() {
        sheet.fact(depth, format!("hears {said}, every {}", seconds(told.announce_every)));
    }
    if let Some(most) = told.max_length {
        sheet.fact(depth, format!("does not wait if {most} are waiting"));
    }
    if told.bypass_unavailable {
        sheet.fact(depth, "does not wait if no member is there at all");
    }
    sheet.fact(depth, format!("is offered to {}:", told.offered));
    for member in &told.members {
        taker(sheet, member, told.offered == "by weight", depth + 1);
    }
    if !told.wrap_up.is_zero() {
        let alone = seconds(told.wrap_up);
        sheet.fact(depth, format!("Who took it is left alone for {alone} afterwards"));
    }
    if let Some(then) = &told.then {
        stop(sheet, then, "If nobody takes it in time", depth);
    }
}

fn said_first(sheet: &mut Sheet, notice: Option<&str>, depth: usize) {
    if let Some(notice) = notice {
        sheet.fact(depth, format!("The caller is answered and hears {notice}"));
    }
}

fn taker(sheet: &mut Sheet, it: &Taker, weighs: bool, depth: usize) {
    let weight = if weighs { format!(", weight {}", it.weight) } else { String::new() };
    sheet.named(depth, "member", &it.name, format!("{}{weight}", it.name));
    for it in &it.left_out {
        sheet.line(depth + 1, "left_out", format!("{} is left out: {}", it.name, it.why));
    }
    it.rings.iter().for_each(|it| destination(sheet, it, depth + 1));
}

pub(super) fn asked(sheet: &mut Sheet, told: &Asked, depth: usize) {
    let barge_in = if told.barge_in { ", which a key ends" } else { "" };
    sheet.fact(depth, format!("The caller is answered and hears {}{barge_in}", told.prompt));
    let (first, next) = (seconds(told.timeout), seconds(told.between_keys));
    sheet.fact(depth, format!("has {first} for the first key, {next} for each further one"));
    if let Some(said) = &told.silent {
        sheet.fact(depth, format!("presses nothing: hears {said}"));
    }
    if let Some(said) = &told.invalid {
        sheet.fact(depth, format!("presses something else: hears {said}"));
    }
    for (keys, then) in &told.keys {
        stop(sheet, then, &format!("Key {keys}"), depth);
    }
    let again = match told.repeats {
        0 => "No answer".to_owned(),
        1 => "No answer, asked once more".to_owned(),
        more => format!("No answer, asked {more} times more"),
    };
    stop(sheet, &told.otherwise, &again, depth);
}

pub(super) fn message(sheet: &mut Sheet, told: &Message, depth: usize) {
    let greeting = told.greeting.as_deref().map(|it| format!("{it} and ")).unwrap_or_default();
    let most = seconds(told.max_length);
    sheet.fact(
        depth,
        format!(
            "The caller is answered, hears {greeting}a tone, and leaves a message of {most} at most"
        ),
    );
    let (silence, least) = (seconds(told.silence), seconds(told.min_length));
    sheet.fact(
        depth,
        format!("#, hanging up or {silence} of silence end it; less than {least} is thrown away"),
    );
    if let Some(agent) = &told.lead_owner {
        sheet.fact(depth, format!("It is the lead of {agent}"));
    }
}

pub(super) fn talked(sheet: &mut Sheet, told: &Talked, depth: usize) {
    said_first(sheet, told.notice.as_deref(), depth);
    let recorded = if told.recorded { "recorded" } else { "not recorded" };
    let (url, most) = (&told.url, seconds(told.max_duration));
    sheet.fact(depth, format!("The caller talks with {url} for {most} at most, {recorded}"));
    for (name, then) in &told.routes {
        stop(sheet, then, &format!("It says {name:?}"), depth);
    }
    stop(sheet, &told.after, "It says good-bye", depth);
    let late = format!("It is not there within {}, or breaks off", seconds(told.timeout));
    stop(sheet, &told.no_answer, &late, depth);
}

pub(super) fn ruled(sheet: &mut Sheet, told: &Ruled, depth: usize) {
    for it in &told.rules {
        let name = match it.name.as_str() {
            "" => format!("Rule {}", it.number),
            name => format!("Rule {} {name:?}", it.number),
        };
        match (&it.holds, &it.leads) {
            (Holds::No(why), _) => {
                sheet.line(depth, "left_out", format!("{name} does not hold; it asks: {why}"));
            }
            (Holds::Perhaps(what), Some(then)) => {
                stop(sheet, then, &format!("{name} holds if {what}"), depth);
            }
            (_, Some(then)) => stop(sheet, then, &format!("{name} holds"), depth),
            (_, None) => (),
        }
    }
    if let Some(then) = &told.otherwise {
        stop(sheet, then, "No rule holds", depth);
    }
}

pub(super) fn located(sheet: &mut Sheet, told: &Located, depth: usize) {
    let asks = match &told.asks {
        Some((prompt, time, repeats)) => format!(
            "The caller is answered, hears {prompt}, and has {} for each key; asked again {repeats} times at most",
            seconds(*time)
        ),
        None => "The caller is not asked".to_owned(),
    };
    sheet.fact(depth, asks);
    told.ways.iter().for_each(|(why, then)| stop(sheet, then, &capital(why), depth));
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|it| it.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
