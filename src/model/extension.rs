//! Dial extensions such as `3ww1928`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audio::Digit;

/// What to key in once the far end has answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension(Vec<Act>);

/// One thing to do while keying in an extension.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Press(Digit),
    Wait(Duration),
}

impl std::fmt::Debug for Extension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Extension({} symbols)", self.0.len())
    }
}

impl Extension {
    pub fn acts(&self) -> &[Act] {
        &self.0
    }
}
