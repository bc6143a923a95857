//! How loud a recording is along its time, for a waveform: read a piece at a time, however long it
//! is, and kept for who looks again.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::api::{Answer, Problem};
use crate::audio::RATE;
use crate::audio::wav::Header;

/// Waveforms that are kept.
const KEPT: usize = 64;
/// Files that are read at once.
const READ: usize = 2;

/// The loudest of each column, 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Peaks {
    pub seconds: f64,
    /// The caller.
    pub left: Vec<f32>,
    /// Who answered.
    pub right: Vec<f32>,
}

/// Waveforms: those that were asked for lately are at hand.
#[derive(Clone, Debug)]
pub struct Waves {
    kept: Arc<Mutex<VecDeque<(Key, Peaks)>>>,
    turns: Arc<Semaphore>,
}

/// A file, its length, and how many columns.
type Key = (String, u64, usize);

impl Default for Waves {
    fn default() -> Self {
        Self { kept: Arc::default(), turns: Arc::new(Semaphore::new(READ)) }
    }
}

impl Waves {
    pub async fn of(&self, name: &str, file: File, length: u64, points: usize) -> Answer<Peaks> {
        let key = (name.to_owned(), length, points);
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let _turn = self.turns.acquire().await;
        let read = tokio::task::spawn_blocking(move || peaks(file, length, points)).await;
        let Some(peaks) = read.map_err(io::Error::other).flatten().map_err(|error| {
            tracing::warn!(%error, "a recording cannot be read");
            Problem::unavailable("the disk would not read it").retry_after(5)
        })?
        else {
            return Err(Problem::not_now("this is no recording that can be drawn"));
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(KEPT - 1);
        kept.push_front((key, peaks.clone()));
        Ok(peaks)
    }

    fn known(&self, key: &Key) -> Option<Peaks> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|it| it.0 == *key)?;
        let found = kept.remove(at)?;
        let peaks = found.1.clone();
        kept.push_front(found);
        Some(peaks)
    }
}

/// `None` if it is none of our recordings.
fn peaks(file: File, length: u64, points: usize) -> io::Result<Option<Peaks>> {
    let mut file = BufReader::with_capacity(64 << 10, file);
    let mut head = [0; Header::LEN];
    if length < Header::LEN as u64 {
        return Ok(None);
    }
    file.read_exact(&mut head)?;
    let Some(known) = Header::read(&head) else { return Ok(None) };
    // As long as the file is: a header of a call that is going on tells less.
    let header = Header::of_file(known.law, length);
    let frames = u64::from(header.frames);
    let mut drawn = Peaks {
        seconds: frames as f64 / f64::from(RATE),
        left: vec![0.0; points],
        right: vec![0.0; points],
    };
    let mut pieces = [0; 8192];
    let mut frame = 0;
    while frame < frames {
        let wanted = usize::try_from((frames - frame) * 2).unwrap_or(usize::MAX).min(pieces.len());
        let Some(piece) = pieces.get_mut(..wanted) else { break };
        file.read_exact(piece)?;
        for pair in piece.chunks_exact(2) {
            let column = (frame * points as u64 / frames) as usize;
            for (side, code) in [&mut drawn.left, &mut drawn.right].into_iter().zip(pair) {
                let loud = f32::from(header.law.decode(*code).unsigned_abs()) / 32768.0;
                if let Some(peak) = side.get_mut(column) {
                    *peak = peak.max(loud);
                }
            }
            frame += 1;
        }
    }
    for peak in drawn.left.iter_mut().chain(&mut drawn.right) {
        // Three digits are more than anybody sees.
        *peak = (*peak * 1000.0).round() / 1000.0;
    }
    Ok(Some(drawn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Law;

    fn recording(name: &str, frames: &[(i16, i16)]) -> (File, u64) {
        let path = std::env::temp_dir().join(format!("crosspoint-{name}-{}", std::process::id()));
        let header = Header { law: Law::Mu, frames: frames.len() as u32 };
        let mut bytes = header.bytes().to_vec();
        for (left, right) in frames {
            bytes.extend([Law::Mu.encode(*left), Law::Mu.encode(*right)]);
        }
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        (file, bytes.len() as u64)
    }

    #[test]
    fn each_column_is_as_high_as_its_loudest_sample() {
        let mut frames = vec![(0, 0); 16_000];
        frames[100] = (-16_384, 0);
        frames[15_999] = (0, 32_000);
        let (file, length) = recording("peaks", &frames);
        let peaks = peaks(file, length, 10).unwrap().unwrap();
        assert_eq!((peaks.seconds, peaks.left.len(), peaks.right.len()), (2.0, 10, 10));
        assert!((0.48..0.52).contains(&peaks.left[0]) && peaks.right[9] > 0.95, "{peaks:?}");
        assert!(peaks.left[1..].iter().chain(&peaks.right[..9]).all(|it| *it < 0.001));
    }

    #[test]
    fn a_file_of_nothing_and_one_that_is_none_harm_nobody() {
        let (file, length) = recording("empty", &[]);
        assert_eq!(peaks(file, length, 10).unwrap().unwrap().left, vec![0.0; 10]);
        let (file, _) = recording("short", &[]);
        assert_eq!(peaks(file, 3, 10).unwrap(), None);
    }

    #[tokio::test]
    async fn who_looks_again_reads_nothing() {
        let waves = Waves::default();
        let (file, length) = recording("again", &[(9000, 9000); 80]);
        let first = waves.of("again.wav", file, length, 10).await.unwrap();
        let (wrong, _) = recording("other", &[]);
        assert_eq!(waves.of("again.wav", wrong, length, 10).await.unwrap(), first);
    }
}
