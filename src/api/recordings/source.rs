//! Where a recording is, and how it is heard from there: in the folder or in the object storage,
//! plain or sealed. Who listens notices nothing of it but the one thing: what is sealed is heard
//! only where the edge has the secret.

use std::io;
use std::ops::Range;

use axum::body::Body;

use crate::api::{Answer, Api, Problem};
use crate::archive::SEALED;
use crate::store::database::RecordingState;
use crate::store::objects::ObjectError;
use crate::store::{Found, Heard};

/// After how many seconds a storage that failed may be asked again.
const LATER: u64 = 30;

/// A recording as it is to be told: how long, and the bytes of it.
pub struct Told {
    pub length: u64,
    bytes: Bytes,
}

enum Bytes {
    Kept(Found),
    Opened(Heard),
}

impl Told {
    pub async fn body(self, part: Range<u64>) -> Answer<Body> {
        let bits = match self.bytes {
            Bytes::Kept(found) => found.kept(part).await.map_err(|it| failed(&it))?,
            Bytes::Opened(sound) => sound.part(part),
        };
        Ok(Body::from_stream(bits))
    }
}

/// Finds a recording wherever it is. There is none under another name than recordings have.
pub async fn found(api: &Api, file: &str) -> Answer<Found> {
    if !is_name(file) {
        return Err(Problem::none("recording", file));
    }
    // A database that is away keeps nobody from hearing what is here.
    let known = api.store.recording(file).await;
    if let Ok(Some(row)) = &known
        && row.is_gone()
    {
        return Err(Problem::none("recording", file));
    }
    let (shelf, name) = (api.shelf(), file.to_owned());
    let here = tokio::task::spawn_blocking(move || shelf.here(&name)).await;
    match here.map_err(io::Error::other).flatten() {
        Ok(Some(found)) => return Ok(found),
        Ok(None) => (),
        Err(error) => {
            tracing::warn!(%error, file, "a recording cannot be opened");
            return Err(Problem::none("recording", file));
        }
    }
    known?;
    // As it is now: it may have gone to the storage while it was looked for here.
    match api.store.recording(file).await? {
        Some(row) if row.is_gone() => Err(Problem::none("recording", file)),
        Some(row) if row.state == RecordingState::Uploaded => {
            let there = api.shelf().there(&row.kept_as(), row.encrypted, &row.place).await;
            there.map_err(|it| failed(&it.into()))
        }
        Some(row) if *row.node != *api.running().store.node => {
            let told = format!("it is on the edge {:?}, and is heard there", row.node);
            Err(Problem::not_now(told).and("state", "elsewhere").and("node", &*row.node))
        }
        _ => Err(Problem::none("recording", file)),
    }
}

/// As it is kept: the sealed file of one that is sealed.
pub fn kept(found: Found) -> Answer<Told> {
    match found.is_sealed() {
        true => Ok(Told { length: found.size(), bytes: Bytes::Kept(found) }),
        false => Err(Problem::not_now("it is not sealed; ask for it without sealed=true")
            .and("state", "plain")),
    }
}

/// As it sounds.
pub async fn heard(api: &Api, file: &str, found: Found) -> Answer<Told> {
    if !found.is_sealed() {
        return Ok(Told { length: found.size(), bytes: Bytes::Kept(found) });
    }
    let sound = sound(api, file, found).await?;
    Ok(Told { length: sound.length(), bytes: Bytes::Opened(sound) })
}

/// The sound, opened.
pub async fn sound(api: &Api, file: &str, found: Found) -> Answer<Heard> {
    can_be_heard(api, file, &found)?;
    found.sound(api.shelf().identity.clone()).await.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            sealed(file, "it is sealed for somebody else than this edge")
        }
        io::ErrorKind::InvalidData => {
            tracing::error!(%error, file, "a sealed recording is damaged");
            Problem::not_now(format!("it cannot be opened: {error}")).and("state", "damaged")
        }
        _ => failed(&error),
    })
}

/// Whether anybody can hear it here.
pub fn can_be_heard(api: &Api, file: &str, found: &Found) -> Answer<()> {
    match found.is_sealed() && api.shelf().identity.is_none() {
        true => Err(sealed(file, "it is sealed, and this edge has not the secret that opens it")),
        false => Ok(()),
    }
}

fn sealed(file: &str, why: &str) -> Problem {
    let command = format!("crosspoint recording decrypt {file}{SEALED} --identity KEYFILE");
    let download = format!("/v1/recordings/{file}?sealed=true");
    Problem::not_now(format!("{why}; download it as it is, and open it with: {command}"))
        .and("state", "sealed")
        .and("command", command)
        .and("download", download)
}

/// The disk or the storage did not want to.
fn failed(error: &io::Error) -> Problem {
    let known = error.get_ref().and_then(|it| it.downcast_ref::<ObjectError>());
    match known {
        Some(ObjectError::Missing) => {
            tracing::error!("a recording is not in the object storage any more");
            Problem::not_found("the object storage does not have it any more")
                .and("state", "uploaded")
        }
        Some(error) => {
            tracing::warn!(%error, "a recording cannot be fetched");
            // Whose fault it is, is the operator's business: it is in the log.
            Problem::unavailable("the object storage that has it cannot be asked now")
                .and("state", "uploaded")
                .retry_after(LATER)
        }
        None => {
            tracing::warn!(%error, "a recording cannot be read");
            Problem::unavailable("the disk would not read it").retry_after(5)
        }
    }
}

/// As recordings are called: nothing that leads anywhere else.
pub fn is_name(file: &str) -> bool {
    let stem = file.strip_suffix(".wav").unwrap_or_default();
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
    (1..=120).contains(&stem.len()) && stem.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_none() {
        for good in ["0f3a.wav", "0f3a-2.wav", "voice_mail-1.wav"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            ".wav",
            "..wav",
            "../x.wav",
            "a/b.wav",
            "a\\b.wav",
            "/etc/passwd",
            "a.wav\0",
            "a\0.wav",
            "a.WAV",
            "a.wav/",
            "%2e%2e.wav",
            ".hidden.wav",
            "a b.wav",
            "a.wav.age",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(!is_name(&format!("{}.wav", "a".repeat(121))));
    }
}
