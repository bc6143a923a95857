//! Prompts on their way into memory: WAV files read, texts spoken by a synthesiser and cached.
//!
//! Nothing waits for them. A clip that is not there yet, or never comes, is skipped by media; why
//! is said here, in the log and in `crosspoint_prompts_failed_total`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::audio::{ClipId, wav};
use crate::model::{Prompt, PromptSource};

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
        PromptSource::Text { text, voice } => spoken(prompt.clip, text, voice, speaker)?,
        PromptSource::Uploaded(name) => {
            let path = speaker.uploads.join(format!("{name}.wav"));
            fs::read(&path).map_err(|it| format!("{}: {it}", path.display()))?
        }
    };
    wav::decode(&bytes).map_err(|it| it.to_string())
}

/// The WAV of a text, spoken by this voice (empty: the usual one). It may take a while.
pub fn speak_text(text: &str, voice: &str, speaker: &Speaker) -> Result<Vec<u8>, String> {
    spoken(Prompt::text(text, voice).clip, text, voice, speaker)
}

/// The WAV of a text: from the cache, or by the first synthesiser that manages.
fn spoken(clip: ClipId, text: &str, voice: &str, speaker: &Speaker) -> Result<Vec<u8>, String> {
    let voice = if voice.is_empty() { speaker.voice.as_str() } else { voice };
    let cached = speaker.cache.join(format!("{:016x}.wav", clip.0));
    if let Ok(bytes) = fs::read(&cached) {
        return Ok(bytes);
    }
    fs::create_dir_all(&speaker.cache)
        .map_err(|it| format!("{}: {it}", speaker.cache.display()))?;
    let mut why = String::from("no synthesiser is configured");
    for program in &speaker.programs {
        let beside = cached.with_extension("new.wav");
        match speak(program, text, voice, &beside, speaker.limit).and_then(|()| fs::read(&beside)) {
            Ok(bytes) if wav::decode(&bytes).is_ok() => {
                if let Err(error) = fs::rename(&beside, &cached) {
                    warn!(%error, "a spoken text could not be cached");
                }
                return Ok(bytes);
            }
            Ok(_) => why = format!("{} made no usable WAV", program.first().map_or("", |it| it)),
            Err(error) => {
                why = format!("{}: {error}", program.first().map_or("", |it| it));
            }
        }
    }
    Err(why)
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

#[allow(clippy::disallowed_methods, reason = "this thread has nothing else to do")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
