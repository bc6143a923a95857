//! `crosspoint directory export|import|diff`: the whole directory as TOML, so that git can hold it;
//! of a database, which an edge that runs on it follows, or through the API of an edge elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock::Clock;
use super::{Error, commands, read_shell, setup};
use crate::api::directory::{Home, Offline};
use crate::config::documents::{Documents, Imported};
use crate::config::shell::DirectoryIn;
use crate::store::database::{Settings, open};

/// How long an edge may take to answer.
const WITHIN: Duration = Duration::from_secs(60);
/// Who changes what is changed on the command line.
const BY: &str = "command line";

/// Which directory.
#[derive(Clone, Debug)]
pub enum Place {
    /// Of an edge on this machine: its configuration, its data folder.
    Here { config: Option<PathBuf>, data: PathBuf },
    /// Of one that runs somewhere: `http://127.0.0.1:8060`, and a key.
    There { url: String, key: String },
}

/// Prints it. Passwords and secrets only if they are asked for, and only here.
pub fn export(place: &Place, secrets: bool) -> Result<(), Error> {
    let text = match place {
        Place::There { .. } if secrets => {
            return Err(Error::Usage("a running edge shows nobody its secrets".to_owned()));
        }
        Place::There { url, key } => ask(url, key, "GET", None)?,
        Place::Here { .. } => {
            let documents = opened(place)?.documents().map_err(Error::Config)?;
            let shown = if secrets { documents } else { documents.without_hidden() };
            shown.to_toml(true)
        }
    };
    commands::say(text)
}

/// Makes it this one: what is not in the file is removed. Says what has changed.
pub fn import(place: &Place, file: &Path) -> Result<(), Error> {
    change(place, file, false)
}

/// Says what an import would change, and changes nothing.
pub fn diff(place: &Place, file: &Path) -> Result<(), Error> {
    change(place, file, true)
}

fn change(place: &Place, file: &Path, dry_run: bool) -> Result<(), Error> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(Error::doing(name.clone()))?;
    let told = match place {
        Place::There { url, key } => {
            let query = if dry_run { "?dry_run=true" } else { "" };
            changes(&ask(url, key, &format!("PUT{query}"), Some(text))?)
        }
        Place::Here { .. } => {
            let imported = Imported::read(&text, &name);
            let imported = imported.map_err(|it| Error::Config(it.to_string()))?;
            let mut opened = opened(place)?;
            let diff = opened.change(imported, &name, dry_run)?;
            diff.to_string()
        }
    };
    commands::say(if told.is_empty() { "Nothing is different.\n".to_owned() } else { told })
}

/// A directory on this machine.
struct Opened {
    offline: Offline,
    runtime: tokio::runtime::Runtime,
}

fn opened(place: &Place) -> Result<Opened, Error> {
    let Place::Here { config: file, data } = place else {
        return Err(Error::Usage("this is the directory of a running edge".to_owned()));
    };
    let shell = read_shell(file.as_deref())?;
    let config = shell.config().map_err(|it| Error::Config(it.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::doing("starting the runtime"))?;
    let home = match config.store.directory {
        DirectoryIn::File => Home::File,
        DirectoryIn::Database => Home::Database,
    };
    let offline = match home {
        Home::File => Offline::of_file(shell).map_err(Error::Config)?,
        Home::Database => {
            setup::data_folder(data).map_err(Error::doing(data.display().to_string()))?;
            let settings = Settings {
                url: config.store.server().map(str::to_owned),
                file: setup::inside(data, &config.store.database.0),
            };
            let read = async {
                let store = open(&settings).map_err(|it| it.to_string())?;
                Offline::of_database(store, shell).await
            };
            runtime.block_on(read).map_err(Error::Config)?
        }
    };
    Ok(Opened { offline, runtime })
}

impl Opened {
    fn documents(&self) -> Result<Documents, String> {
        Ok(self.offline.documents())
    }

    fn change(
        &mut self,
        imported: Imported,
        file: &str,
        dry_run: bool,
    ) -> Result<crate::config::documents::Diff, Error> {
        let now = Clock::start().now().wall;
        let change = self.offline.import(imported, file, BY, now, dry_run);
        self.runtime.block_on(change).map_err(Error::Config)
    }
}

/// Asks the API of a running edge.
fn ask(url: &str, key: &str, line: &str, body: Option<String>) -> Result<String, Error> {
    let (method, query) = line.split_at(3);
    let url = format!("{}/v1/directory{query}", url.trim_end_matches('/'));
    let method = if method == "GET" { reqwest::Method::GET } else { reqwest::Method::PUT };
    let failed = |it: reqwest::Error| Error::doing("asking the edge")(std::io::Error::other(it));
    let asked = async {
        let client = reqwest::Client::builder().timeout(WITHIN).build()?;
        let mut request = client.request(method, url).bearer_auth(key);
        if let Some(body) = body {
            request = request.header("content-type", "application/toml").body(body);
        }
        let response = request.send().await?;
        let status = response.status();
        Ok::<_, reqwest::Error>((status, response.text().await?))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::doing("starting the runtime"))?;
    let (status, text) = runtime.block_on(asked).map_err(failed)?;
    match status.is_success() {
        true => Ok(text),
        false => Err(Error::Config(problem(&text))),
    }
}

/// A problem document for people.
fn problem(text: &str) -> String {
    let Ok(told) = serde_json::from_str::<serde_json::Value>(text) else { return text.to_owned() };
    let line = told["line"].as_u64().map(|it| format!("line {it}: ")).unwrap_or_default();
    let detail = told["detail"].as_str().or(told["title"].as_str()).unwrap_or_default();
    format!("the edge refuses: {line}{detail}")
}

/// What an import has changed, for people.
fn changes(text: &str) -> String {
    let Ok(told) = serde_json::from_str::<serde_json::Value>(text) else { return text.to_owned() };
    let mut out = String::new();
    for (key, sign) in [("removed", '-'), ("added", '+'), ("changed", '~')] {
        for it in told[key].as_array().into_iter().flatten() {
            let (kind, name) = (it["kind"].as_str(), &it["name"]);
            out += &format!("{sign} {} {name}\n", kind.unwrap_or_default());
            for pointer in it["keys"].as_array().into_iter().flatten() {
                out += &format!("    {}\n", pointer.as_str().unwrap_or_default());
            }
        }
    }
    out
}
