//! `crosspoint recording decrypt|keygen`: recordings that are sealed, opened by who has the secret.
//! Nothing of the edge is needed: neither its configuration nor its data folder. And what `check`
//! says of where recordings go.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Error, commands};
use crate::archive::SEALED;
use crate::store::Shelving;
use crate::store::objects::Endpoint;
use crate::store::sealed::{Identity, Opened};

/// What is copied at once.
const STEP: usize = 64 << 10;

/// Opens each of these: beside it, in another folder, or (one alone) on standard output with `-`.
/// What cannot be opened is told, and the others are opened nevertheless.
pub fn decrypt(files: &[PathBuf], identity: &Path, output: Option<&Path>) -> Result<(), Error> {
    let identity = Identity::from_file(identity).map_err(Error::Usage)?;
    if output == Some(Path::new("-")) {
        let [file] = files else {
            return Err(Error::Usage("standard output takes one recording at a time".to_owned()));
        };
        return to_stdout(file, &identity).map_err(Error::doing(file.display().to_string()));
    }
    if let Some(folder) = output {
        fs::create_dir_all(folder).map_err(Error::doing(folder.display().to_string()))?;
    }
    let mut failed = 0;
    for file in files {
        match to_file(file, &identity, output) {
            Ok(plain) => commands::say(format_args!("{}\n", plain.display()))?,
            Err(error) => {
                failed += 1;
                eprintln!("crosspoint: {}: {error}", file.display());
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => {
            let told = format!("{failed} of {} could not be opened", files.len());
            Err(Error::doing("opening recordings")(io::Error::other(told)))
        }
    }
}

/// Makes an identity in a file of its own, and says whom to seal for.
pub fn keygen(file: &Path) -> Result<(), Error> {
    let made = Identity::keep_new(file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::Usage(format!("{} is there already, and stays as it is", file.display()))
        }
        _ => Error::doing(file.display().to_string())(error),
    })?;
    eprintln!(
        "{} holds the secret: keep it away from the edge, and a copy of it somewhere safe.\n\
         Without it nobody hears what is sealed. The configuration needs this line only:\n\
         [recordings]\nrecipients = [\"{made}\"]",
        file.display()
    );
    commands::say(format_args!("{made}\n"))
}

/// What `crosspoint check` says of where recordings are kept; nothing if they just stay.
pub(super) fn summary(shelving: &Shelving) -> String {
    let mut out = String::new();
    let mut warnings = Vec::new();
    let whom = &shelving.recipients;
    let identity = shelving.identity.as_deref().map(|it| (it, Identity::from_file(it)));
    if !whom.is_empty() {
        let count = match whom.len() {
            1 => "one recipient".to_owned(),
            several => format!("{several} recipients"),
        };
        let heard = match &identity {
            Some((_, Ok(_))) => "they are heard in the console too",
            _ => "nobody hears them here: crosspoint recording decrypt opens them elsewhere",
        };
        _ = writeln!(out, "  recordings are sealed for {count}; {heard}");
    }
    match identity {
        Some((_, Err(why))) => warnings.push(format!("identity: {why}")),
        Some((path, Ok(identity))) => {
            if !whom.is_empty() && !identity.recipients().any(|it| whom.contains(&it)) {
                warnings.push(format!(
                    "identity: {} is of none of the recipients: it opens nothing that is sealed \
                     from now on",
                    path.display()
                ));
            }
            let mode = fs::metadata(path).map(|it| it.permissions().mode());
            if mode.is_ok_and(|it| it & 0o077 != 0) {
                warnings.push(format!("identity: {} can be read by others", path.display()));
            }
        }
        None => (),
    }
    if let Some(storage) = &shelving.storage {
        let at = match &storage.endpoint {
            Some(endpoint) => format!(" at {endpoint}"),
            None => String::new(),
        };
        let by = match storage.credentials {
            Some(_) => "the key of the configuration",
            None => "the keys of the environment, or the role of the machine",
        };
        _ = writeln!(out, "  recordings go to {}{at}, by {by}", storage.place);
        if whom.is_empty() && storage.endpoint.as_ref().is_some_and(Endpoint::is_clear) {
            warnings.push("storage: recordings go there neither sealed nor by TLS".to_owned());
        }
    }
    for warning in warnings {
        _ = writeln!(out, "  warning: [recordings] {warning}");
    }
    out
}

/// The whole is read before anything of it is told: what was changed is not heard in part.
fn to_stdout(file: &Path, identity: &Identity) -> io::Result<()> {
    let mut opened = identity.open(file)?;
    copy(&mut opened, &mut io::sink())?;
    opened.rewind()?;
    match copy(&mut opened, &mut io::stdout().lock()) {
        // Who has heard enough may go.
        Err(it) if it.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Where it is then. It has its name when it is whole; nothing is written over.
fn to_file(file: &Path, identity: &Identity, folder: Option<&Path>) -> io::Result<PathBuf> {
    let name = file.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let Some(name) = name.strip_suffix(SEALED).filter(|it| !it.is_empty()) else {
        return Err(io::Error::other(format!("its name does not end with {SEALED}")));
    };
    let plain = match folder {
        Some(folder) => folder.join(name),
        None => file.with_file_name(name),
    };
    if fs::symlink_metadata(&plain).is_ok() {
        return Err(io::Error::other(format!("{} is there already", plain.display())));
    }
    let mut opened = identity.open(file)?;
    let part = plain.with_file_name(format!("{name}.part"));
    let mut new = OpenOptions::new();
    let new = new.create(true).truncate(true).write(true).mode(0o600).open(&part);
    let done = new.and_then(|mut out| {
        copy(&mut opened, &mut out)?;
        out.sync_all()?;
        fs::rename(&part, &plain)
    });
    if let Err(error) = done {
        drop(fs::remove_file(&part));
        return Err(error);
    }
    Ok(plain)
}

fn copy<R: Read>(from: &mut Opened<R>, to: &mut dyn Write) -> io::Result<()> {
    let mut step = vec![0; STEP];
    loop {
        let got = from.read(&mut step)?;
        match step.get(..got) {
            Some(bytes) if !bytes.is_empty() => to.write_all(bytes)?,
            _ => return to.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn said(folder: &Path, text: &str) -> String {
        let config = load(text, "test.toml", folder).unwrap_or_else(|it| panic!("{it}"));
        summary(&config.recordings.shelving(Path::new("data"), folder))
    }

    #[test]
    fn check_says_for_whom_recordings_are_sealed_and_where_they_go() {
        let folder = std::env::temp_dir().join(format!("crosspoint-check-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let [ann, bob] = ["ann", "bob"].map(|it| Identity::keep_new(&folder.join(it)).unwrap());
        assert_eq!(said(&folder, ""), "");
        let sealed = format!("[recordings]\nrecipients = [\"{ann}\"]\n");
        let told = said(&folder, &sealed);
        assert!(told.contains("sealed for one recipient; nobody hears them here"), "{told}");
        let told = said(&folder, &format!("{sealed}identity = \"ann\""));
        assert!(told.contains("one recipient; they are heard in the console too"), "{told}");
        assert!(!told.contains("warning"), "{told}");
        let told = said(&folder, &format!("{sealed}identity = \"bob\""));
        assert!(told.contains("bob is of none of the recipients"), "{told}");
        let told = said(&folder, &format!("{sealed}identity = \"gone\""));
        assert!(told.contains("warning: [recordings] identity: ") && told.contains("gone"));
        fs::set_permissions(folder.join("ann"), fs::Permissions::from_mode(0o640)).unwrap();
        let told = said(&folder, &format!("{sealed}identity = \"ann\""));
        assert!(told.contains("ann can be read by others"), "{told}");
        let far = "storage = { url = \"s3://calls/edge\", endpoint = \"http://minio:9000\", \
                   key_id = \"it\", secret = \"hush\" }";
        let told = said(&folder, &format!("[recordings]\n{far}"));
        assert!(told.contains("s3://calls/edge at http://minio:9000, by the key of the conf"));
        assert!(told.contains("neither sealed nor by TLS") && !told.contains("hush"), "{told}");
        let told = said(&folder, &format!("{sealed}{far}"));
        assert!(!told.contains("TLS"), "{told}");
        let told = said(&folder, "[recordings]\nstorage = \"s3://calls\"");
        assert!(told.contains("s3://calls, by the keys of the environment"), "{told}");
        let both = format!("[recordings]\nrecipients = [\"{ann}\", \"{bob}\"]");
        assert!(said(&folder, &both).contains("sealed for 2 recipients"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
