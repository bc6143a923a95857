//! The shelf that recordings stand on, as the configuration that runs now says.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;
use crate::store::{Shelf, Shelving};

/// A configuration that is read anew and says something else makes another shelf; what goes on
/// with the former one goes on. The folder stays what it was at the start, where recordings are
/// written to.
#[derive(Debug)]
pub struct Shelves {
    data: PathBuf,
    folder: PathBuf,
    now: Mutex<(Shelving, Arc<Shelf>)>,
}

impl Shelves {
    /// `folder` is that of the configuration. Or what is wrong, with its key.
    pub fn open(data: &Path, folder: &Path, config: &Config) -> Result<Self, String> {
        let shelving = config.recordings.shelving(data, folder);
        let shelf = Shelf::open(&shelving).map_err(|it| format!("[recordings] {it}"))?;
        let now = Mutex::new((shelving, Arc::new(shelf)));
        Ok(Self { data: data.to_owned(), folder: folder.to_owned(), now })
    }

    /// The one that this configuration says. If it cannot be had the former one stays, and the log
    /// says why, once.
    pub fn of(&self, config: &Config) -> Arc<Shelf> {
        let mut wanted = config.recordings.shelving(&self.data, &self.folder);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.folder.clone_from(&now.0.folder);
        if now.0 != wanted {
            match Shelf::open(&wanted) {
                Ok(shelf) => now.1 = Arc::new(shelf),
                Err(error) => tracing::error!(error, "[recordings] stay where they were"),
            }
            now.0 = wanted;
        }
        now.1.clone()
    }

    /// Reads the identity anew, which may be another in the same file. If it cannot be read the
    /// former one stays, and why is told.
    pub fn read_again(&self, config: &Config) -> Result<(), String> {
        drop(self.of(config));
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = Shelf::open(&now.0).map_err(|it| format!("[recordings] {it}"))?;
        now.1 = Arc::new(shelf);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;
    use crate::store::sealed::Identity;

    #[test]
    fn what_is_read_anew_holds_and_what_cannot_be_had_leaves_the_former() {
        let folder =
            std::env::temp_dir().join(format!("crosspoint-shelves-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        let recipient = Identity::keep_new(&folder.join("key")).unwrap();
        let config = |text: &str| {
            let text = format!("[recordings]\n{text}");
            load(&text, "test.toml", &folder).unwrap_or_else(|it| panic!("{it}"))
        };
        let plain = config("");
        let shelves = Shelves::open(&folder, &folder, &plain).unwrap();
        let first = shelves.of(&plain);
        assert!(first.recipients.is_none() && first.identity.is_none());
        assert!(Arc::ptr_eq(&first, &shelves.of(&plain)), "nothing is read again");
        let sealed = config(&format!("recipients = [\"{recipient}\"]\nidentity = \"key\""));
        let second = shelves.of(&sealed);
        assert!(second.recipients.is_some() && second.identity.is_some());
        let moved = shelves.of(&config("folder = \"elsewhere\""));
        assert_eq!(moved.folder, folder.join("recordings"), "only a start moves them");
        let second = shelves.of(&sealed);
        let gone = config("identity = \"gone\"");
        assert!(Arc::ptr_eq(&second, &shelves.of(&gone)));
        assert!(shelves.of(&plain).identity.is_none());
        // Another secret in the same file: it is read when it is said so.
        let theirs = |shelf: &Shelf| shelf.identity.as_ref().unwrap().recipients().next().unwrap();
        assert_eq!(theirs(&shelves.of(&sealed)), recipient);
        std::fs::remove_file(folder.join("key")).unwrap();
        let other = Identity::keep_new(&folder.join("key")).unwrap();
        assert_eq!(theirs(&shelves.of(&sealed)), recipient);
        shelves.read_again(&sealed).unwrap();
        assert_eq!(theirs(&shelves.of(&sealed)), other);
        std::fs::write(folder.join("key"), "nothing of the kind").unwrap();
        let told = shelves.read_again(&sealed).unwrap_err();
        assert!(told.starts_with("[recordings] identity: ") && told.contains("key"), "{told}");
        assert_eq!(theirs(&shelves.of(&sealed)), other);
        let told = Shelves::open(&folder, &folder, &gone).unwrap_err();
        assert!(told.starts_with("[recordings] identity: ") && told.contains("gone"), "{told}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
