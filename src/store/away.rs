//! Which agents are away, kept across a restart: one small file, a name a line, replaced whole.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Names that are kept; a directory has fewer agents.
const NAMES_MAX: usize = 100_000;

/// Who is away.
#[derive(Debug)]
pub struct Away {
    path: PathBuf,
    names: BTreeSet<String>,
}

impl Away {
    /// What was kept in this folder; nobody, if there is nothing that can be read.
    pub fn in_folder(folder: &Path) -> Self {
        let path = folder.join("away");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let names = text.lines().filter(|it| !it.is_empty()).take(NAMES_MAX);
        Self { names: names.map(str::to_owned).collect(), path }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Keeps that somebody is away, or is not: written beside, synced, renamed over.
    pub fn keep(&mut self, name: &str, away: bool) -> io::Result<()> {
        // A line is a name; no name of the directory has a newline.
        let known = !name.contains(['\n', '\r']) && self.names.len() < NAMES_MAX;
        let changed = match away {
            true => known && self.names.insert(name.to_owned()),
            false => self.names.remove(name),
        };
        if !changed {
            return Ok(());
        }
        let mut text = String::new();
        for name in &self.names {
            text.push_str(name);
            text.push('\n');
        }
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        fs::rename(&beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away_is_away_after_a_restart() {
        let folder = std::env::temp_dir().join(format!("crosspoint-away-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let mut away = Away::in_folder(&folder);
        for name in ["ann", "bob", "eve \"O'Neil\""] {
            away.keep(name, true).unwrap();
        }
        away.keep("bob", false).unwrap();
        away.keep("two\nlines", true).unwrap();
        let again = Away::in_folder(&folder);
        assert_eq!(again.names().collect::<Vec<_>>(), ["ann", "eve \"O'Neil\""]);
        fs::remove_dir_all(&folder).unwrap();
        assert!(away.keep("bob", true).is_err(), "the folder is gone");
    }
}
