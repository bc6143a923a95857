//! Prompts on their way into memory: WAV files read, texts spoken by a synthesiser and cached.
//!
//! Nothing waits for them. A clip that is not there yet, or never comes, is skipped by media; why
//! is said here, in the log and in `crosspoint_prompts_failed_total`. Of the cache those go that
//! were not used for the longest, when there are too many; whoever wants them has them spoken anew.

use std::cmp::Reverse;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tracing::{info, warn};

use crate::audio::{ClipId, wav};
use crate::model::{Prompt, PromptSource};

/// Texts in the cache, however short they are.
const TEXTS_MAX: usize = 10_000;

/// How texts are spoken.
#[derive(Clone, Debug)]
pub struct Speaker {
    /// Programs to try, in order: `flite`, `espeak-ng`, or a path. `{voice}`, `{file}` and
    /// `{text}` in the arguments are filled in.
    pub programs: Vec<Vec<String>>,
    /// The voice of texts that name none; empty is the program's own.
    pub voice: String,
    /// How long speaking one text may take.
    pub limit: Duration,
    /// Where spoken texts are kept, by content.
    pub cache: PathBuf,
    /// How many bytes of them.
    pub cache_bytes: u64,
    /// Where uploaded messages are kept, by name.
    pub uploads: PathBuf,
}

impl Speaker {
    /// The two synthesisers that Debian has.
    pub fn programs() -> Vec<Vec<String>> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        vec![
            words("flite -voice {voice} -t {text} -o {file}"),
            words("espeak-ng -v {voice} -w {file} -- {text}"),
        ]
    }
}

/// Loads every prompt and hands it to `ready`; returns how many could not be loaded.
pub fn load(
    prompts: &[Prompt],
    speaker: &Speaker,
    mut ready: impl FnMut(ClipId, Arc<[i16]>),
) -> usize {
    let mut failed = 0;
    for prompt in prompts {
        match samples(prompt, speaker) {
            Ok(samples) => ready(prompt.clip, samples),
            Err(why) => {
                failed += 1;
                metrics::counter!("crosspoint_prompts_failed_total").increment(1);
                warn!(prompt = ?prompt.made_from, %why, "a prompt cannot be played, it will be skipped");
            }
        }
    }
    info!(prompts = prompts.len() - failed, failed, "prompts loaded");
    failed
}

fn samples(prompt: &Prompt, speaker: &Speaker) -> Result<Arc<[i16]>, String> {
    let bytes = match &prompt.made_from {
        PromptSource::File(path) => fs::read(&**path).map_err(|it| format!("{path}: {it}"))?,
        PromptSource::Text { text, voice } => speak_text(text, voice, speaker)?,
        PromptSource::Uploaded(name) => {
            let path = speaker.uploads.join(format!("{name}.wav"));
            fs::read(&path).map_err(|it| format!("{}: {it}", path.display()))?
        }
    };
    wav::decode(&bytes).map_err(|it| it.to_string())
}

/// The WAV of a text, spoken by this voice (empty: the usual one): from the cache, or by the first
/// synthesiser that manages, which may take a while.
pub fn speak_text(text: &str, voice: &str, speaker: &Speaker) -> Result<Vec<u8>, String> {
    let voice = if voice.is_empty() { speaker.voice.as_str() } else { voice };
    let cached = speaker.cache.join(format!("{:016x}.wav", key(text, voice, speaker).0));
    if let Ok(bytes) = fs::read(&cached)
        && wav::decode(&bytes).is_ok()
    {
        used(&cached);
        return Ok(bytes);
    }
    fs::create_dir_all(&speaker.cache)
        .map_err(|it| format!("{}: {it}", speaker.cache.display()))?;
    // The same text may be wanted twice at once: each writes a file of its own.
    static TURNS: AtomicU64 = AtomicU64::new(0);
    let turn = TURNS.fetch_add(1, Ordering::Relaxed);
    let beside = cached.with_extension(format!("{turn}.new.wav"));
    let spoken = spoken(text, voice, &beside, speaker);
    let kept = match &spoken {
        Ok(_) => fs::rename(&beside, &cached).and_then(|()| sweep(speaker, &cached)),
        Err(_) => {
            drop(fs::remove_file(&beside));
            Ok(())
        }
    };
    if let Err(error) = kept {
        warn!(%error, "a spoken text could not be cached");
    }
    spoken
}

/// What a text is cached as: another voice, or another program, says it anew.
fn key(text: &str, voice: &str, speaker: &Speaker) -> ClipId {
    let programs: Vec<&str> = speaker.programs.iter().flatten().map(String::as_str).collect();
    Prompt::text(text, &format!("{voice}\n{}", programs.join(" "))).clip
}

/// Has the first synthesiser that manages speak into this file.
fn spoken(text: &str, voice: &str, file: &Path, speaker: &Speaker) -> Result<Vec<u8>, String> {
    let mut why = String::from("no synthesiser is configured");
    for program in &speaker.programs {
        match speak(program, text, voice, file, speaker.limit).and_then(|()| fs::read(file)) {
            Ok(bytes) if wav::decode(&bytes).is_ok() => return Ok(bytes),
            Ok(_) => why = format!("{} made no usable WAV", program.first().map_or("", |it| it)),
            Err(error) => {
                why = format!("{}: {error}", program.first().map_or("", |it| it));
            }
        }
    }
    Err(why)
}

/// Notes when it was used, where a sweep looks for it.
fn used(cached: &Path) {
    let touched = fs::File::options().append(true).open(cached);
    if let Err(error) = touched.and_then(|it| it.set_modified(today())) {
        warn!(%error, "when a spoken text was used could not be noted");
    }
}

/// Lets those go that were not used for the longest, until the rest is no more than may be kept.
fn sweep(speaker: &Speaker, made: &Path) -> io::Result<()> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(&speaker.cache)? {
        let entry = entry?;
        let Ok(about) = entry.metadata() else { continue };
        if about.is_file() && entry.file_name().to_str().is_some_and(is_cached) {
            texts.push((Reverse(about.modified()?), about.len(), entry.path()));
        }
    }
    texts.sort();
    let mut bytes = 0;
    for (at, (_, length, path)) in texts.iter().enumerate() {
        bytes += length;
        if (speaker.cache_bytes < bytes || TEXTS_MAX <= at) && path != made {
            // Two may sweep at once.
            drop(fs::remove_file(path));
        }
    }
    Ok(())
}

/// A text of ours, or what a crash left of one; nothing else that lies in the folder.
fn is_cached(file: &str) -> bool {
    let hex = file.as_bytes().iter().take_while(|it| it.is_ascii_hexdigit()).count();
    hex == 16 && file[hex..].starts_with('.') && file.ends_with(".wav")
}

/// Runs one synthesiser, for so long at most. Without a voice its option is left out.
fn speak(
    program: &[String],
    text: &str,
    voice: &str,
    file: &Path,
    limit: Duration,
) -> io::Result<()> {
    let Some((name, arguments)) = program.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut arguments = arguments.to_vec();
    if voice.is_empty()
        && let Some(at) = arguments.iter().position(|it| it == "{voice}").filter(|at| 0 < *at)
    {
        arguments.drain(at - 1..=at);
    }
    let filled = arguments.iter().map(|it| match it.as_str() {
        "{text}" => text.to_owned(),
        "{voice}" => voice.to_owned(),
        "{file}" => file.display().to_string(),
        plain => plain.to_owned(),
    });
    let mut child = Command::new(name)
        .args(filled)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A program that reads the text from its arguments may close its input at once.
        drop(input.write_all(text.as_bytes()));
    }
    let give_up = now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() {
                Ok(())
            } else {
                Err(io::Error::other(status.to_string()))
            };
        }
        if give_up < now() {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        pause(Duration::from_millis(10));
    }
}

#[allow(clippy::disallowed_methods, reason = "the shell may read the clock")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "the shell may read the clock")]
fn today() -> SystemTime {
    SystemTime::now()
}

#[allow(clippy::disallowed_methods, reason = "this thread has nothing else to do")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who says two seconds of silence, whatever is written; counted in a file.
    fn speaker(name: &str) -> Speaker {
        let folder = std::env::temp_dir().join(format!("crosspoint-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("said.wav"), wav::encode(&[0; 16_000])).unwrap();
        let script = format!("echo >> {0}/count; cp {0}/said.wav \"$1\"", folder.display());
        let words = ["sh", "-c", &script, "sh", "{file}"];
        Speaker {
            programs: vec![words.map(str::to_owned).to_vec()],
            voice: String::new(),
            limit: Duration::from_secs(10),
            cache: folder.join("cache"),
            cache_bytes: 100_000,
            uploads: folder.join("uploads"),
        }
    }

    fn says(speaker: &Speaker, text: &str) {
        assert_eq!(speak_text(text, "", speaker).unwrap().len(), 32_044);
    }

    /// How often anything was spoken, and not taken from the cache.
    fn spoken_so_far(speaker: &Speaker) -> usize {
        let count = speaker.cache.with_file_name("count");
        fs::read_to_string(count).unwrap_or_default().lines().count()
    }

    fn cached(speaker: &Speaker) -> usize {
        fs::read_dir(&speaker.cache).unwrap().count()
    }

    /// So that what is used afterwards was used later, however coarse the clock of files is.
    fn a_day_goes_by(speaker: &Speaker) {
        for entry in fs::read_dir(&speaker.cache).unwrap() {
            let file = fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
            let was = file.metadata().unwrap().modified().unwrap();
            file.set_modified(was - Duration::from_secs(86_400)).unwrap();
        }
    }

    #[test]
    fn of_spoken_texts_those_that_were_used_last_are_kept() {
        let speaker = speaker("sweep");
        for text in ["one", "two", "three"] {
            says(&speaker, text);
            a_day_goes_by(&speaker);
        }
        assert_eq!((spoken_so_far(&speaker), cached(&speaker)), (3, 3), "96 of 100 kB");
        says(&speaker, "one");
        assert_eq!(spoken_so_far(&speaker), 3, "it was there");
        a_day_goes_by(&speaker);
        says(&speaker, "four");
        assert_eq!((spoken_so_far(&speaker), cached(&speaker)), (4, 3));
        for kept in ["one", "three", "four"] {
            says(&speaker, kept);
        }
        assert_eq!(spoken_so_far(&speaker), 4, "two was not used for the longest");
        says(&speaker, "two");
        assert_eq!((spoken_so_far(&speaker), cached(&speaker)), (5, 3));
        fs::remove_dir_all(speaker.cache.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_sweep_takes_what_a_crash_left_and_nothing_of_others() {
        let speaker = Speaker { cache_bytes: 1, ..speaker("left") };
        fs::create_dir_all(&speaker.cache).unwrap();
        for file in ["0123456789abcdef.7.new.wav", "0123456789abcdef.wav", "hold-music.wav"] {
            fs::write(speaker.cache.join(file), b"RIFF").unwrap();
        }
        a_day_goes_by(&speaker);
        says(&speaker, "one");
        assert_eq!(cached(&speaker), 2, "the text itself stays, whatever its size");
        assert!(speaker.cache.join("hold-music.wav").exists());
        fs::remove_dir_all(speaker.cache.parent().unwrap()).unwrap();
    }

    #[test]
    fn what_is_broken_in_the_cache_and_what_another_voice_said_is_spoken_anew() {
        let speaker = speaker("anew");
        says(&speaker, "one");
        let file = fs::read_dir(&speaker.cache).unwrap().next().unwrap().unwrap().path();
        fs::write(&file, b"RIFF").unwrap();
        says(&speaker, "one");
        assert_eq!(spoken_so_far(&speaker), 2);
        says(&Speaker { voice: "slt".to_owned(), ..speaker.clone() }, "one");
        assert_eq!(spoken_so_far(&speaker), 3);
        says(&speaker, "one");
        assert_eq!(spoken_so_far(&speaker), 3);
        fs::remove_dir_all(speaker.cache.parent().unwrap()).unwrap();
    }
}
