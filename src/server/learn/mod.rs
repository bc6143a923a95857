//! `crosspoint learn-extension`: calls a destination behind a switchboard, dials its extension by
//! ear ([`dialler`]), and proposes the text with the pauses it needed; then calls again with that
//! text and says what was heard.
//!
//! The call is a real one, through the operator's trunk, by an edge of its own beside the one that
//! may be running ([`draft`]); the caller is a phone of ours ([`caller`]).

mod caller;
mod dialler;
mod draft;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use self::caller::Went;
use self::dialler::Dialler;
use super::Error;
use super::edge::Edge;
use crate::audio::Digit;
use crate::model::Extension;

/// Learns the pauses of `digits` at the receiving number `destination`.
pub fn learn_extension(
    file: Option<&Path>,
    destination: &str,
    digits: &str,
    from: &str,
) -> Result<(), Error> {
    if digits.is_empty() || !digits.chars().all(|it| Digit::from_char(it).is_some()) {
        let text = format!("{digits:?} is no extension of digits 0-9 * # A-D; pauses are learnt");
        return Err(Error::Usage(text));
    }
    super::read_config(file)?;
    let text = match file {
        Some(file) => {
            fs::read_to_string(file).map_err(Error::doing(format!("reading {}", file.display())))?
        }
        None => super::QUICKSTART.to_owned(),
    };
    let folder = std::env::temp_dir().join(format!("crosspoint-learns-{}", std::process::id()));
    let learnt = learn(&text, &folder, destination, digits, from);
    // What the edge kept of its test calls is nobody's.
    let _ = fs::remove_dir_all(&folder);
    learnt
}

fn learn(
    text: &str,
    folder: &Path,
    destination: &str,
    digits: &str,
    from: &str,
) -> Result<(), Error> {
    println!("First call to {destination}: each digit when the far end has said its part.");
    let heard = place(text, folder, destination, None, digits, from)?;
    let proposed = heard.extension();
    println!("\nProposed:  extension = \"{proposed}\"");
    proposed.parse::<Extension>().map_err(|it| {
        let why = format!("{proposed:?} is no extension: {it}; try wait_for_voice = true");
        Error::Usage(why)
    })?;
    println!("\nSecond call, with that extension.");
    let checked = place(text, folder, destination, Some(&proposed), "", from)?;
    // The edge connects us once the extension was sent.
    let after = |it: &Dialler| {
        let begun = it.dialled_at();
        it.heard
            .iter()
            .filter(|(_, until)| begun < *until)
            .map(|(since, until)| *until - *since)
            .sum::<Duration>()
    };
    let (first, second) = (after(&heard), after(&checked));
    println!(
        "\nAfter the last digit somebody was heard for {:.1} s in the first call and {:.1} s in the second.",
        first.as_secs_f32(),
        second.as_secs_f32()
    );
    println!("If that was the person you wanted, put the line above into the receiving number.");
    Ok(())
}

/// Places one call with an edge of its own.
fn place(
    text: &str,
    folder: &Path,
    destination: &str,
    extension: Option<&str>,
    keys: &str,
    from: &str,
) -> Result<Dialler, Error> {
    let (draft, caller) = draft::draft(text, destination, extension)?;
    let at = |what: &str| format!("{}: {what}", folder.display());
    // The draft has the trunk's password in it.
    let mut private = fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    private.create(folder).map_err(Error::doing(at("making the folder")))?;
    let config = folder.join("call.toml");
    fs::write(&config, draft).map_err(Error::doing(at("writing the configuration")))?;
    let edge = Edge::start(&config, folder)?;
    let told = |at: Duration, what: &str| println!("  {:>6.1} s  {what}", at.as_secs_f32());
    let went = caller::call(caller, from, keys, told);
    let stopped = edge.stop();
    match went.map_err(Error::doing("placing the call"))? {
        Went::Through(dialler) => stopped.map(|()| dialler),
        Went::Refused(status) => {
            Err(Error::Usage(format!("{destination:?} did not take the test call: {status}")))
        }
    }
}
