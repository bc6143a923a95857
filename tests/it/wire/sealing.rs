//! Sealed recordings between this program and `age` itself, which must agree on all of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use crosspoint::store::sealed::Recipients;

/// A folder of a test's own, and what is run in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("crosspoint-sealing-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn run(&self, program: &str, arguments: &str) -> Output {
        let output =
            Command::new(program).args(arguments.split_whitespace()).current_dir(&self.0).output();
        output.unwrap_or_else(|it| panic!("{program}: {it} (make peers installs it)"))
    }

    fn age(&self, arguments: &str) -> Output {
        let output = self.run("age", arguments);
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// `crosspoint recording ..`: its exit code, and what it says.
    fn ours(&self, arguments: &str) -> (i32, Vec<u8>, String) {
        let output = self.run(env!("CARGO_BIN_EXE_crosspoint"), &format!("recording {arguments}"));
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), output.stdout, told)
    }

    /// Makes an identity with our program: whom to seal for.
    fn keygen(&self, name: &str) -> String {
        let (code, said, told) = self.ours(&format!("keygen {name}"));
        assert_eq!(code, 0, "{told}");
        assert!(told.contains("recipients = [\"age1"), "{told}");
        String::from_utf8(said).unwrap().trim().to_owned()
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap_or_else(|it| panic!("{name}: {it}"))
    }

    fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
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

#[test]
fn age_opens_what_we_seal_and_we_open_what_age_seals() {
    let folder = Folder::new("interop");
    let ours = folder.keygen("ours.key");
    let made = folder.run("age-keygen", "-o theirs.key");
    assert!(made.status.success(), "{made:?}");
    let theirs = folder.run("age-keygen", "-y theirs.key").stdout;
    let theirs = String::from_utf8(theirs).unwrap().trim().to_owned();
    let told = folder.run("age-keygen", "-y ours.key").stdout;
    assert_eq!(String::from_utf8(told).unwrap().trim(), ours, "our file is one of theirs");
    for length in [0, 58, 64 << 10, 128 << 10, 200_003] {
        let bytes = sound(length);
        folder.put("a.wav", &bytes);
        let both = Recipients::read(&[ours.clone(), theirs.clone()]).unwrap();
        both.seal(&folder.0.join("a.wav"), &folder.0.join("a.wav.age"), None).unwrap();
        for key in ["ours.key", "theirs.key"] {
            let opened = folder.age(&format!("-d -i {key} a.wav.age")).stdout;
            assert!(opened == bytes, "{length} bytes of ours by age with {key}");
        }
        folder.age(&format!("-r {theirs} -r {ours} -o b.wav.age a.wav"));
        for key in ["ours.key", "theirs.key"] {
            let (code, opened, told) = folder.ours(&format!("decrypt -i {key} -o - b.wav.age"));
            assert_eq!(code, 0, "{told}");
            assert!(opened == bytes, "{length} bytes of theirs by us with {key}");
        }
        fs::remove_file(folder.0.join("b.wav.age")).unwrap();
    }
}

#[test]
fn recordings_are_opened_beside_or_elsewhere_and_nothing_is_written_over() {
    let folder = Folder::new("decrypt");
    let recipient = folder.keygen("key");
    let seal = Recipients::read(&[recipient]).unwrap();
    for name in ["a.wav", "b.wav"] {
        folder.put(name, &sound(100_000));
        seal.replace(&folder.0.join(name)).unwrap();
    }
    let (code, said, told) = folder.ours("decrypt a.wav.age b.wav.age --identity key");
    assert_eq!((code, String::from_utf8(said).unwrap().as_str()), (0, "a.wav\nb.wav\n"), "{told}");
    assert!(folder.read("a.wav") == sound(100_000) && folder.read("b.wav") == sound(100_000));
    assert!(folder.has("a.wav.age"), "the sealed one stays");
    let mode = fs::metadata(folder.0.join("a.wav")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "what was opened is for who opened it");
    let (code, _, told) = folder.ours("decrypt a.wav.age --identity key");
    assert_eq!(code, 1);
    assert!(told.contains("a.wav is there already"), "{told}");
    let (code, said, _) = folder.ours("decrypt a.wav.age -i key -o new/heard");
    assert_eq!((code, String::from_utf8(said).unwrap().as_str()), (0, "new/heard/a.wav\n"));
    assert!(folder.read("new/heard/a.wav") == sound(100_000));
    // One that is damaged keeps nobody from the others, and leaves nothing behind.
    let mut bent = folder.read("b.wav.age");
    let middle = bent.len() / 2;
    bent[middle] ^= 1;
    folder.put("bent.wav.age", &bent);
    folder.put("plain.wav", &sound(10));
    let (code, said, told) =
        folder.ours("decrypt bent.wav.age gone.wav.age plain.wav b.wav.age -i key -o more");
    assert_eq!((code, String::from_utf8(said).unwrap().as_str()), (1, "more/b.wav\n"));
    assert!(told.contains("bent.wav.age: it was changed, or is damaged"), "{told}");
    assert!(told.contains("gone.wav.age: No such file"), "{told}");
    assert!(told.contains("plain.wav: its name does not end with .age"), "{told}");
    assert!(told.contains("3 of 4 could not be opened"), "{told}");
    assert_eq!(fs::read_dir(folder.0.join("more")).unwrap().count(), 1);
    // Nothing of it is heard before all of it was seen.
    let (code, said, _) = folder.ours("decrypt bent.wav.age -i key -o -");
    assert_eq!((code, said.len()), (1, 0));
}

#[test]
fn a_secret_that_does_not_fit_is_told_with_the_code_of_its_kind() {
    let folder = Folder::new("codes");
    let recipient = folder.keygen("key");
    folder.keygen("other");
    folder.put("a.wav", &sound(1000));
    Recipients::read(std::slice::from_ref(&recipient))
        .unwrap()
        .replace(&folder.0.join("a.wav"))
        .unwrap();
    let (code, said, told) = folder.ours("decrypt a.wav.age -i other");
    assert_eq!((code, said.len()), (1, 0));
    assert!(told.contains("sealed for somebody else"), "{told}");
    folder.put("wrong", recipient.as_bytes());
    for (arguments, wanted) in [
        ("decrypt a.wav.age -i wrong", "this is a recipient, which can only seal"),
        ("decrypt a.wav.age -i gone", "gone: No such file"),
        ("decrypt a.wav.age a.wav.age -i key -o -", "one recording at a time"),
        ("keygen key", "key is there already, and stays as it is"),
    ] {
        let (code, _, told) = folder.ours(arguments);
        assert_eq!(code, 64, "{arguments}: {told}");
        assert!(told.contains(wanted), "{told}");
    }
    assert_eq!(folder.ours("keygen nowhere/key").0, 1);
    let (code, said, _) = folder.ours("--help");
    let said = String::from_utf8(said).unwrap();
    assert!(code == 0 && said.contains("From the beginning:") && said.contains("Exit codes"));
    let (_, said, _) = folder.ours("decrypt --help");
    assert!(String::from_utf8(said).unwrap().contains("age -d -i KEYFILE FILE"));
}
