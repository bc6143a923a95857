//! The way to the switch and back: what its loop is asked, and what it tells of its own accord.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::problem::{Answer, Problem};
use super::status::Seen;
use crate::call::{Command, Refused};
use crate::config::Config;
use crate::desk::Presence;
use crate::model::event::Fact;
use crate::model::record::CallRecord;
use crate::peer::Registration;

/// Something that the loop is asked. It answers between two packets: it must be quick.
#[derive(Debug)]
pub enum Ask {
    /// Take this configuration's directory; running calls keep theirs.
    Adopt { config: Box<Config>, answer: oneshot::Sender<Result<(), String>> },
    /// Do this to a call.
    Command {
        call: Arc<str>,
        command: Command,
        by: Arc<str>,
        answer: oneshot::Sender<Result<(), Refused>>,
    },
    /// A call's record as it stands, while it is not over.
    Record { call: Arc<str>, answer: oneshot::Sender<Option<Box<CallRecord>>> },
    /// The records of calls that are not over, some of them: from this place on.
    Calls { from: u32, answer: oneshot::Sender<(Vec<CallRecord>, Option<u32>)> },
    /// An agent is there, or is not; false if there is no such agent.
    SetState { agent: Arc<str>, presence: Presence, answer: oneshot::Sender<bool> },
    /// How things are.
    Status { answer: oneshot::Sender<Seen> },
    /// Registrations of an account, or of some of all: from this place on.
    Registrations {
        account: Option<Arc<str>>,
        from: u32,
        answer: oneshot::Sender<(Vec<Registration>, Option<u32>)>,
    },
    /// An uploaded message is another one now.
    LoadPrompt { prompt: Arc<str>, answer: oneshot::Sender<()> },
}

/// What happened in the switch.
#[derive(Clone, Debug)]
pub enum News {
    Fact(Arc<Fact>),
    Record(Arc<CallRecord>),
}

/// Questions on their way to the loop; one more is refused.
pub const ASKS: usize = 256;
/// News that a reader may be behind.
pub const NEWS: usize = 4096;
/// The longest that the loop may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks the loop.
#[derive(Clone, Debug)]
pub struct Exchange {
    asks: mpsc::Sender<Ask>,
}

impl Exchange {
    /// And what the loop hears.
    pub fn new() -> (Self, mpsc::Receiver<Ask>) {
        let (asks, heard) = mpsc::channel(ASKS);
        (Self { asks }, heard)
    }

    /// Has the loop take a configuration. Waits for as long as it takes: what is kept and what is
    /// in force are to be the same.
    pub async fn adopt(&self, config: Config) -> Result<(), String> {
        let (answer, heard) = oneshot::channel();
        let gone = || "the exchange has stopped".to_owned();
        let ask = Ask::Adopt { config: Box::new(config), answer };
        self.asks.send(ask).await.map_err(|_| gone())?;
        heard.await.map_err(|_| gone())?
    }

    /// `exchange.ask(|answer| Ask::Adopt { config, answer }).await?`
    pub async fn ask<T>(&self, what: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Answer<T> {
        let (answer, heard) = oneshot::channel();
        let full = |_| Problem::unavailable("too much is asked of the exchange").retry_after(1);
        self.asks.try_send(what(answer)).map_err(full)?;
        match tokio::time::timeout(WITHIN, heard).await {
            Ok(Ok(told)) => Ok(told),
            _ => Err(Problem::unavailable("the exchange does not answer").retry_after(1)),
        }
    }
}
