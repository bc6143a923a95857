//! Searches and counts among ten million calls in SQLite; each is to take less than 200 ms, also the
//! first time, when nothing of it is in memory.
//!
//! `CROSSPOINT_BENCH_STORE=FILE cargo bench --bench store` fills FILE if it is not there (some
//! 20 GB, and a quarter of an hour) and keeps it; `CROSSPOINT_BENCH_CALLS` is another number of
//! calls. Otherwise some thousand calls show that it works. What is said to be the first time is so
//! only if FILE is not in memory: `dd of=FILE oflag=nocache conv=notrunc,fdatasync count=0`.
//!
//! `CROSSPOINT_BENCH_STORE=postgres://..` measures a PostgreSQL that has been filled with
//! `sed s/MANY/10000000/ benches/store/fill.sql | psql` after a first, empty run made its tables.
//!
//! Then searches are drawn by lot, of up to four filters each, and each is done once, after the
//! system has been asked to forget FILE: most of them find little, or nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crosspoint::clock::Wall;
use crosspoint::model::record::Direction;
use crosspoint::store::database::{By, Page, Search, Settings, Statistics, open};
use jiff::tz::TimeZone;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqliteConnection};

const FILL: &str = include_str!("store/fill.sql");
/// Calls that show that all of this works.
const FEW: u64 = 5_000;
const MANY: u64 = 10_000_000;
const ROUNDS: usize = 15;
/// What a search may take.
const LIMIT: Duration = Duration::from_millis(200);
/// When the first call comes, and the last.
const FIRST: i64 = 1_700_000_000_000_000;
const LAST: i64 = FIRST + 63_072_000_000_000;
const DAY: i64 = 86_400_000_000;
/// Searches that are drawn by lot, and by which.
const DRAWN: usize = 300;
const LOT: u64 = 7;
const OUTCOMES: [&str; 8] = [
    "answered",
    "no_answer",
    "abandoned",
    "busy",
    "voicemail",
    "failed",
    "declined",
    "invalid_number",
];

fn main() {
    let given = std::env::var_os("CROSSPOINT_BENCH_STORE").map(PathBuf::from);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let few = std::env::temp_dir().join(format!("crosspoint-bench-{}.db", std::process::id()));
    let many = std::env::var("CROSSPOINT_BENCH_CALLS").ok().and_then(|it| it.parse().ok());
    let calls = if given.is_some() { many.unwrap_or(MANY) } else { FEW };
    let slow = runtime.block_on(measure(given.as_ref().unwrap_or(&few), calls));
    if given.is_none() {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", few.display()));
        }
    }
    assert!(slow.is_empty(), "slower than {LIMIT:?}, or not there: {slow:?}");
}

async fn measure(file: &Path, calls: u64) -> Vec<String> {
    let opened = || open(&settings(file)).expect("a database");
    let all = Search::default();
    let there = opened().records(&all, &Page::default()).await.expect("a store");
    if there.records.is_empty() && settings(file).url.is_some() {
        return vec![format!("fill it: sed s/MANY/{calls}/ benches/store/fill.sql | psql")];
    }
    if there.records.is_empty() {
        let mut connection = connect(file).await;
        fill(&mut connection, calls).await;
        connection.close().await.expect("closed");
    }
    let store = opened();
    let (start, mut parts) = (now(), 0);
    while store.improve().await.expect("an answer") {
        parts += 1;
    }
    println!("{parts} parts were improved in {:.1?}", start.elapsed());
    let mut slow = Vec::new();
    println!("{:<58} {:>6} {:>10} {:>10} {:>10}", "", "found", "first", "median", "worst");
    for (what, search) in searches() {
        for (from, after) in [("newest", None), ("from the middle", middle())] {
            let page = Page { after, limit: 50 };
            let (mut times, mut found) = (Vec::new(), 0);
            for _ in 0..ROUNDS {
                let start = now();
                let records = store.records(&search, &page).await.expect("an answer");
                times.push(start.elapsed());
                found = records.records.len();
            }
            say(&format!("{what}, {from}"), found, times, &mut slow);
        }
    }
    for (what, ask) in counts() {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..ROUNDS {
            let start = now();
            found = store.statistics(&ask).await.expect("an answer").rows.len();
            times.push(start.elapsed());
        }
        say(&format!("statistics {what}"), found, times, &mut slow);
    }
    drop(store);
    by_lot(file, &mut slow).await;
    slow
}

/// Searches that nobody chose, each by a store and a disk that know nothing of it yet.
async fn by_lot(file: &Path, slow: &mut Vec<String>) {
    let mut lot = ChaCha8Rng::seed_from_u64(LOT);
    let mut done = Vec::new();
    for _ in 0..DRAWN {
        let search = drawn(&mut lot);
        let store = open(&settings(file)).expect("a database");
        // It is open before the clock runs.
        store.users().await.expect("an answer");
        forget(file);
        let start = now();
        let found = store.records(&search, &Page { after: None, limit: 50 }).await;
        done.push((start.elapsed(), found.expect("an answer").records.len(), said(&search)));
    }
    done.sort_by_key(|it| std::cmp::Reverse(it.0));
    let over = done.iter().filter(|it| LIMIT < it.0).count();
    println!(
        "by lot: {over} of {DRAWN} took more than {LIMIT:?}, half of them less than {:.1?}",
        done[DRAWN / 2].0
    );
    for (time, found, what) in done.iter().take(20) {
        println!("{what:<74} {found:>6} {time:>10.1?}");
    }
    slow.extend(done.into_iter().filter(|it| LIMIT < it.0).map(|it| it.2));
}

fn drawn(lot: &mut ChaCha8Rng) -> Search {
    let mut search = Search::default();
    for _ in 0..2 + lot.next_u32() % 3 {
        let any = u64::from(lot.next_u32() % 500);
        let direction = [Direction::Inbound, Direction::Outbound, Direction::Internal];
        match lot.next_u32() % 11 {
            0 => search.source = Some(format!("source {}", any % 20)),
            1 => search.tracking_number = Some(format!("+1{}", 8_005_550_000_u64 + any)),
            2 => search.agent = Some(format!("agent {}", any % 60)),
            3 => search.tag = Some(["hot", "rare", "tag 3"][any as usize % 3].to_owned()),
            4 => search.source_tag = Some(format!("tag of {}", any % 40)),
            5 => search.outcome = Some(OUTCOMES[any as usize % OUTCOMES.len()].to_owned()),
            6 => search.direction = Some(direction[any as usize % 3]),
            7 => search.has_recording = Some(any % 2 == 0),
            8 => search.destination = Some(format!("+1{}", 3_105_550_000_u64 + any % 300)),
            9 => search.number = Some(format!("+1{}*", 200 + any)),
            _ => {
                let from = FIRST + i64::try_from(any).unwrap_or(0) * DAY;
                search.from = Some(Wall::from_unix_micros(from));
                search.to = Some(Wall::from_unix_micros(from + 30 * DAY));
            }
        }
    }
    search
}

/// What is asked for, without the rest.
fn said(search: &Search) -> String {
    let all = format!("{search:?}").replace("Search { ", "").replace(" }", "");
    let asked = all.split(", ").filter(|it| !it.ends_with(": None"));
    asked.collect::<Vec<_>>().join(", ").replace("Some(", "").replace(')', "")
}

/// A file, or `postgres://..`.
fn settings(file: &Path) -> Settings {
    let url = file.to_str().filter(|it| it.starts_with("postgres://")).map(str::to_owned);
    Settings { url, file: file.to_owned() }
}

/// PostgreSQL keeps what it has in its own memory.
fn forget(file: &Path) {
    let Ok(file) = std::fs::File::open(file) else { return };
    file.sync_all().expect("a disk");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advice");
}

fn say(what: &str, found: usize, mut times: Vec<Duration>, slow: &mut Vec<String>) {
    let first = times[0];
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what:<58} {found:>6} {first:>10.1?} {median:>10.1?} {worst:>10.1?}");
    if LIMIT < median {
        slow.push(what.to_owned());
    }
}

/// Half of the calls are later.
fn middle() -> Option<crosspoint::store::database::Cursor> {
    format!("{}.0", FIRST.midpoint(LAST)).parse().ok()
}

fn searches() -> Vec<(&'static str, Search)> {
    let none = Search::default;
    let text = |it: &str| Some(it.to_owned());
    let week = |it: Search| Search {
        from: Some(Wall::from_unix_micros(LAST - 300 * DAY)),
        to: Some(Wall::from_unix_micros(LAST - 293 * DAY)),
        ..it
    };
    let (number, source) = (text("+18005550001"), text("source 0"));
    vec![
        ("all", none()),
        ("a caller", Search { caller: text("+12000002663"), ..none() }),
        ("a tracking number", Search { tracking_number: number.clone(), ..none() }),
        ("a destination", Search { destination: text("+13105550007"), ..none() }),
        ("any number", Search { number: text("+13105550007"), ..none() }),
        ("an area code", Search { number: text("+1212*"), ..none() }),
        ("an area code that nobody has", Search { number: text("+1100*"), ..none() }),
        ("the beginning of all", Search { number: text("+1*"), ..none() }),
        ("the last four digits", Search { caller: text("*2663"), ..none() }),
        ("the last seven digits", Search { number: text("*5550007"), ..none() }),
        ("the last digit", Search { number: text("*7"), ..none() }),
        ("a source with most calls", Search { source: source.clone(), ..none() }),
        ("a source with few", Search { source: text("source 17"), ..none() }),
        ("a source that is none", Search { source: text("nothing"), ..none() }),
        ("a tag", Search { tag: text("hot"), ..none() }),
        ("a rare tag", Search { tag: text("rare"), ..none() }),
        ("an agent", Search { agent: text("agent 7"), ..none() }),
        ("a source tag", Search { source_tag: text("tag of 7"), ..none() }),
        ("answered", Search { outcome: text("answered"), ..none() }),
        ("invalid numbers", Search { outcome: text("invalid_number"), ..none() }),
        ("internal", Search { direction: Some(Direction::Internal), ..none() }),
        ("inbound", Search { direction: Some(Direction::Inbound), ..none() }),
        ("recorded", Search { has_recording: Some(true), ..none() }),
        ("a week", week(none())),
        ("answered in a week", week(Search { outcome: text("answered"), ..none() })),
        ("a caller in a week", week(Search { caller: text("+12000002663"), ..none() })),
        ("an area code in a week", week(Search { number: text("+1212*"), ..none() })),
        (
            "an agent's calls from a source",
            Search { agent: text("agent 7"), source: text("source 3"), ..none() },
        ),
        (
            "a source, busy, with a tag",
            Search { source: source.clone(), outcome: text("busy"), tag: text("hot"), ..none() },
        ),
        ("a rare tag of a source", Search { tag: text("rare"), source: source.clone(), ..none() }),
        (
            "a tracking number, internal, recorded",
            Search {
                tracking_number: number,
                direction: Some(Direction::Internal),
                has_recording: Some(true),
                ..none()
            },
        ),
        (
            "what excludes itself: an agent's unanswered calls",
            Search { agent: text("agent 7"), outcome: text("busy"), ..none() },
        ),
        (
            "a source, busy, recorded: nobody",
            Search {
                source: source.clone(),
                outcome: text("busy"),
                has_recording: Some(true),
                ..none()
            },
        ),
        (
            "an agent, outbound, with a tag",
            Search {
                agent: text("agent 7"),
                direction: Some(Direction::Outbound),
                tag: text("tag 3"),
                ..none()
            },
        ),
        (
            "a destination, busy, with a tag",
            Search {
                destination: text("+13105550007"),
                outcome: text("busy"),
                tag: text("hot"),
                ..none()
            },
        ),
        (
            "internal, answered, not recorded, from a source",
            Search {
                direction: Some(Direction::Internal),
                outcome: text("answered"),
                has_recording: Some(false),
                source: text("source 3"),
                ..none()
            },
        ),
        ("the last four digits, from a source", Search { caller: text("*2663"), source, ..none() }),
    ]
}

fn counts() -> Vec<(&'static str, Statistics)> {
    let ask = |from: i64, by| Statistics {
        from: Wall::from_unix_micros(from),
        to: Wall::from_unix_micros(LAST),
        by,
        zone: TimeZone::UTC,
    };
    vec![
        ("of all by source", ask(FIRST, By::Source)),
        ("of all by tracking number", ask(FIRST, By::TrackingNumber)),
        ("of all by agent", ask(FIRST, By::Agent)),
        ("of all by outcome", ask(FIRST, By::Outcome)),
        ("of all by day", ask(FIRST, By::Day)),
        ("of all by day of Kathmandu", {
            let zone = TimeZone::get("Asia/Kathmandu").expect("a zone");
            Statistics { zone, ..ask(FIRST, By::Day) }
        }),
        ("of all by day of New York", {
            let zone = TimeZone::get("America/New_York").expect("a zone");
            Statistics { zone, ..ask(FIRST + 7, By::Day) }
        }),
        ("of all by hour", ask(FIRST, By::Hour)),
        ("of thirty days by tracking number", ask(LAST - 30 * DAY - 1_234, By::TrackingNumber)),
        ("of a day by hour", ask(LAST - DAY + 99, By::Hour)),
    ]
}

async fn connect(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.expect("a database");
    for pragma in ["journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"] {
        let set = format!("PRAGMA {pragma}");
        // Connections that looked before are still on their way out.
        let start = now();
        while let Err(error) = connection.execute(AssertSqlSafe(set.clone())).await {
            assert!(start.elapsed() < Duration::from_secs(5), "{set}: {error}");
            tokio::task::yield_now().await;
        }
    }
    connection
}

/// Indexes are taken away and made anew: sorted, they take a tenth of the time.
async fn fill(connection: &mut SqliteConnection, calls: u64) {
    let indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
    let indexes = connection.fetch_all(indexes).await.expect("the indexes");
    let of = |at: usize| indexes.iter().map(move |it| it.get::<String, _>(at));
    let drops = of(0).map(|it| format!("DROP INDEX {it}"));
    let fill = FILL.replace("MANY", &calls.to_string());
    let fill = fill.split(";\n").filter(|it| it.contains("INSERT")).map(str::to_owned);
    // It is as a database that was there before its calls were counted.
    let old = "UPDATE settings SET body = '-9223372036854775808' WHERE name = 'counted_until'";
    for statement in drops.chain(fill).chain(of(1)).chain([old.to_owned()]) {
        let start = now();
        let what: String = statement.lines().find(|it| !it.starts_with("--")).unwrap_or("").into();
        connection.execute(AssertSqlSafe(statement)).await.expect("a statement");
        if FEW < calls {
            println!("{:>8.1?}  {what}", start.elapsed());
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a benchmark is the one that reads the clock")]
fn now() -> Instant {
    Instant::now()
}
