//! What the API asks of the loop, answered between two packets: each a little work, and no more.

use tracing::warn;

use super::run::Server;
use crate::api::Ask;
use crate::api::status::{ACCOUNTS, Seen};
use crate::desk::Presence;
use crate::model::{Prompt, PromptSource};
use crate::store::{Away, prompts};

/// Calls that are told of at once.
const CALLS: u32 = 64;

impl Server<'_> {
    /// Answers. Whoever asked may be gone.
    pub(super) fn on_ask(&mut self, ask: Ask) {
        let now = self.clock.now();
        match ask {
            Ask::Adopt { config, answer } => drop(answer.send(self.adopt(*config))),
            Ask::Command { call, command, by, answer } => {
                let out = &mut self.out;
                drop(answer.send(self.switch.on_command(&call, command, &by, now, out)));
            }
            Ask::Record { call, answer } => {
                drop(answer.send(self.switch.record(&call).map(Box::new)));
            }
            Ask::Calls { from, answer } => drop(answer.send(self.switch.records(from, CALLS))),
            Ask::SetState { agent, presence, answer } => {
                let _ = answer.send(self.switch.set_state(&agent, presence, now));
            }
            Ask::Status { answer } => {
                drop(answer.send(Seen::of(&self.switch, &self.config.directory, now)));
            }
            Ask::Registrations { account: Some(account), answer, .. } => {
                let found = self.switch.peers().registrations_of(&account, now);
                drop(answer.send((found, None)));
            }
            Ask::Registrations { account: None, from, answer } => {
                drop(answer.send(self.switch.peers().registrations(from, ACCOUNTS, now)));
            }
            Ask::LoadPrompt { prompt, answer } => {
                self.load_prompts(
                    |it| matches!(&it.made_from, PromptSource::Uploaded(name) if *name == prompt),
                );
                let _ = answer.send(());
            }
        }
    }

    /// Who was away when the edge stopped is still.
    pub(super) fn who_is_away(&mut self) {
        let now = self.clock.now();
        for name in Away::in_folder(self.data).names() {
            // Who is no agent any more is nobody.
            self.switch.set_state(name, Presence::Away, now);
        }
    }

    /// Reads and speaks these prompts on a thread of their own; clips come back as they are ready.
    pub(super) fn load_prompts(&self, which: impl Fn(&Prompt) -> bool) {
        let all = self.config.directory.prompts().into_iter();
        let wanted: Vec<Prompt> = all.filter(|it| which(it)).cloned().collect();
        if wanted.is_empty() {
            return;
        }
        let (speaker, clips) = (self.config.prompts.speaker(self.data), self.clips.clone());
        let started = std::thread::Builder::new().name("prompts".into()).spawn(move || {
            prompts::load(&wanted, &speaker, |id, samples| {
                drop(clips.blocking_send((id, samples)))
            });
        });
        if let Err(error) = started {
            warn!(%error, "prompts cannot be loaded");
        }
    }
}
