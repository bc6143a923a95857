//! A real PostgreSQL of this test's own, on a socket in a folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::world::{Folder, at, batch, call, fact};
use super::{NAMES, conforms, turn};
use crate::store::database::{Edit, Expected, Settings, Shared, StoreError, open};

/// Running until dropped.
pub struct Server {
    folder: Folder,
    programs: PathBuf,
}

impl Server {
    /// `None`, and a loud word, where there is no PostgreSQL to run.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("\n*** NOT TESTED: PostgreSQL; tests/install-peers installs it\n");
            return None;
        };
        let server = Self { folder: Folder::new(), programs };
        if is_root() {
            // It does not run as root.
            let told = Command::new("chown").arg("postgres").arg(server.folder.path()).status();
            assert!(told.is_ok_and(|it| it.success()), "there is no user postgres");
        }
        server.run("initdb", &["-D", "data", "-U", "crosspoint", "-A", "trust", "-E", "UTF8"]);
        server.set_up();
        server.begin();
        Some(server)
    }

    fn set_up(&self) {
        let settings = "listen_addresses = ''\nfsync = off\nmax_connections = 30\n";
        let settings = format!("{settings}unix_socket_directories = '{}'\n", self.path().display());
        let file = self.path().join("data/postgresql.auto.conf");
        std::fs::write(file, settings).unwrap();
    }

    pub fn begin(&self) {
        self.run("pg_ctl", &["-D", "data", "-l", "log", "-w", "-t", "60", "start"]);
    }

    pub fn end(&self) {
        self.run("pg_ctl", &["-D", "data", "-w", "-m", "fast", "stop"]);
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let told = self.command(program).args(arguments).output().unwrap();
        let log = std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
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
        command.current_dir(self.path()).env("LC_ALL", "C.UTF-8");
        command
    }

    /// One more database, in a collation that sorts as people do: the store must not mind.
    pub fn database(&self, name: &str) -> Shared {
        let socket = self.path().to_str().unwrap();
        self.run("createdb", &["-h", socket, "-U", "crosspoint", name]);
        self.store(name)
    }

    /// Says something to a database, past the store.
    fn says(&self, name: &str, sql: &str) {
        let socket = self.path().to_str().unwrap();
        let stop = "ON_ERROR_STOP=1";
        self.run("psql", &["-h", socket, "-U", "crosspoint", "-d", name, "-v", stop, "-c", sql]);
    }

    pub fn store(&self, name: &str) -> Shared {
        let socket = self.path().to_str().unwrap().replace('/', "%2F");
        let url = format!("postgres://crosspoint@{socket}/{name}");
        open(&Settings { url: Some(url), file: PathBuf::new() }).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop = ["-D", "data", "-w", "-m", "immediate", "stop"];
        drop(self.command("pg_ctl").args(stop).output());
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}

/// Where the newest PostgreSQL of Debian is.
fn programs() -> Option<PathBuf> {
    let found = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut them: Vec<_> = found.flatten().map(|it| it.path().join("bin")).collect();
    them.sort();
    them.into_iter().rev().find(|it| it.join("initdb").exists())
}

#[test]
fn postgresql_holds_to_all_of_it() {
    let Some(server) = Server::start() else { return };
    for (number, name) in NAMES.iter().enumerate() {
        println!("{name}");
        turn(async {
            let store = server.database(&format!("test_{number}"));
            conforms(name, store.as_ref()).await;
        });
    }
}

#[test]
fn a_postgresql_that_goes_away_is_found_again() {
    let Some(server) = Server::start() else { return };
    turn(async {
        let store = server.database("gone");
        store.ingest(&batch(vec![call("a", 1, serde_json::json!({}))], vec![])).await.unwrap();
        server.end();
        let told = store.documents().await;
        assert!(matches!(told, Err(StoreError::Unavailable(_) | StoreError::Busy)), "{told:?}");
        // One that was never there at the start is no other.
        let late = server.store("gone");
        let told = late.record("a").await;
        assert!(matches!(told, Err(StoreError::Unavailable(_) | StoreError::Busy)), "{told:?}");
        server.begin();
        assert!(late.record("a").await.unwrap().is_some());
        assert!(store.record("a").await.unwrap().is_some());
        let told = store.backup(Path::new("/nowhere")).await;
        assert!(matches!(told, Err(StoreError::Refused(_))), "{told:?}");
    });
}

/// Searches that take long hold their connections; calls are taken in all the same.
#[test]
fn who_reads_for_long_keeps_nobody_from_writing() {
    let Some(server) = Server::start() else { return };
    turn(async {
        let store = server.database("busy");
        store.users().await.unwrap();
        let socket = server.path().to_str().unwrap().to_owned();
        let sql = "BEGIN; LOCK TABLE users; SELECT pg_sleep(20)";
        let mut holder = server.command("psql");
        let arguments = ["-h", &socket, "-U", "crosspoint", "-d", "busy", "-c", sql];
        let mut holder = holder.args(arguments).stdout(Stdio::null()).spawn().unwrap();
        let short = Duration::from_millis(300);
        while tokio::time::timeout(short, store.users()).await.is_ok() {}
        let reads: Vec<_> = (0..10)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.users().await.is_ok() })
            })
            .collect();
        tokio::task::yield_now().await;
        let taken = batch(vec![call("a", 1, serde_json::json!({}))], vec![]);
        let taken = tokio::time::timeout(Duration::from_secs(3), store.ingest(&taken)).await;
        assert!(matches!(taken, Ok(Ok(()))), "{taken:?}");
        assert!(reads.iter().any(|it| !it.is_finished()), "nobody read for long");
        drop(holder.kill());
        drop(holder.wait());
    });
}

/// Two edges on one database: nobody's change is lost, and revisions do not go astray.
#[test]
fn two_edges_may_write_to_one_postgresql_at_once() {
    let Some(server) = Server::start() else { return };
    turn(async {
        let stores = [server.database("shared"), server.store("shared")];
        let edge = async |number: usize| {
            let store = &stores[number];
            let mut won = 0;
            for step in 0..40_u32 {
                let documents = store.documents().await.unwrap();
                let revision = documents.first().map(|it| it.revision);
                let edit = Edit {
                    kind: "agent".to_owned(),
                    name: "ada".to_owned(),
                    expected: revision.map_or(Expected::Absent, Expected::Revision),
                    body: Some(serde_json::json!({ "edge": number, "step": step })),
                };
                match store.change(&[edit], "edge".into(), at(step.into())).await {
                    Ok(_) => won += 1,
                    Err(StoreError::Conflict { .. }) => (),
                    Err(other) => panic!("{other}"),
                }
                let name = format!("{number}-{step}");
                let mut batch = batch(
                    vec![call(&name, step.into(), serde_json::json!({}))],
                    vec![fact(&name, 1, step.into())],
                );
                batch.position.node = number.to_string();
                store.ingest(&batch).await.unwrap();
            }
            won
        };
        let (first, second) = tokio::join!(edge(0), edge(1));
        let now = stores[0].documents().await.unwrap();
        assert_eq!(now[0].revision, first + second);
        assert_eq!(stores[1].facts_after(0, 1000).await.unwrap().len(), 80);
    });
}

#[test]
fn an_address_that_is_none_is_refused() {
    for url in ["mysql://x", "postgres://[", "crosspoint.db", ""] {
        let told = open(&Settings { url: Some(url.to_owned()), file: PathBuf::new() });
        assert!(matches!(told.err(), Some(StoreError::Refused(_))), "{url}");
    }
}

#[test]
fn a_postgresql_that_was_there_is_counted_a_part_at_a_time() {
    let Some(server) = Server::start() else { return };
    turn(async {
        let store = server.database("old");
        let old = async || {
            super::counts::BEFORE.iter().for_each(|it| server.says("old", it));
            server.store("old")
        };
        let store = store.as_ref();
        super::counts::an_old_database_is_counted_a_part_at_a_time_and_right_all_the_time(
            store, old,
        )
        .await;
    });
}

/// What one edge has changed, the other is told at once.
#[test]
fn a_change_through_one_edge_is_counted_at_the_other() {
    let Some(server) = Server::start() else { return };
    turn(async {
        let (one, other) = (server.database("counted"), server.store("counted"));
        let edit = |step: i32| Edit {
            kind: "agent".to_owned(),
            name: "ada".to_owned(),
            expected: Expected::Any,
            body: Some(serde_json::json!({ "step": step })),
        };
        for step in 0..5 {
            let before = other.changes().await.unwrap();
            one.change(&[edit(step)], "edge".into(), at(1)).await.unwrap();
            assert!(before < other.changes().await.unwrap());
            assert_eq!(one.documents().await, other.documents().await);
        }
    });
}
