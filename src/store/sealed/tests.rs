//! What is sealed is opened by whom it is meant for, as it was, or not at all.

use super::*;

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("crosspoint-sealed-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Somebody with an identity of their own.
    fn somebody(&self, name: &str) -> (Identity, Recipient) {
        let path = self.0.join(name);
        let recipient = Identity::keep_new(&path).unwrap();
        (Identity::from_file(&path).unwrap(), recipient)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn sound(length: usize) -> Vec<u8> {
    (0..length).map(|it| (it * 7 % 251) as u8).collect()
}

fn heard(identity: &Identity, sealed: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    identity.open(sealed)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn only(recipient: Recipient) -> Recipients {
    Recipients::new(vec![recipient]).unwrap()
}

#[test]
fn what_is_sealed_is_opened_as_it_was() {
    let folder = Folder::new("whole");
    let (ann, for_ann) = folder.somebody("ann");
    for length in [0, 1, 58, 65_535, 65_536, 65_537, 131_072, 300_001] {
        let bytes = sound(length);
        let plain = folder.file("a.wav", &bytes);
        let sealed = sealed_name(&plain);
        let told = only(for_ann.clone()).seal(&plain, &sealed, None).unwrap();
        assert_eq!(told, fs::metadata(&sealed).unwrap().len());
        assert!(plain.exists(), "sealing alone removes nothing");
        let opened = ann.open(&sealed).unwrap();
        assert_eq!(opened.length(), length as u64);
        assert!(heard(&ann, &sealed).unwrap() == bytes, "{length}");
        let kept = fs::read(&sealed).unwrap();
        let found = bytes.len() > 58 && memchr::memmem::find(&kept, &bytes[..58]).is_some();
        assert!(!found, "the sound can be read");
    }
    assert_eq!(folder.names(), ["a.wav", "a.wav.age", "ann"]);
}

#[test]
fn any_part_is_read_alone() {
    let folder = Folder::new("parts");
    let (ann, for_ann) = folder.somebody("ann");
    let bytes = sound(200_000);
    let plain = folder.file("a.wav", &bytes);
    let sealed = sealed_name(&plain);
    only(for_ann).seal(&plain, &sealed, None).unwrap();
    let mut opened = ann.open(&sealed).unwrap();
    for part in [0..10, 199_990..200_000, 65_530..65_550, 131_072..131_073, 5..70_000, 0..200_000] {
        opened.seek(SeekFrom::Start(part.start)).unwrap();
        let (from, to) = (part.start as usize, part.end as usize);
        let mut got = vec![0; to - from];
        opened.read_exact(&mut got).unwrap();
        assert!(got == bytes[from..to], "{part:?}");
    }
    assert_eq!(opened.seek(SeekFrom::End(-3)).unwrap(), 199_997);
    assert_eq!(opened.seek(SeekFrom::Current(1)).unwrap(), 199_998);
    assert_eq!(opened.seek(SeekFrom::Start(900_000)).unwrap(), 200_000, "not beyond the end");
    assert_eq!(opened.read(&mut [0; 8]).unwrap(), 0);
    assert!(opened.seek(SeekFrom::End(-200_001)).is_err());
    // In a piece that is at hand already.
    opened.seek(SeekFrom::Start(199_000)).unwrap();
    opened.read_exact(&mut [0; 10]).unwrap();
    opened.seek(SeekFrom::Start(u64::MAX)).unwrap();
    assert_eq!(opened.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn each_of_several_recipients_opens_it_and_nobody_else_does() {
    let folder = Folder::new("several");
    let ((ann, for_ann), (bob, for_bob)) = (folder.somebody("ann"), folder.somebody("bob"));
    let (eve, _) = folder.somebody("eve");
    let plain = folder.file("a.wav", &sound(1000));
    let sealed = sealed_name(&plain);
    let both = Recipients::read(&[for_ann.to_string(), for_bob.to_string()]).unwrap();
    both.seal(&plain, &sealed, None).unwrap();
    assert!(heard(&ann, &sealed).unwrap() == sound(1000));
    assert!(heard(&bob, &sealed).unwrap() == sound(1000));
    let refused = heard(&eve, &sealed).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    assert!(refused.to_string().contains("somebody else"), "{refused}");
    // A file with several identities opens what is for any of them.
    let [a, b] = ["eve", "bob"].map(|it| fs::read_to_string(folder.0.join(it)).unwrap());
    let several = Identity::from_text(&format!("{a}\n# the other\r\n{b}")).unwrap();
    assert!(heard(&several, &sealed).unwrap() == sound(1000));
    assert_eq!(several.recipients().nth(1), Some(for_bob));
}

#[test]
fn a_bit_that_was_flipped_anywhere_is_an_error() {
    let folder = Folder::new("bits");
    let (ann, for_ann) = folder.somebody("ann");
    let plain = folder.file("a.wav", &sound(120));
    let sealed = sealed_name(&plain);
    only(for_ann).seal(&plain, &sealed, None).unwrap();
    let good = fs::read(&sealed).unwrap();
    for at in 0..good.len() {
        let mut bent = good.clone();
        bent[at] ^= 1 << (at % 8);
        fs::write(&sealed, &bent).unwrap();
        let refused = heard(&ann, &sealed).expect_err(&format!("byte {at} of {}", good.len()));
        let told = [io::ErrorKind::InvalidData, io::ErrorKind::PermissionDenied];
        assert!(told.contains(&refused.kind()), "{at}: {refused:?}");
    }
    fs::write(&sealed, &good).unwrap();
    assert!(heard(&ann, &sealed).unwrap() == sound(120));
}

/// Pieces are of 64 KiB and 16 bytes; the head is what is before the first.
#[test]
fn what_was_cut_lengthened_or_put_together_anew_is_an_error() {
    const PIECE: usize = (64 << 10) + 16;
    let folder = Folder::new("cut");
    let (ann, for_ann) = folder.somebody("ann");
    let plain = folder.file("a.wav", &sound(3 * (64 << 10) + 500));
    let sealed = sealed_name(&plain);
    only(for_ann).seal(&plain, &sealed, None).unwrap();
    let good = fs::read(&sealed).unwrap();
    let head = good.len() - 3 * PIECE - 516;
    let piece = |it: usize| &good[head + it * PIECE..(head + (it + 1) * PIECE).min(good.len())];
    let wrong = [
        ("nothing", Vec::new()),
        ("the head alone", good[..head].to_vec()),
        ("half a head", good[..head / 2].to_vec()),
        ("one byte less", good[..good.len() - 1].to_vec()),
        ("a piece less", good[..good.len() - 516].to_vec()),
        ("one piece only", good[..head + PIECE].to_vec()),
        ("half a piece", good[..head + PIECE / 2].to_vec()),
        ("one byte more", [&good[..], &[0]].concat()),
        ("itself twice", [&good[..], &good[..]].concat()),
        ("the last piece twice", [&good[..], piece(3)].concat()),
        ("two pieces exchanged", [&good[..head], piece(1), piece(0), piece(2), piece(3)].concat()),
        ("one left out", [&good[..head], piece(0), piece(2), piece(3)].concat()),
    ];
    for (what, bytes) in wrong {
        fs::write(&sealed, bytes).unwrap();
        let refused = heard(&ann, &sealed).expect_err(what);
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{what}: {refused}");
    }
    // What stands before a piece that was changed is heard, but nothing from there on.
    let mut bent = good.clone();
    bent[head + PIECE + 100] ^= 1;
    fs::write(&sealed, bent).unwrap();
    let mut opened = ann.open(&sealed).unwrap();
    let mut heard = Vec::new();
    let refused = opened.read_to_end(&mut heard).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    assert!(heard == sound(3 * (64 << 10) + 500)[..64 << 10]);
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_no_shorter_sound() {
    let folder = Folder::new("shrinks");
    let (ann, for_ann) = folder.somebody("ann");
    let plain = folder.file("a.wav", &sound(500_000));
    let sealed = sealed_name(&plain);
    only(for_ann).seal(&plain, &sealed, None).unwrap();
    let mut opened = ann.open(&sealed).unwrap();
    opened.read_exact(&mut [0; 1000]).unwrap();
    OpenOptions::new().write(true).open(&sealed).unwrap().set_len(200_000).unwrap();
    assert!(opened.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn a_head_without_end_is_not_read_for_ever() {
    let folder = Folder::new("head");
    let (ann, _) = folder.somebody("ann");
    let mut bytes = b"age-encryption.org/v1\n".to_vec();
    bytes.extend(b"-> X25519 AAAA\nAAAA\n".repeat(50_000));
    for (what, bytes) in [
        ("a long head", bytes),
        ("another version", b"age-encryption.org/v2\n---\n".to_vec()),
        ("a recording", sound(1000)),
        ("armour", b"-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n".to_vec()),
        ("a passphrase", b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 60\n\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
            0123456789abcdef".to_vec()),
    ] {
        let path = folder.file("a.wav.age", &bytes);
        let refused = heard(&ann, &path).expect_err(what);
        let told = [io::ErrorKind::InvalidData, io::ErrorKind::PermissionDenied];
        assert!(told.contains(&refused.kind()), "{what}: {refused}");
    }
}

#[test]
fn a_file_is_replaced_and_doing_it_again_after_a_stop_is_harmless() {
    let folder = Folder::new("replace");
    let (ann, for_ann) = folder.somebody("ann");
    let recipients = only(for_ann);
    let bytes = sound(100_000);
    let plain = folder.file("a.wav", &bytes);
    // What a stop in the middle left behind, and one just before the plain file was removed.
    folder.file("a.wav.age.part", b"half of it");
    recipients.seal(&plain, &sealed_name(&plain), None).unwrap();
    let told = recipients.replace(&plain).unwrap();
    assert_eq!(folder.names(), ["a.wav.age", "ann"]);
    assert_eq!(told, fs::metadata(sealed_name(&plain)).unwrap().len());
    assert!(heard(&ann, &sealed_name(&plain)).unwrap() == bytes);
    let gone = recipients.replace(&plain).unwrap_err();
    assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    assert_eq!(folder.names(), ["a.wav.age", "ann"], "nothing is lost or left behind");
}

#[test]
fn what_cannot_be_sealed_stays_as_it_is() {
    let folder = Folder::new("stays");
    let (_, for_ann) = folder.somebody("ann");
    let plain = folder.file("a.wav", &sound(100));
    // Nothing can be written to a folder that is not there, nor to a device that is full.
    let nowhere = folder.0.join("gone/a.wav.age");
    assert!(only(for_ann.clone()).seal(&plain, &nowhere, None).is_err());
    std::os::unix::fs::symlink("/dev/full", folder.0.join("a.wav.age.part")).unwrap();
    let refused = only(for_ann).replace(&plain).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::StorageFull, "{refused}");
    assert_eq!(folder.names(), ["a.wav", "ann"]);
    assert!(fs::read(&plain).unwrap() == sound(100));
}

#[test]
fn a_recipient_that_is_none_is_told_without_saying_what_was_written() {
    let folder = Folder::new("recipients");
    let (_, good) = folder.somebody("ann");
    let secret = fs::read_to_string(folder.0.join("ann")).unwrap();
    let secret = secret.lines().last().unwrap().to_owned();
    let mut bent = good.to_string();
    bent.replace_range(20..21, if &bent[20..21] == "q" { "p" } else { "q" });
    for (text, wanted) in [
        (secret.as_str(), "secret identity"),
        (&secret.to_lowercase(), "secret identity"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH", "SSH keys"),
        (&bent, "a character of it is wrong"),
        (&good.to_string()[..61], "62 characters"),
        ("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "62"),
        ("", "no recipient"),
        ("ann@example.com", "no recipient"),
    ] {
        let told = Recipients::read(&[good.to_string(), text.to_owned()]).unwrap_err();
        assert!(told.starts_with("recipient 2: ") && told.contains(wanted), "{text}: {told}");
        assert!(text.is_empty() || !told.contains(text), "{told}");
    }
    assert!(Recipients::read(&[]).is_err());
    assert!(Recipients::read(&vec![good.to_string(); 32]).is_ok());
    assert!(Recipients::read(&vec![good.to_string(); 33]).is_err());
}

#[test]
fn a_file_that_holds_no_identity_is_told_with_its_line_only() {
    let folder = Folder::new("identities");
    let (_, recipient) = folder.somebody("ann");
    let recipient = recipient.to_string();
    for (text, wanted) in [
        ("", "there is no identity"),
        ("# nothing\n\n", "there is no identity"),
        ("# it\nAGE-SECRET-KEY-1NOTONE\n", "line 2: this is no identity"),
        (recipient.as_str(), "line 1: this is a recipient"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nx", "another kind of key"),
        ("-----BEGIN AGE ENCRYPTED FILE-----\nx", "passphrase"),
        ("age-encryption.org/v1\n-> scrypt", "passphrase"),
    ] {
        let path = folder.file("wrong", text.as_bytes());
        let told = Identity::from_file(&path).unwrap_err();
        assert!(told.contains(wanted) && told.contains("wrong"), "{text}: {told}");
        assert!(!told.contains("NOTONE"), "{told}");
    }
    let long = folder.file("wrong", &b"# long\n".repeat(10_000));
    assert!(Identity::from_file(&long).unwrap_err().contains("at most 65536 bytes"));
    let binary = folder.file("wrong", &[0xff; 100]);
    assert!(Identity::from_file(&binary).is_err());
    assert!(Identity::from_file(&folder.0.join("gone")).unwrap_err().contains("gone"));
}

#[test]
fn an_identity_is_its_owners_alone_and_none_is_written_over() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("keygen");
    let path = folder.0.join("key");
    let recipient = Identity::keep_new(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&format!("# public key: {recipient}\nAGE-SECRET-KEY-1")), "{text}");
    let again = Identity::keep_new(&path).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(format!("{:?}", Identity::from_file(&path).unwrap()), "Identity(_)");
}
