//! The end of a stop: the last words, then all threads.

use std::time::Duration;

use tracing::info;

use super::Server;

/// How long sockets have to send what was said last.
const LAST_SENDS: Duration = Duration::from_millis(100);

impl Server<'_> {
    /// The answers to the last good-byes are still to be sent.
    pub(super) async fn say_last(&mut self) {
        let sent = async {
            loop {
                self.net.receive(&mut Vec::new()).await
            }
        };
        let _: Result<(), _> = tokio::time::timeout(LAST_SENDS, sent).await;
    }

    /// Ends all threads, in the order in which they give to each other.
    pub(super) fn stop(mut self) {
        self.deliver();
        let registrations = self.last_registrations();
        self.streams.stop();
        self.voice.stop();
        drop(self.tapes.join());
        self.capture.stop();
        drop(self.journal);
        self.registrations.close(registrations);
        if let Some(office) = self.office {
            office.close();
        }
        info!("stopped");
    }
}
