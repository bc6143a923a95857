//! `crosspoint directory` where no edge runs: out, and in again. `wire::sharing` has those that do.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of a test, with a configuration in it.
struct Home(PathBuf);

impl Home {
    fn new(name: &str, text: &str) -> Self {
        let folder = format!("crosspoint-directory-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("edge.toml"), text).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_crosspoint"));
        let program = program.current_dir(&self.0).arg("directory").args(words);
        program.args(["--config", "edge.toml", "--data", "kept"]).output().expect("it runs")
    }

    fn says(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn refuses(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(64), "{words:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn quickstart() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/quickstart.toml");
    // Nothing listens there, whatever else runs on this machine.
    std::fs::read_to_string(path).unwrap() + "\n[api]\nlisten = \"127.0.0.213:8060\"\n"
}

#[test]
fn a_directory_goes_out_of_the_database_and_in_again() {
    let home = Home::new("round", &quickstart());
    let out = home.says(&["export"]);
    assert!(out.contains("number = \"+15550100001\"") && !out.contains("wonderland"), "{out}");
    home.write("same.toml", &out);
    assert_eq!(home.says(&["diff", "same.toml"]), "Nothing is different.\n");
    let changed = out.replace("Spring", "Autumn") + "\n[[agent]]\nname = \"bob\"\n";
    home.write("changed.toml", &changed);
    let expected = "+ agent \"bob\"\n~ tracking_number \"+15550100001\"\n    \
                    /label: \"Spring campaign\" -> \"Autumn campaign\"\n";
    assert_eq!(home.says(&["diff", "changed.toml"]), expected);
    assert_eq!(home.says(&["export"]), out, "nothing has changed so far");
    assert_eq!(home.says(&["import", "changed.toml"]), expected);
    let now = home.says(&["export"]);
    assert!(now.contains("Autumn") && now.contains("bob"), "{now}");
    let secret = home.says(&["export", "--secrets"]);
    assert!(secret.contains("password = \"wonderland\""), "an import keeps what it does not show");
    // Written out with everything, it goes into another one that is empty.
    let other = Home::new("other", "[api]\nlisten = \"off\"\n[store]\ndirectory = \"database\"\n");
    other.write("all.toml", &secret);
    other.says(&["import", "all.toml"]);
    assert_eq!(other.says(&["export", "--secrets"]), secret);
}

#[test]
fn a_wrong_directory_is_refused_with_its_line_and_changes_nothing() {
    let home = Home::new("wrong", &quickstart());
    let before = home.says(&["export", "--secrets"]);
    home.write(
        "wrong.toml",
        "[[agent]]\nname = \"a\"\n[[agent]]\nname = \"b\"\naccount = \"gone\"\n",
    );
    let said = home.refuses(&["import", "wrong.toml"]);
    assert!(said.contains("wrong.toml:5: agent \"b\", /account: there is no account"), "{said}");
    home.write("shell.toml", "[sip]\nrealm = \"x\"\n");
    let said = home.refuses(&["import", "shell.toml"]);
    assert!(said.contains("it stays in the file of the edge"), "{said}");
    assert_eq!(home.says(&["export", "--secrets"]), before);
}

#[test]
fn a_directory_in_a_file_is_exported_and_compared_but_not_changed() {
    let text = quickstart().replace("directory = \"database\"", "directory = \"file\"");
    let home = Home::new("file", &text);
    let out = home.says(&["export"]);
    assert!(out.contains("+15550100001"));
    home.write("new.toml", &out.replace("Spring", "Autumn"));
    assert!(home.says(&["diff", "new.toml"]).contains("/label"));
    let said = home.refuses(&["import", "new.toml"]);
    assert!(said.contains("stands in the configuration file"), "{said}");
}
