//! What is next, whatever happened before; and that no recording is lost on its way.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::clock::{Instant, Now};

const NOON: Wall = Wall::from_unix_micros(1_800_000_000_000_000);
const THERE: &str = "s3://calls";
const PLANS: [Plan; 4] = [
    Plan { seal: false, upload: false },
    Plan { seal: true, upload: false },
    Plan { seal: false, upload: true },
    Plan { seal: true, upload: true },
];

fn row() -> StoredRecording {
    let sum = "e3b0".into();
    StoredRecording { sum, ..StoredRecording::new(&"a.wav".into(), &"a".into(), "main", NOON) }
}

fn is_next(row: &StoredRecording, plan: Plan, found: (bool, bool), now: Wall) -> Next {
    let (plain, sealed) = found;
    let found = Found { plain, sealed, growing: false, addressed: &*row.place == THERE };
    next(row, plan, found, &Gates::default(), now)
}

/// What there is of one recording, anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Copies {
    plain: bool,
    sealed: bool,
    /// In the object storage.
    far_plain: bool,
    far_sealed: bool,
}

/// All that a step may leave behind when the power goes in the middle of it, the whole deed last.
fn deeds(step: Step, row: &StoredRecording, is: Copies) -> Vec<Copies> {
    match step {
        // Who seals may take the plain file away.
        Step::Seal => {
            vec![Copies { sealed: true, plain: false, ..is }, Copies { sealed: true, ..is }]
        }
        Step::Upload if row.encrypted => vec![Copies { far_sealed: true, ..is }],
        Step::Upload => vec![Copies { far_plain: true, ..is }],
        Step::DropPlain => vec![Copies { plain: false, ..is }],
        Step::DropLocal => vec![
            Copies { plain: false, ..is },
            Copies { sealed: false, ..is },
            Copies { plain: false, sealed: false, ..is },
        ],
        Step::Erase { object } => {
            let far = match object {
                true => Copies { far_plain: false, far_sealed: false, ..is },
                false => is,
            };
            let gone = Copies { plain: false, sealed: false, ..far };
            vec![Copies { far_plain: far.far_plain, ..is }, far, gone]
        }
        Step::Sum
        | Step::KnowSealed
        | Step::KnowPlain
        | Step::Address
        | Step::Look
        | Step::Leave => vec![is],
    }
}

/// What is seen of it; `None` if the step fails.
fn what_is_seen(step: Step, is: Copies) -> Option<Seen> {
    let none = Seen::default;
    match step {
        Step::Sum => Some(Seen { sum: Some("e3b0".into()), ..none() }),
        Step::Address => Some(Seen { place: Some(THERE.into()), ..none() }),
        Step::Look if is.far_sealed => Some(Seen { sealed: Some(true), ..none() }),
        Step::Look if is.far_plain => Some(Seen { sealed: Some(false), ..none() }),
        Step::Look => None,
        _ => Some(none()),
    }
}

/// Whoever reads the row finds the recording.
fn can_be_read(row: &StoredRecording, is: Copies) -> bool {
    match row.state {
        RecordingState::Deleted => true,
        RecordingState::Uploaded if row.encrypted => is.far_sealed,
        RecordingState::Uploaded => is.far_plain,
        RecordingState::Local => is.plain || is.sealed,
    }
}

type Told = ([bool; 6], Copies);

fn told(row: &StoredRecording, is: Copies) -> Told {
    let uploaded = row.state == RecordingState::Uploaded;
    let deleted = row.state == RecordingState::Deleted;
    let (leaves, summed, placed) =
        (row.leaving.is_some(), !row.sum.is_empty(), !row.place.is_empty());
    ([row.encrypted, uploaded, deleted, leaves, summed, placed], is)
}

/// Every way that a recording can go, with the power gone at any moment and plans that change.
#[test]
fn no_recording_is_lost_on_any_way_it_can_go() {
    let mut seen: BTreeSet<Told> = BTreeSet::new();
    let kept = StoredRecording { keep_until: Some(NOON), sum: "".into(), ..row() };
    let mut open = vec![(kept, Copies { plain: true, ..Copies::default() })];
    while let Some((row, is)) = open.pop() {
        if !seen.insert(told(&row, is)) {
            continue;
        }
        let readable = row.leaving.is_some() || can_be_read(&row, is);
        assert!(readable, "{row:?} {is:?}");
        for plan in PLANS {
            for now in [NOON, Wall::from_unix_micros(NOON.unix_micros() - 1)] {
                let Next::Do(step) = is_next(&row, plan, (is.plain, is.sealed), now) else {
                    continue;
                };
                let left = deeds(step, &row, is);
                let whole = *left.last().unwrap();
                open.extend(left.into_iter().map(|it| (row.clone(), it)));
                let Some(told) = what_is_seen(step, whole) else { continue };
                // Nothing that may be in a storage is forgotten there.
                let far = is.far_plain || is.far_sealed;
                assert!(step != Step::Erase { object: false } || !far, "{row:?} {is:?}");
                open.push((done(&row, step, &told, "retention"), whole));
            }
        }
    }
    assert!(50 < seen.len(), "{}", seen.len());
}

#[test]
fn from_wherever_the_power_went_it_comes_to_rest_where_the_plan_wants_it() {
    let copies = |n: u8| Copies {
        plain: n & 1 != 0,
        sealed: n & 2 != 0,
        far_plain: n & 4 != 0,
        far_sealed: n & 8 != 0,
    };
    for (plan, n) in PLANS.iter().flat_map(|plan| (0..16).map(move |n| (*plan, n))) {
        for (uploaded, encrypted, over) in (0..8).map(|it| (it & 1 != 0, it & 2 != 0, it & 4 != 0))
        {
            let (mut row, mut is) = (row(), copies(n));
            row.encrypted = encrypted;
            row.state = if uploaded { RecordingState::Uploaded } else { RecordingState::Local };
            row.keep_until = over.then_some(NOON);
            if !can_be_read(&row, is) {
                continue;
            }
            let mut steps = Vec::new();
            let rest = loop {
                assert!(steps.len() < 8, "{plan:?} {n} {steps:?}");
                match is_next(&row, plan, (is.plain, is.sealed), NOON) {
                    Next::Do(step) => {
                        is = *deeds(step, &row, is).last().unwrap();
                        row = done(&row, step, &what_is_seen(step, is).unwrap(), "retention");
                        steps.push(step);
                    }
                    Next::Rest(until) => break until,
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(rest, NEVER);
            if over {
                assert_eq!(row.state, RecordingState::Deleted, "{steps:?}");
                assert!(!is.plain && !is.sealed, "{steps:?}");
                let far = is.far_plain || is.far_sealed;
                assert!(!far || !(plan.upload || uploaded), "{plan:?} {steps:?}");
                continue;
            }
            assert!(can_be_read(&row, is), "{plan:?} {n} {steps:?}");
            let taken = row.state == RecordingState::Uploaded;
            assert_eq!(taken, plan.upload || uploaded, "{plan:?} {n} {steps:?}");
            // One that is elsewhere has no copy here, and one that is sealed none that is not.
            assert!(!taken || (!is.plain && !is.sealed), "{plan:?} {n} {steps:?}");
            assert!(!row.encrypted || taken || !is.plain, "{plan:?} {n} {steps:?}");
            assert!(!plan.seal || row.encrypted || uploaded, "{plan:?} {n} {steps:?}");
        }
    }
}

#[test]
fn nothing_unsealed_leaves_the_house_where_it_is_to_be_sealed() {
    let plan = Plan { seal: true, upload: true };
    let mut gates = Gates::default();
    gates.sealing.failed("no space left on device", 0, NOON);
    let found = Found { plain: true, ..Found::default() };
    assert!(matches!(next(&row(), plan, found, &gates, NOON), Next::Wait(_)));
    assert_eq!(next(&row(), plan, found, &Gates::default(), NOON), Next::Do(Step::Seal));
}

#[test]
fn a_recording_that_is_held_outlives_its_time_but_goes_on_its_way() {
    let over = StoredRecording { keep_until: Some(NOON), held: true, ..row() };
    assert_eq!(is_next(&over, PLANS[0], (true, false), NOON), Next::Rest(NEVER));
    assert_eq!(is_next(&over, PLANS[3], (true, false), NOON), Next::Do(Step::Seal));
    assert_eq!(idle(&over, PLANS[0], &Gates::default(), NOON), Some(NEVER));
    let released = StoredRecording { held: false, ..over };
    assert_eq!(is_next(&released, PLANS[3], (true, false), NOON), Next::Do(Step::Leave));
    assert_eq!(idle(&released, PLANS[0], &Gates::default(), NOON), None);
}

#[test]
fn what_is_here_is_deleted_though_the_storage_is_away() {
    let leaving = StoredRecording { leaving: Some("ada".into()), encrypted: true, ..row() };
    let mut away = Gates::default();
    away.objects.failed("it is away", u32::MAX, NOON);
    let found = Found { sealed: true, ..Found::default() };
    let next = |found| next(&leaving, PLANS[3], found, &away, NOON);
    assert_eq!(next(found), Next::Do(Step::DropLocal));
    assert_eq!(next(Found::default()), Next::Wait(NOON + Duration::from_secs(1)));
}

#[test]
fn a_file_that_is_written_to_is_left_alone() {
    for (leaving, keep_until) in [(None, Some(NOON)), (Some("ada".into()), None), (None, None)] {
        let row = StoredRecording { leaving, keep_until, ..row() };
        let found = Found { growing: true, ..Found::default() };
        for plan in PLANS {
            let next = next(&row, plan, found, &Gates::default(), NOON);
            assert_eq!(next, Next::Wait(NOON + Duration::from_secs(10)));
        }
    }
}

#[test]
fn what_needs_nothing_is_known_by_its_row_alone() {
    let open = Gates::default();
    let kept = StoredRecording { keep_until: Some(NOON + Duration::from_secs(9)), ..row() };
    assert_eq!(idle(&kept, PLANS[0], &open, NOON), kept.keep_until);
    assert_eq!(idle(&row(), PLANS[0], &open, NOON), Some(NEVER));
    for plan in &PLANS[1..] {
        assert_eq!(idle(&row(), *plan, &open, NOON), None);
    }
    let mut away = Gates::default();
    away.objects.failed("it is away", u32::MAX, NOON);
    let again = Some(NOON + Duration::from_secs(1));
    assert_eq!(idle(&row(), PLANS[2], &away, NOON), again);
    assert_eq!(idle(&row(), PLANS[3], &away, NOON), None, "it can be sealed");
    let sealed = StoredRecording { encrypted: true, ..row() };
    assert_eq!(idle(&sealed, PLANS[3], &away, NOON), again);
    for busy in [
        StoredRecording { sum: "".into(), ..row() },
        StoredRecording { leaving: Some("ada".into()), ..row() },
        StoredRecording { state: RecordingState::Uploaded, ..row() },
        StoredRecording { keep_until: Some(NOON), ..row() },
        StoredRecording { attempts: 1, ..row() },
    ] {
        assert_eq!(idle(&busy, PLANS[0], &open, NOON), None, "{busy:?}");
    }
}

#[test]
fn what_fails_waits_longer_each_time_and_is_never_given_up() {
    let mut row = row();
    let mut before = Duration::ZERO;
    for attempt in 1..=40 {
        row = failed(&row, "the storage is away", u32::MAX, NOON);
        let wait = row.due.unix_micros() - NOON.unix_micros();
        let wait = Duration::from_micros(u64::try_from(wait).unwrap());
        assert!(before <= wait && wait <= Duration::from_secs(3600), "{wait:?}");
        assert_eq!(row.attempts, attempt);
        before = wait;
    }
    assert_eq!(before, Duration::from_secs(3600));
    // Its time is up before that: then it is looked at.
    row.keep_until = Some(NOON + Duration::from_secs(60));
    assert_eq!(Some(failed(&row, "x", 0, NOON).due), row.keep_until);
    // But not in a circle.
    row.keep_until = Some(NOON);
    assert!(NOON + Duration::from_secs(60) < failed(&row, "x", 0, NOON).due);
    let seven = Seen { bytes: Some(7), ..Seen::default() };
    let row = done(&failed(&row, &"x".repeat(999), 0, NOON), Step::Upload, &seven, "");
    assert_eq!((row.attempts, &*row.why, row.bytes), (0, "", 7));
    assert_eq!(failed(&row, &"x".repeat(999), 0, NOON).why.len(), 200);
}

#[test]
fn a_gate_opens_by_itself_and_stays_open_once_it_was_of_use() {
    let mut gate = Gate::default();
    assert_eq!(gate.closed(NOON), None);
    let (mut now, mut longest) = (NOON, Duration::ZERO);
    for _ in 0..20 {
        gate.failed("503", u32::MAX, now);
        let until = gate.closed(now).unwrap();
        // Who was under way when it closed makes it no worse.
        gate.failed("503", u32::MAX, now);
        assert_eq!(gate.closed(now), Some(until));
        longest = Duration::from_micros((until.unix_micros() - now.unix_micros()) as u64);
        now = until;
        assert_eq!(gate.closed(now), None);
    }
    assert_eq!(longest, Duration::from_secs(300));
    assert_eq!(gate.trouble(), Some((NOON, "503")));
    gate.failed("504", u32::MAX, now);
    // A clock that is put back by a day.
    let yesterday = Wall::from_unix_micros(now.unix_micros() - 86_400_000_000);
    assert_eq!(gate.closed(yesterday), Some(yesterday + Duration::from_secs(300)));
    gate.worked();
    assert_eq!((gate.closed(yesterday), gate.trouble()), (None, None));
}

#[test]
fn an_object_that_may_be_there_is_deleted_whatever_the_plan_is_by_then() {
    let there = StoredRecording { place: THERE.into(), leaving: Some("ada".into()), ..row() };
    let none = (false, false);
    assert_eq!(is_next(&there, PLANS[0], none, NOON), Next::Do(Step::Erase { object: true }));
    let never = StoredRecording { place: "".into(), ..there };
    assert_eq!(is_next(&never, PLANS[0], none, NOON), Next::Do(Step::Erase { object: false }));
}

#[test]
fn where_it_goes_is_written_down_before_it_goes() {
    let next = |place: &str| {
        let row = StoredRecording { place: place.into(), ..row() };
        is_next(&row, PLANS[2], (true, false), NOON)
    };
    assert_eq!(next(""), Next::Do(Step::Address));
    assert_eq!(next("s3://former"), Next::Do(Step::Address));
    assert_eq!(next(THERE), Next::Do(Step::Upload));
}

#[test]
fn one_that_is_nowhere_is_looked_for_in_the_storage() {
    let none = (false, false);
    assert_eq!(is_next(&row(), PLANS[3], none, NOON), Next::Do(Step::Look));
    assert_eq!(is_next(&row(), PLANS[1], none, NOON), Next::Missing);
    let mut away = Gates::default();
    away.objects.failed("it is away", u32::MAX, NOON);
    let next = next(&row(), PLANS[2], Found::default(), &away, NOON);
    assert_eq!(next, Next::Wait(NOON + Duration::from_secs(1)));
}

const HOUR: Duration = Duration::from_secs(3600);

fn clocks(at: Duration, wall: Wall) -> Now {
    Now { at: Instant::START + at, wall }
}

#[test]
fn after_a_leap_of_the_clock_nothing_is_deleted_for_a_day() {
    let mut calendar = Calendar::new(Some(NOON));
    assert!(!calendar.on(clocks(HOUR, NOON + HOUR)));
    // It is slewed by less than an hour, and goes on.
    assert!(!calendar.on(clocks(2 * HOUR, NOON + 2 * HOUR + HOUR)));
    let good = clocks(30 * HOUR, NOON + 31 * HOUR);
    assert!(!calendar.on(good));
    assert_eq!(calendar.doubt(good), None);
    let years = 3 * 365 * 24 * HOUR;
    let leapt = clocks(31 * HOUR, NOON + years);
    assert!(calendar.on(leapt));
    assert_eq!(calendar.doubt(leapt), Some(leapt.wall + 24 * HOUR));
    let later = leapt.after(23 * HOUR);
    assert!(!calendar.on(later), "it leapt once");
    assert_eq!(calendar.doubt(later), Some(later.wall + HOUR));
    let gates = Gates { doubt: calendar.doubt(later), ..Gates::default() };
    let over = StoredRecording { keep_until: Some(NOON), ..row() };
    let found = Found { plain: true, ..Found::default() };
    let next = |gates, now| next(&over, PLANS[0], found, gates, now);
    assert_eq!(next(&gates, later.wall), Next::Wait(later.wall + HOUR));
    assert_eq!(idle(&over, PLANS[0], &gates, later.wall), Some(later.wall + HOUR));
    assert_eq!(next(&gates, later.wall + HOUR), Next::Do(Step::Leave));
    // It is set right again: that is a leap, too.
    let right = clocks(55 * HOUR, NOON + 55 * HOUR);
    assert!(calendar.on(right));
    assert_eq!(calendar.doubt(right.after(25 * HOUR)), None);
}

#[test]
fn who_was_off_for_long_looks_twice_before_it_deletes() {
    let start = |newest: Option<Wall>, now: Wall| {
        let mut calendar = Calendar::new(newest);
        calendar.on(clocks(HOUR, now))
    };
    assert!(!start(None, NOON));
    assert!(!start(Some(NOON), NOON + 30 * 24 * HOUR));
    assert!(start(Some(NOON), NOON + 31 * 24 * HOUR));
    assert!(!start(Some(NOON), Wall::from_unix_micros(0)), "it leaps when it is set");
}
