//! How loud a recording is along its time, for a waveform: read a piece at a time, however long it
//! is, and kept for who looks again.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::{OnceCell, Semaphore};
use utoipa::ToSchema;

use crate::api::{Answer, Problem};
use crate::audio::RATE;
use crate::audio::wav::Header;
use crate::store::Heard;

/// Waveforms that are kept.
const KEPT: usize = 64;
/// Files that are read at once.
const READ: usize = 2;
/// The longest that is drawn, in bytes: some 18 hours.
const MOST: u64 = 1 << 30;

/// The loudest of each column, 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Peaks {
    pub seconds: f64,
    /// The caller.
    pub left: Vec<f32>,
    /// Who answered.
    pub right: Vec<f32>,
}

/// Waveforms: those that were asked for lately are at hand. Who asks for one that is being read
/// waits for it, and does not read it too.
#[derive(Clone, Debug)]
pub struct Waves {
    kept: Arc<Mutex<VecDeque<(Key, Wave)>>>,
    turns: Arc<Semaphore>,
}

/// A file, its length as it is kept, and how many columns.
type Key = (String, u64, usize);
type Wave = Arc<OnceCell<Peaks>>;

impl Default for Waves {
    fn default() -> Self {
        Self { kept: Arc::default(), turns: Arc::new(Semaphore::new(READ)) }
    }
}

impl Waves {
    /// `open` is waited for only if it is not at hand.
    pub async fn of(
        &self,
        name: &str,
        kept: u64,
        points: usize,
        open: impl Future<Output = Answer<Heard>>,
    ) -> Answer<Peaks> {
        let wave = self.wave((name.to_owned(), kept, points));
        let drawn = wave.get_or_try_init(|| async {
            let _turn = self.turns.acquire().await;
            let sound = open.await?;
            let length = sound.length();
            if MOST < length {
                return Err(Problem::not_now("it is too long to be drawn"));
            }
            let sound = sound.into_sound();
            let read = tokio::task::spawn_blocking(move || peaks(sound, length, points)).await;
            let drawn = read.map_err(io::Error::other).flatten().map_err(|error| {
                tracing::warn!(%error, "a recording cannot be read");
                Problem::unavailable("it cannot be read to its end").retry_after(5)
            })?;
            drawn.ok_or_else(|| Problem::not_now("this is no recording that can be drawn"))
        });
        drawn.await.cloned()
    }

    /// One that is at hand, or will be.
    fn wave(&self, key: Key) -> Wave {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|it| it.0 == key).and_then(|at| kept.remove(at));
        let found = known.unwrap_or_else(|| (key, Wave::default()));
        let wave = found.1.clone();
        kept.truncate(KEPT - 1);
        kept.push_front(found);
        wave
    }
}

/// `None` if it is none of our recordings.
fn peaks(file: impl Read, length: u64, points: usize) -> io::Result<Option<Peaks>> {
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
    use std::fs::File;

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

    fn opens(from: (File, u64)) -> Answer<Heard> {
        Ok(Heard::new(Box::new(from.0), from.1))
    }

    #[tokio::test]
    async fn who_looks_again_reads_nothing() {
        let waves = Waves::default();
        let from = recording("again", &[(9000, 9000); 80]);
        let kept = from.1;
        let first = waves.of("again.wav", kept, 10, async { opens(from) }).await.unwrap();
        let never = async { panic!("it is at hand") };
        assert_eq!(waves.of("again.wav", kept, 10, never).await.unwrap(), first);
    }

    #[tokio::test]
    async fn who_asks_for_what_is_being_read_waits_for_it() {
        let waves = Waves::default();
        let from = recording("once", &[(9000, 9000); 80]);
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let slow = async {
            drop(wait.await);
            opens(from)
        };
        let first = waves.of("once.wav", 1, 10, slow);
        let second = waves.of("once.wav", 1, 10, async { panic!("it is being read") });
        let started = async { go.send(()).unwrap() };
        let (first, second, ()) = tokio::join!(first, second, started);
        assert_eq!(first.unwrap(), second.unwrap());
    }

    #[tokio::test]
    async fn what_could_not_be_read_is_read_by_who_asks_next() {
        let waves = Waves::default();
        let from = recording("next", &[(9000, 9000); 80]);
        let fails = async { Err(Problem::unavailable("not now")) };
        assert!(waves.of("next.wav", 1, 10, fails).await.is_err());
        assert!(waves.of("next.wav", 1, 10, async { opens(from) }).await.is_ok());
        let (file, _) = recording("long", &[]);
        let long = async { opens((file, MOST + 1)) };
        let refused = waves.of("long.wav", 1, 10, long).await.unwrap_err();
        assert_eq!(refused.status(), 409);
    }

    #[tokio::test]
    async fn only_so_many_are_kept() {
        let waves = Waves::default();
        for n in 0..KEPT as u64 + 10 {
            let from = recording(&format!("many-{n}"), &[(1, 1); 80]);
            waves.of("a.wav", n, 10, async { opens(from) }).await.unwrap();
        }
        assert_eq!(waves.kept.lock().unwrap().len(), KEPT);
        let never = async { panic!("it is at hand") };
        waves.of("a.wav", KEPT as u64 + 9, 10, never).await.unwrap();
    }
}
