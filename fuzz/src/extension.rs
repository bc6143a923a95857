//! Any text is an extension that writes back as itself, or is refused with a column inside of it.

use crosspoint::model::Extension;

/// Reads octets as the extension somebody typed.
pub fn extension(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match text.parse::<Extension>() {
        Ok(extension) => {
            assert!((1..=Extension::MAX).contains(&extension.acts().len()));
            assert_eq!(String::from(extension), text);
        }
        Err(error) => assert!(error.column() <= text.chars().count().max(1)),
    }
}
