//! The directory of a configuration and its database: read and changed as the API would. An edge
//! that runs on the same database follows.

use std::sync::Arc;

use super::import::{edits, whole};
use super::keeper::{TAKEN, check, documents, of_file};
use crate::clock::Wall;
use crate::config::documents::{Diff, Documents, Imported, Shell};
use crate::store::database::{Document as Kept, Store};

pub struct Offline {
    /// None if the directory is at home in the file.
    store: Option<Arc<dyn Store>>,
    shell: Shell,
    kept: Vec<Kept>,
    /// Whether these are the file's, which the database is still to take.
    untaken: bool,
}

impl Offline {
    pub fn of_file(shell: Shell) -> Result<Self, String> {
        let kept = of_file(&shell).map_err(|it| it.to_string())?;
        Ok(Self { store: None, shell, kept, untaken: false })
    }

    /// As it is kept; as the file has it where nothing has ever been kept.
    pub async fn of_database(store: Arc<dyn Store>, shell: Shell) -> Result<Self, String> {
        let mut kept = store.documents().await.map_err(|it| it.to_string())?;
        let taken = store.setting(TAKEN).await.map_err(|it| it.to_string())?;
        let untaken = kept.is_empty() && taken.is_none();
        if untaken {
            kept = of_file(&shell).map_err(|it| it.to_string())?;
        }
        Ok(Self { store: Some(store), shell, kept, untaken })
    }

    pub fn documents(&self) -> Documents {
        documents(&self.kept)
    }

    /// Makes it what was imported, unless this is a dry run; what is different.
    pub async fn import(
        &mut self,
        imported: Imported,
        file: &str,
        by: &str,
        at: Wall,
        dry_run: bool,
    ) -> Result<Diff, String> {
        let before = self.documents();
        let placed = |fault: &crate::config::documents::Fault| match imported.line(fault) {
            Some(line) => format!("{file}:{line}: {fault}"),
            None => format!("{file}: {fault}"),
        };
        let wanted = whole(imported.as_sent(), &before, true).map_err(|it| placed(&it))?;
        check(&wanted, &self.shell).map_err(|it| placed(&it))?;
        let diff = Diff::between(&before, &wanted);
        if dry_run {
            return Ok(diff);
        }
        let Some(store) = &self.store else {
            let message = "the directory stands in the configuration file: change it there, or set \
                           [store] directory = \"database\"";
            return Err(message.to_owned());
        };
        // What stands in the file is in nobody's way: the database has none of it yet.
        let (kept, from) = match self.untaken {
            true => (Vec::new(), Diff::between(&Documents::default(), &wanted)),
            false => (self.kept.clone(), diff.clone()),
        };
        let edits = edits(&kept, from).map_err(|_| "it was changed meanwhile".to_owned())?;
        store.change(&edits, by.into(), at).await.map_err(|it| it.to_string())?;
        store.settle_setting(TAKEN, "yes").await.map_err(|it| it.to_string())?;
        Ok(diff)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::database::{Settings, open};

    /// An edge that does not run takes no directory that it would not start with.
    #[tokio::test]
    async fn what_a_running_edge_would_refuse_is_not_imported() {
        let name = format!("crosspoint-offline-{}.db", std::process::id());
        let file = std::env::temp_dir().join(name);
        let store = open(&Settings { url: None, file: file.clone() }).unwrap();
        let shell = Shell::new("", "edge.toml", Path::new("/nowhere"));
        let mut offline = Offline::of_database(store, shell).await.unwrap();
        for wrong in [
            "addresses = [\"a b\"]",
            "addresses = [\"a@b\"]",
            "addresses = [\"a?b\"]",
            "addresses = [\"a;b\"]",
            "addresses = [\"[::1\"]",
            "number_prefix = \"<1>\"",
            "number_prefix = \"1\u{7f}\"",
            "inbound_user = \"a\\\"b\"\ninbound_password = \"x\"",
        ] {
            let text = format!("[[trunk]]\nname = \"t\"\nsources = [\"192.0.2.1\"]\n{wrong}\n");
            let Ok(imported) = Imported::read(&text, "new.toml") else { continue };
            let at = Wall::default();
            let told = offline.import(imported, "new.toml", "x", at, false).await;
            let Err(told) = told else { panic!("{wrong} is taken") };
            assert!(told.starts_with("new.toml"), "{told}");
        }
        for end in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(format!("{}{end}", file.display())));
        }
    }
}
