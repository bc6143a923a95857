//! What the command line can ask without running the edge.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::clock::Clock;
use super::{Error, read_config, read_shell};
use crate::clock::Wall;
use crate::config;
use crate::flow;
use crate::flow::explain::Supposed;
use crate::model::Caller;
use crate::model::schedule::Zone;
use crate::simulator;

/// How long a health check may take.
const HEALTH_WITHIN: Duration = Duration::from_secs(2);

/// Reads a configuration and says what is in it, or what is wrong with it.
pub fn check(file: Option<&Path>) -> Result<(), Error> {
    let shell = read_shell(file)?;
    let config = shell.config().map_err(|error| Error::Config(error.to_string()))?;
    say(super::check::summary(&config))?;
    say(super::recording::summary(&config.recordings.shelving(Path::new("data"), shell.folder())))
}

/// What `explain` is asked besides the number.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The caller's number; empty if it is withheld.
    pub from: String,
    /// `2026-12-24T18:30`; now without it.
    pub at: Option<String>,
    /// What the caller types when asked for a ZIP code.
    pub zip: Option<String>,
    /// `X-Campaign: spring`.
    pub headers: Vec<String>,
    /// When the caller called last.
    pub called_before: Option<String>,
}

/// Says what would happen to a call, step by step.
pub fn explain(file: Option<&Path>, number: &str, asked: &Asked) -> Result<(), Error> {
    let config = read_config(file)?;
    let wall = match &asked.at {
        Some(text) => moment(text)?,
        None => Clock::start().now().wall,
    };
    if let Some(zip) = asked.zip.as_deref().filter(|it| !flow::is_zip(it)) {
        return Err(Error::Usage(format!("{zip:?} is no ZIP code such as 20006")));
    }
    let header = |text: &String| match text.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(Error::Usage(format!("{text:?} is no header such as \"X-Campaign: spring\""))),
    };
    let supposed = Supposed {
        zip: asked.zip.clone(),
        headers: asked.headers.iter().map(header).collect::<Result<_, _>>()?,
        called_before: asked.called_before.as_deref().map(moment).transpose()?,
    };
    let caller = Caller::new(&asked.from);
    say(flow::explain(&config.directory, number, &caller, wall, &supposed))
}

/// Plays a call on the simulated network and draws it; each destination answers after so many
/// seconds, or never.
pub fn simulate(
    file: Option<&Path>,
    number: &str,
    from: &str,
    answer_after: Option<u16>,
    seed: u64,
) -> Result<(), Error> {
    let config = read_config(file)?;
    let after = answer_after.map(|it| Duration::from_secs(it.into()));
    say(simulator::simulate(&config, number, from, after, seed, &|| false))
}

/// Says it on standard output. Who has read enough (`| head`) may go: that is no failure.
pub(super) fn say(text: impl std::fmt::Display) -> Result<(), Error> {
    match std::io::stdout().write_all(text.to_string().as_bytes()) {
        Err(it) if it.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::doing("writing to standard output".to_owned())(it))
        }
        _ => Ok(()),
    }
}

/// `2026-12-24T18:30`, in UTC.
fn moment(text: &str) -> Result<Wall, Error> {
    let zone = "UTC".parse::<Zone>().map_err(|it| Error::Usage(it.to_string()))?;
    zone.wall(text)
        .map_err(|_| Error::Usage(format!("{text:?} is no time such as 2026-12-24T18:30")))
}

/// Prints every key with its default.
pub fn reference() -> Result<(), Error> {
    say(config::reference())
}

/// Asks a running edge whether it is live.
pub fn health(address: &str) -> Result<(), Error> {
    let address: SocketAddr =
        address.parse().map_err(|_| Error::Usage(format!("{address:?} is no address")))?;
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, HEALTH_WITHIN)?;
        stream.set_read_timeout(Some(HEALTH_WITHIN))?;
        stream.write_all(b"GET /health/live HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(Error::doing(format!("asking {address}")))?;
    if answer.contains(" 200 ") {
        println!("live");
        return Ok(());
    }
    Err(Error::doing(format!("asking {address}"))(std::io::Error::other("it is not live")))
}
