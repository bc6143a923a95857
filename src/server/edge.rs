//! The edge on a thread of its own, for commands that place calls through it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc;

use super::Error;

/// How long the edge may take to start or to stop.
const START: Duration = Duration::from_secs(10);

pub(super) struct Edge {
    thread: JoinHandle<Result<(), Error>>,
    stop: mpsc::Sender<()>,
}

impl Edge {
    /// Starts it and waits until it listens.
    pub fn start(config: &Path, data: &Path) -> Result<Self, Error> {
        let (stop, stopped) = mpsc::channel(1);
        let (started, running): (_, Receiver<()>) = channel();
        let (config, data): (PathBuf, PathBuf) = (config.to_owned(), data.to_owned());
        let thread = thread::Builder::new()
            .name("edge".into())
            .spawn(move || {
                let running = move || started.send(()).unwrap_or_default();
                super::run::serve(Some(&config), &data, "error", running, stopped)
            })
            .map_err(Error::doing("starting the edge"))?;
        let edge = Self { thread, stop };
        match running.recv_timeout(START) {
            Ok(()) => Ok(edge),
            Err(_) => Err(edge.stop().err().unwrap_or_else(stopped_early)),
        }
    }

    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Stops it as SIGTERM would, and waits until everything is on the disk.
    pub fn stop(self) -> Result<(), Error> {
        // It is gone already if somebody interrupted us.
        let _ = self.stop.try_send(());
        self.thread.join().unwrap_or_else(|_| Err(stopped_early()))
    }
}

/// Somebody stopped the edge while it was needed.
pub(super) fn stopped_early() -> Error {
    Error::doing("placing calls")(std::io::Error::other("the edge was stopped before the end"))
}
