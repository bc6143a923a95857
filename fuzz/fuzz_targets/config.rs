//! Any file is a configuration, or is refused at a place inside of it.
#![no_main]

use std::path::Path;

use crosspoint::config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = config::load(text, "fuzz.toml", Path::new("/")) {
        let lines = text.lines().count().max(1) + 1;
        assert!((1..=lines).contains(&error.line), "{error}");
        assert!(1 <= error.column && !error.message.is_empty());
    }
});
