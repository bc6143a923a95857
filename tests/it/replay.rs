//! The corpora through the functions of the fuzz targets (`fuzz/src`), in the plain test run.

use std::fs;
use std::path::Path;

use super::properties;

/// Every file under a folder of the repository.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} is empty");
    found
}

/// Every prefix of a file too, a step of a few octets apart.
fn replay(folder: &str, target: fn(&[u8])) {
    replay_pieces(folder, 200, target);
}

/// About so many prefixes of every file.
fn replay_pieces(folder: &str, pieces: usize, target: fn(&[u8])) {
    for (name, bytes) in files(folder) {
        let ends = (0..bytes.len()).step_by(1 + bytes.len() / pieces).chain([bytes.len()]);
        for end in ends {
            let piece = bytes[..end].to_vec();
            let result = std::panic::catch_unwind(|| target(&piece));
            assert!(result.is_ok(), "{name}, its first {end} octets");
        }
    }
}

#[test]
fn datagrams_hold_their_properties_over_the_corpora() {
    replay("tests/corpus", properties::message);
    replay("fuzz/seeds/message", properties::message);
}

#[test]
fn streams_hold_their_properties_over_the_corpora() {
    replay("tests/corpus", properties::stream);
    replay("fuzz/seeds/message", properties::stream);
}

#[test]
fn uris_hold_their_properties_over_the_corpora() {
    replay("fuzz/seeds/uri", properties::uri);
}

#[test]
fn rsip_and_we_agree_over_the_corpora() {
    replay("tests/corpus", properties::differential);
    replay("fuzz/seeds/message", properties::differential);
}

#[test]
fn descriptions_hold_their_properties_over_the_corpora() {
    replay("fuzz/seeds/sdp", properties::sdp);
    replay("tests/corpus/rfc4475", properties::sdp);
}

#[test]
fn packets_and_reports_hold_their_properties_over_the_corpora() {
    replay("fuzz/seeds/rtp", properties::rtp);
    replay("fuzz/seeds/rtcp", properties::rtcp);
}

#[test]
fn extensions_and_configurations_hold_their_properties_over_the_corpora() {
    replay("fuzz/seeds/extension", properties::extension);
    replay("configs", properties::config);
}

#[test]
fn what_programs_say_holds_its_properties_over_the_seeds() {
    replay("fuzz/seeds/words", properties::words);
}

#[test]
fn whole_stories_hold_their_properties_over_the_seeds() {
    replay_pieces("fuzz/seeds/switch", 8, properties::switch);
}
