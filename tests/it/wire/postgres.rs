//! A real PostgreSQL of a test's own, on a socket in a folder.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Running until dropped.
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
}

impl Postgres {
    /// `None`, and a loud word, where there is none to run.
    pub fn start(name: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("\n*** NOT TESTED: PostgreSQL; tests/install-peers installs it\n");
            return None;
        };
        let folder = format!("crosspoint-postgres-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let it = Self { folder, programs };
        if is_root() {
            // It does not run as root.
            let told = Command::new("chown").arg("postgres").arg(&it.folder).status();
            assert!(told.is_ok_and(|it| it.success()), "there is no user postgres");
        }
        it.run("initdb", &["-D", "data", "-U", "crosspoint", "-A", "trust", "-E", "UTF8"]);
        let settings = format!(
            "listen_addresses = ''\nfsync = off\nunix_socket_directories = '{}'\n",
            it.folder.display()
        );
        fs::write(it.folder.join("data/postgresql.auto.conf"), settings).unwrap();
        it.begin();
        it.run("createdb", &["-h", it.socket(), "-U", "crosspoint", "crosspoint"]);
        Some(it)
    }

    pub fn begin(&self) {
        self.run("pg_ctl", &["-D", "data", "-l", "log", "-w", "-t", "60", "start"]);
    }

    pub fn end(&self) {
        self.run("pg_ctl", &["-D", "data", "-w", "-m", "fast", "stop"]);
    }

    /// As `[store] database` has it.
    pub fn url(&self) -> String {
        format!("postgres://crosspoint@{}/crosspoint", self.socket().replace('/', "%2F"))
    }

    fn socket(&self) -> &str {
        self.folder.to_str().unwrap()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let told = self.command(program).args(arguments).output().unwrap();
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(told.status.success(), "{program} {arguments:?}: {told:?}\n{log}");
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
                    .arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir(&self.folder).env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stop = ["-D", "data", "-w", "-m", "immediate", "stop"];
        drop(self.command("pg_ctl").args(stop).output());
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Where the newest PostgreSQL of Debian is.
fn programs() -> Option<PathBuf> {
    let found = fs::read_dir(Path::new("/usr/lib/postgresql")).ok()?;
    let mut them: Vec<_> = found.flatten().map(|it| it.path().join("bin")).collect();
    them.sort();
    them.into_iter().rev().find(|it| it.join("initdb").exists())
}
