//! Starts threads, turns the loops, drains, stops; and what the command line asks for.

mod archive;
mod asked;
mod capture;
mod check;
mod clock;
mod commands;
mod demo;
pub mod directory;
mod edge;
mod error;
mod learn;
mod names;
mod office;
pub mod recording;
mod ring;
mod run;
pub mod setup;
mod streams;
mod voice;
mod webhooks;

use std::path::Path;

pub use self::commands::{Asked, check, explain, health, reference, simulate};
pub use self::demo::demo;
pub use self::error::Error;
pub use self::learn::learn_extension;
pub use self::run::run;
use crate::config::Config;
use crate::config::documents::Shell;

/// What runs without a configuration.
const QUICKSTART: &str = include_str!("../../configs/quickstart.toml");

/// The operator's file, or the one that is built in.
fn read_config(file: Option<&Path>) -> Result<Config, Error> {
    read_shell(file)?.config().map_err(|error| Error::Config(error.to_string()))
}

/// The same as text, which the directory of the database is put into.
fn read_shell(file: Option<&Path>) -> Result<Shell, Error> {
    let built_in = || Shell::new(QUICKSTART, "configs/quickstart.toml (built in)", Path::new("."));
    let read = file.map_or_else(|| Ok(built_in()), Shell::read);
    read.map_err(|error| Error::Config(error.to_string()))
}
