//! Why the program ends badly, and the exit code that says so.

use std::fmt;
use std::io;

/// What went wrong, in words for the operator.
#[derive(Debug)]
pub enum Error {
    /// The configuration is wrong: where, and what is allowed.
    Config(String),
    /// Something the program needs was refused by the system.
    System { doing: String, error: io::Error },
    /// A command was given something it cannot use.
    Usage(String),
}

impl Error {
    /// For `map_err`: what was being done when the system refused.
    pub fn doing(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |error| Self::System { doing, error }
    }

    /// 64 (usage) for what the operator wrote, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 64,
            Self::System { .. } => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(text) | Self::Usage(text) => f.write_str(text),
            Self::System { doing, error } => write!(f, "{doing}: {error}"),
        }
    }
}
