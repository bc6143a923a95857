//! Starts threads, turns the loops, drains, stops; and what the command line asks for.

mod check;
mod clock;
mod commands;
mod demo;
mod edge;
mod error;
mod learn;
mod prompts;
mod ring;
mod run;
pub mod setup;
mod streams;
mod voice;

use std::path::Path;

pub use self::commands::{Asked, check, explain, health, reference, simulate};
pub use self::demo::demo;
pub use self::error::Error;
pub use self::learn::learn_extension;
pub use self::run::run;
use crate::config::{self, Config};

/// What runs without a configuration.
const QUICKSTART: &str = include_str!("../../configs/quickstart.toml");

/// The operator's file, or the one that is built in.
fn read_config(file: Option<&Path>) -> Result<Config, Error> {
    let read = match file {
        Some(path) => config::load_file(path),
        None => config::load(QUICKSTART, "configs/quickstart.toml (built in)", Path::new(".")),
    };
    read.map_err(|error| Error::Config(error.to_string()))
}
