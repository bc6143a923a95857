//! What the API asks of the loop, answered between two packets: each a little work, and no more.

use super::run::Server;
use crate::api::Ask;

impl Server<'_> {
    /// Answers. Whoever asked may be gone.
    pub(super) fn on_ask(&mut self, ask: Ask) {
        match ask {
            Ask::Adopt { config, answer } => drop(answer.send(self.adopt(*config))),
        }
    }
}
