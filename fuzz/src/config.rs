//! Any file is a configuration, or is refused at a place inside of it.

use std::path::Path;

use crosspoint::config;

/// Reads octets as a configuration file.
pub fn config(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };

    if let Err(error) = config::load(text, "fuzz.toml", Path::new("/")) {
        let lines = text.lines().count().max(1) + 1;
        assert!((1..=lines).contains(&error.line), "{error}");
        assert!(1 <= error.column && !error.message.is_empty());
    }
}
