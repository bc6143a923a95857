//! Any text is an extension that writes back as itself, or is refused with a column inside of it.
#![no_main]

use crosspoint::model::Extension;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match text.parse::<Extension>() {
    Ok(extension) => {
        assert!((1..=Extension::MAX).contains(&extension.acts().len()));
        assert_eq!(String::from(extension), text);
    }
    Err(error) => assert!(error.column() <= text.chars().count().max(1)),
});
