//! Arguments, configuration, run.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use crosspoint::server;

/// A softswitch edge for call tracking: a call to a tracking number reaches a person.
#[derive(Parser)]
#[command(version, after_help = FIRST_STEPS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const FIRST_STEPS: &str = "\
First steps:
  crosspoint demo                         two calls between made-up phones, explained as they go
  crosspoint run                          the edge, as configs/quickstart.toml says
  crosspoint reference > edge.toml        every key, its default and what it means
  crosspoint check --config edge.toml     is it right? says file, line, column and what is allowed
  crosspoint explain 15550100004 --config edge.toml
                                          what would happen to a call, step by step
  crosspoint simulate 15550100004 --config edge.toml
                                          the same call between made-up phones, as a ladder
  crosspoint recording --help             recordings that only you can open
Exit codes: 0 done, 1 failed, 64 the configuration is wrong.";

#[derive(Subcommand)]
enum Command {
    /// Run the edge until it is told to stop (SIGTERM drains, SIGHUP reloads).
    Run {
        #[command(flatten)]
        config: ConfigFile,
        /// The folder that keeps everything: records, events, recordings, registrations.
        #[arg(long, default_value = "data")]
        data: PathBuf,
    },
    /// Watch the edge at work: a carrier, three phones and two calls on this machine, 20 seconds.
    Demo {
        /// The folder that keeps the records and the recording; a temporary one if not given.
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Read a configuration and say whether it is right.
    Check {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Say what would happen to a call, step by step; nothing is dialled.
    Explain {
        /// The dialled number: 15550100004, +15550100004 or tel:+15550100004.
        number: String,
        /// When: 2026-12-24T18:30 (in UTC) or 2026-12-24T18:30-05:00. Now, if not given.
        #[arg(long)]
        at: Option<String>,
        /// The caller's number; empty if it is withheld.
        #[arg(long, default_value = "+15125550100")]
        from: String,
        /// What the caller types when asked for a ZIP code; every way is told without it.
        #[arg(long)]
        zip: Option<String>,
        /// A header field of its INVITE, as in "X-Campaign: spring"; may be given several times.
        #[arg(long = "header")]
        headers: Vec<String>,
        /// When the caller called last, as in --at; never, if not given.
        #[arg(long)]
        called_before: Option<String>,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Play a call between made-up phones on a made-up network, and draw it; takes no time.
    Simulate {
        /// The dialled number.
        number: String,
        /// The caller's number.
        #[arg(long, default_value = "+15125550100")]
        from: String,
        /// After how many seconds each destination answers.
        #[arg(long, default_value_t = 2, conflicts_with = "nobody_answers")]
        answer_after: u16,
        /// Nobody answers.
        #[arg(long)]
        nobody_answers: bool,
        /// The same seed gives the same call.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Place a test call to a destination behind a switchboard, listen, and propose the pauses of
    /// its extension. Real people may be rung.
    LearnExtension {
        /// The receiving number, as the configuration names it.
        destination: String,
        /// The digits of the extension, without pauses: 31928.
        digits: String,
        /// The caller's number that the far end is shown.
        #[arg(long, default_value = "+15125550100")]
        from: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// The whole directory as TOML, so that git can hold it.
    Directory {
        #[command(subcommand)]
        what: DirectoryCommand,
    },
    /// Recordings that are sealed: make the secret, and open them with it.
    Recording {
        #[command(subcommand)]
        what: RecordingCommand,
    },
    /// Print the reference configuration: every key with its default.
    Reference,
    /// Ask a running edge whether it is live (for container health checks).
    Health {
        #[arg(long, default_value = "127.0.0.1:8060")]
        address: String,
    },
}

#[derive(Subcommand)]
enum DirectoryCommand {
    /// Print it. Passwords and secrets are left out; an import of what is printed keeps them.
    Export {
        #[command(flatten)]
        place: Place,
        /// Print passwords and secrets too.
        #[arg(long, conflicts_with = "api")]
        secrets: bool,
    },
    /// Make it what a file says: what is not in the file is removed. All of it, or nothing.
    Import {
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Say what an import of a file would change.
    Diff {
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Subcommand)]
#[command(after_help = SEALED)]
enum RecordingCommand {
    /// Make a secret that opens recordings, and print whom to seal for.
    ///
    /// The file can be read by its owner only, and is never written over. Make it where recordings
    /// are listened to, not on the edge: the edge needs the printed line alone.
    Keygen {
        /// The file that will hold the secret.
        file: PathBuf,
    },
    /// Open sealed recordings.
    ///
    /// Each is written beside the sealed one, without .age, and only if all of it is as it was
    /// sealed: one that was changed, cut or damaged anywhere gives an error and no sound. Files
    /// from the data folder, from the object storage and from the API (?sealed=true) are the same;
    /// any program for the age format opens them too: age -d -i KEYFILE FILE.
    Decrypt {
        /// Sealed recordings: 4711.wav.age
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The file with the secret (of `crosspoint recording keygen` or age-keygen).
        #[arg(long, short, value_name = "KEYFILE")]
        identity: PathBuf,
        /// The folder that they are written to; - is standard output, for one recording.
        #[arg(long, short, value_name = "DIR|-")]
        output: Option<PathBuf>,
    },
}

const SEALED: &str = "\
From the beginning:
  crosspoint recording keygen recordings.key     on the machine where you listen; prints age1..
  [recordings] recipients = [\"age1..\"]          in the configuration of the edge
  crosspoint recording decrypt -i recordings.key data/recordings/*.wav.age -o heard
  crosspoint recording decrypt -i recordings.key 4711.wav.age -o - | aplay
Several recipients: each opens each recording alone. To hear sealed recordings in the console, give
the edge a secret too ([recordings] identity); whoever takes the machine hears them then.
Exit codes: 0 done, 1 a recording could not be opened, 64 the secret or the arguments are wrong.";

/// Where the directory is: in the data folder of an edge that does not run, or behind the API of
/// one that does.
#[derive(clap::Args)]
struct Place {
    #[command(flatten)]
    config: ConfigFile,
    /// The data folder of the edge.
    #[arg(long, default_value = "data", conflicts_with = "api")]
    data: PathBuf,
    /// A running edge instead: http://127.0.0.1:8060
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    api: Option<String>,
    /// The API key for it; by default what CROSSPOINT_KEY says.
    #[arg(long, requires = "api")]
    key: Option<String>,
}

impl Place {
    fn place(self) -> server::directory::Place {
        match self.api {
            None => server::directory::Place::Here { config: self.config.config, data: self.data },
            Some(url) => {
                let key = self.key.or_else(|| std::env::var("CROSSPOINT_KEY").ok());
                server::directory::Place::There { url, key: key.unwrap_or_default() }
            }
        }
    }
}

#[derive(clap::Args)]
struct ConfigFile {
    /// The configuration (TOML). Without it, what configs/quickstart.toml says.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run { config, data } => server::run(config.config.as_deref(), &data),
        Command::Demo { data } => server::demo(data.as_deref()),
        Command::Check { config } => server::check(config.config.as_deref()),
        Command::Explain { number, at, from, zip, headers, called_before, config } => {
            let asked = server::Asked { from, at, zip, headers, called_before };
            server::explain(config.config.as_deref(), &number, &asked)
        }
        Command::Simulate { number, from, answer_after, nobody_answers, seed, config } => {
            let after = (!nobody_answers).then_some(answer_after);
            server::simulate(config.config.as_deref(), &number, &from, after, seed)
        }
        Command::LearnExtension { destination, digits, from, config } => {
            server::learn_extension(config.config.as_deref(), &destination, &digits, &from)
        }
        Command::Directory { what } => match what {
            DirectoryCommand::Export { place, secrets } => {
                server::directory::export(&place.place(), secrets)
            }
            DirectoryCommand::Import { file, place } => {
                server::directory::import(&place.place(), &file)
            }
            DirectoryCommand::Diff { file, place } => {
                server::directory::diff(&place.place(), &file)
            }
        },
        Command::Recording { what } => match what {
            RecordingCommand::Keygen { file } => server::recording::keygen(&file),
            RecordingCommand::Decrypt { files, identity, output } => {
                server::recording::decrypt(&files, &identity, output.as_deref())
            }
        },
        Command::Reference => server::reference(),
        Command::Health { address } => server::health(&address),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crosspoint: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
