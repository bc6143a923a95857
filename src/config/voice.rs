//! Voices that texts are spoken by.

use std::ops::Deref;
use std::sync::Arc;

use super::error::Wrong;
use super::keys::{Item, Value};
use crate::model::prompt;

/// The name of a voice. Programs that speak take files and addresses for voices, too: who may
/// change the directory is not to have them read and fetched.
#[derive(Clone, Debug)]
pub struct Voice(Arc<str>);

impl Deref for Voice {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Value for Voice {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = String::read(item)?;
        match prompt::is_voice(&text) {
            true => Ok(Self(text.into())),
            false => Err(item.wrong(format!("{text:?} is no name of a voice"))),
        }
    }

    fn allowed() -> String {
        "the name of a voice such as \"slt\": up to 64 letters, digits, -, _ and +".to_owned()
    }
}
