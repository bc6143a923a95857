//! The file an operator writes: TOML, every key with a default or named as missing.
//!
//! `shell` and `trade` define the keys, once each: name, type, default, doc. From that come the
//! reader (here), the reference (`reference`) and the messages (`error`). `build` checks what one
//! key alone cannot show (names that lead nowhere, numbers given twice) and makes the [`Directory`].
//! Nothing is applied here, and a file with anything wrong in it gives no [`Config`] at all.

mod build;
pub mod documents;
mod error;
mod file;
mod keys;
mod lists;
mod names;
mod peers;
mod reference;
mod routes;
mod shape;
pub mod shell;
mod storage;
mod trade;
pub mod value;
mod voice;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

pub use self::error::ConfigError;
use self::error::Wrong;
use self::file::File;
use self::keys::{Section, Table};
pub use self::peers::Socket;
pub use self::reference::reference;
use self::shell::{
    Api, Capture, Dns, Limits, Media, Prompts, Recordings, Records, Registrar, Sip, Store,
};
use crate::model::Directory;
use crate::sip::Value;

/// Everything an operator says, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub sip: Sip,
    pub registrar: Registrar,
    pub media: Media,
    pub recordings: Recordings,
    pub prompts: Prompts,
    pub records: Records,
    pub store: Store,
    pub capture: Capture,
    pub api: Api,
    pub dns: Dns,
    pub limits: Limits,
    /// The words of the trade: trunks, accounts, schedules, numbers, queues, menus, routers, ...
    pub directory: Arc<Directory>,
}

impl Sip {
    /// What we call ourselves, if anything.
    pub fn software(&self) -> Option<Value> {
        Value::new(&self.software).ok().filter(|it| !it.as_bytes().is_empty())
    }
}

/// The largest file that is read, in bytes.
const FILE_MAX: usize = 64 << 20;

/// Reads a configuration. `file` is what messages call it; prompts are looked for from `folder` on.
pub fn load(text: &str, file: &str, folder: &Path) -> Result<Config, ConfigError> {
    read(text, folder).map_err(|wrong| wrong.placed(file, text))
}

/// Reads the configuration in `path`.
pub fn load_file(path: &Path) -> Result<Config, ConfigError> {
    documents::Shell::read(path)?.config()
}

/// The text in `path`, what it is called, and its folder.
fn read_file(path: &Path) -> Result<(String, String, PathBuf), ConfigError> {
    let file = path.display().to_string();
    let whole = |message: String| ConfigError {
        file: file.as_str().into(),
        line: 0,
        column: 0,
        key: String::new(),
        message,
        allowed: String::new(),
        also: Box::default(),
    };
    let text = std::fs::read_to_string(path).map_err(|it| whole(it.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_owned());
    Ok((text, file, folder))
}

fn read(text: &str, folder: &Path) -> Result<Config, Wrong> {
    if FILE_MAX < text.len() {
        return Err(Wrong::at(0..0, format!("the file is larger than {FILE_MAX} bytes")));
    }
    let document = DeTable::parse(text)
        .map_err(|it| Wrong::at(it.span().unwrap_or_default(), it.message().to_owned()))?;
    let table = Table::new(document.get_ref(), document.span(), text);
    build::config(File::from_table(&table)?, text, folder)
}

#[cfg(test)]
mod tests;
