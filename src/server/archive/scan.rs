//! What does not fit together: files that no row knows, rows whose file is gone. They are told of;
//! nothing is deleted, for nobody can say whose fault it is.

use std::time::Duration;

use super::folder::{Entry, Folder};
use super::tend::{Tending, blocking};
use crate::api::recordings::Scan;
use crate::archive::StoredRecording;
use crate::clock::Wall;
use crate::store::database::{RecordingSearch, RecordingState};

/// Files and rows that are looked at together.
const TOGETHER: usize = 500;
/// The journal may be behind with what is younger.
const YOUNG: Duration = Duration::from_secs(86_400);
/// Names that are told.
const NAMED: usize = 20;

/// Compares the folder with the rows of this edge.
pub async fn scan(tending: &Tending, node: &str) -> Result<Scan, String> {
    let now = (tending.clock)().wall;
    let before = Wall::from_unix_micros(now.unix_micros() - YOUNG.as_micros() as i64);
    let mut scan = Scan { at: now, ..Scan::default() };
    files(tending, before, &mut scan).await?;
    rows(tending, node, before, &mut scan).await?;
    let others = tending.store.untended_recordings(node, before).await;
    scan.untended = others.map_err(|it| it.to_string())?;
    Ok(scan)
}

async fn files(tending: &Tending, before: Wall, scan: &mut Scan) -> Result<(), String> {
    let folder = tending.folder.clone();
    let opened = blocking(move || folder.open()).await.map_err(|it| it.to_string())?;
    let Some(mut dir) = opened else { return Ok(()) };
    loop {
        let read = move || Folder::more(&mut dir, TOGETHER).map(|files| (files, dir));
        let (files, rest) = blocking(read).await.map_err(|it| it.to_string())?;
        if files.is_empty() {
            return Ok(());
        }
        dir = rest;
        let old: Vec<Entry> = files.into_iter().filter(|it| it.written < before).collect();
        let names: Vec<_> = old.iter().map(|it| Folder::recording(&it.name).to_owned()).collect();
        let known = tending.store.known_recordings(&names).await.map_err(|it| it.to_string())?;
        for it in old.iter().filter(|it| !known.iter().any(|n| n == Folder::recording(&it.name))) {
            scan.unknown_files += 1;
            scan.unknown_bytes += it.bytes;
            if scan.unknown.len() < NAMED {
                scan.unknown.push(it.name.clone());
            }
        }
    }
}

async fn rows(tending: &Tending, node: &str, before: Wall, scan: &mut Scan) -> Result<(), String> {
    let mut after = None;
    loop {
        let search = RecordingSearch {
            state: Some(RecordingState::Local),
            started_before: Some(before),
            after,
            limit: TOGETHER as u32,
            ..RecordingSearch::default()
        };
        let rows = tending.store.recordings(&search).await.map_err(|it| it.to_string())?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some((last.started_at, last.file.clone()));
        let ours = |it: &StoredRecording| &*it.node == node && it.leaving.is_none();
        let ours: Vec<_> = rows.into_iter().filter(ours).map(|it| it.file).collect();
        let folder = tending.folder.clone();
        let look = move || {
            let gone = |file: &str| {
                let any = |names: [String; 4]| -> std::io::Result<bool> {
                    for name in &names {
                        if folder.bytes(name)?.is_some() {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                };
                any(Folder::names(file)).map(|it| !it)
            };
            let mut missing = Vec::new();
            for file in ours {
                if gone(&file)? {
                    missing.push(file.to_string());
                }
            }
            Ok(missing)
        };
        let mut missing = blocking(look).await.map_err(|it| it.to_string())?;
        for at in (0..missing.len()).rev() {
            // It may have gone where it should while it was looked for.
            let Some(file) = missing.get(at) else { continue };
            let now = tending.store.recording(file).await.map_err(|it| it.to_string())?;
            if now.is_none_or(|it| it.state != RecordingState::Local || it.is_gone()) {
                missing.remove(at);
            }
        }
        scan.missing_files += missing.len() as u64;
        let room = NAMED.saturating_sub(scan.missing.len());
        scan.missing.extend(missing.into_iter().take(room));
    }
}
