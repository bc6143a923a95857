//! Reads the configuration anew beside the loop, which takes what came of it.
//!
//! A large file takes its time to be read and checked, and so may the disk it is on: calls do not
//! wait for that. Who asks while it is being read may mean what was written since, so it is read
//! once more after that.

use std::path::Path;

use tokio::sync::mpsc;

use super::super::error::Error;
use super::super::read_config;
use super::{Server, say_reloaded};
use crate::config::Config;

/// What was read, or why it cannot be taken.
pub type Read = Result<Config, Error>;

/// What is being read now.
pub struct Reload {
    told: mpsc::Sender<Read>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Reading,
    /// And asked for again meanwhile.
    Asked,
}

impl Server<'_> {
    /// The file is to be taken anew; one that is wrong changes nothing.
    pub(super) fn reload(&mut self) {
        match &self.office {
            Some(office) => office.reload(self.file),
            None => self.reload.ask(self.file),
        }
    }

    pub(super) fn on_read(&mut self, read: Read) {
        self.reload.came(self.file);
        let read = read.map_err(|error| error.to_string());
        say_reloaded(&read.and_then(|config| self.adopt(config)));
    }
}

impl Reload {
    /// What was read comes by the receiver; [`Reload::came`] is to be told of it.
    pub fn new() -> (Self, mpsc::Receiver<Read>) {
        // One is read at a time, so nobody ever waits to tell.
        let (told, read) = mpsc::channel(1);
        (Self { told, state: State::Idle }, read)
    }

    /// The file is to be read as it is now.
    pub fn ask(&mut self, file: Option<&Path>) {
        match self.state {
            State::Idle => self.start(file),
            State::Reading | State::Asked => self.state = State::Asked,
        }
    }

    /// What was read has come.
    pub fn came(&mut self, file: Option<&Path>) {
        let again = self.state == State::Asked;
        self.state = State::Idle;
        if again {
            self.start(file);
        }
    }

    fn start(&mut self, file: Option<&Path>) {
        self.state = State::Reading;
        let (file, told) = (file.map(Path::to_owned), self.told.clone());
        let read = move || drop(told.blocking_send(read_config(file.as_deref())));
        let started = std::thread::Builder::new().name("config".into()).spawn(read);
        if let Err(error) = started {
            drop(self.told.try_send(Err(Error::doing("starting to read the file")(error))));
        }
    }
}
