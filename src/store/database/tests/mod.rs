//! What every [`Store`] must hold to, told once; SQLite and PostgreSQL each do all of it.

mod calls;
mod counts;
mod directory;
mod outbox;
mod people;
mod power;
mod rows;
mod searches;
mod server;
mod sqlite;
mod world;

use std::future::Future;

pub(crate) use self::world::{Disk, Folder};
pub(super) use self::world::{at, call, fact, found, leg};
use super::{Settings, Shared, Store, open};

/// A test of a store that is empty.
macro_rules! conformance {
    ($($room:ident: $($name:ident),*;)*) => {
        /// Every test, by its name, on one more database each time.
        const NAMES: &[&str] = &[$($(concat!(stringify!($room), "::", stringify!($name))),*),*];

        async fn conforms(name: &str, store: &dyn Store) {
            match name {
                $($(concat!(stringify!($room), "::", stringify!($name)) => $room::$name(store).await,)*)*
                other => panic!("there is no test {other}"),
            }
        }

        mod on_sqlite {
            $($(
                #[test]
                fn $name() {
                    super::on_sqlite(concat!(stringify!($room), "::", stringify!($name)));
                }
            )*)*
        }
    };
}

conformance! {
    directory: documents_are_kept_in_the_order_of_their_creation,
        a_change_with_an_old_revision_is_refused_and_says_what_is_there,
        a_change_is_made_wholly_or_not_at_all_with_its_audit,
        who_made_a_change_and_from_where_is_known,
        changes_are_counted_and_what_changes_nothing_is_not,
        no_revision_is_given_twice_even_after_a_deletion,
        an_edit_that_changes_nothing_leaves_no_trace,
        names_and_values_may_be_anything,
        what_is_too_large_is_refused;
    people: users_are_kept_with_their_revisions,
        a_user_takes_keys_and_sessions_along,
        keys_are_found_by_their_hash_and_their_use_is_noted,
        sessions_end_by_themselves_and_by_request,
        the_audit_log_is_paged_and_filtered,
        old_entries_of_the_audit_log_can_be_forgotten,
        a_setting_is_settled_once;
    calls: the_later_line_of_a_call_counts,
        a_line_that_is_read_again_changes_nothing,
        an_open_call_is_found_until_it_ends,
        facts_are_kept_once_and_in_order,
        old_facts_can_be_forgotten,
        statistics_count_each_call_once,
        statistics_of_parts_of_hours_are_exact,
        nuls_and_endless_texts_are_kept;
    counts: statistics_are_what_the_records_say_in_whatever_order_they_come;
    searches: every_filter_finds_its_calls_and_no_others,
        filters_are_taken_together,
        numbers_are_found_by_their_beginning_and_their_end,
        a_list_keeps_its_place_when_calls_come_in,
        a_page_has_bounds,
        what_leads_a_search_changes_nothing_about_what_is_found,
        sql_is_only_text;
    outbox: deliveries_come_in_the_order_of_their_facts,
        a_fact_that_was_known_queues_nothing,
        what_is_settled_goes_waits_or_is_dead,
        what_nobody_will_send_is_forgotten_with_its_events;
    rows: recordings_are_rows_that_remember_what_was_done,
        recordings_are_listed_from_the_earliest,
        a_recording_is_kept_for_as_long_as_was_said_when_its_call_came,
        a_recording_is_no_row_while_its_call_goes_on,
        what_became_of_a_recording_is_written_unless_somebody_was_first,
        recordings_are_due_by_their_time_and_counted,
        many_recordings_are_put_off_at_once;
}

/// A runtime for one test.
pub(super) fn turn<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test)
}

pub(super) fn sqlite_in(folder: &Folder) -> Shared {
    open(&Settings { url: None, file: folder.path().join("crosspoint.db") }).unwrap()
}

fn on_sqlite(name: &str) {
    let folder = Folder::new();
    turn(async { conforms(name, sqlite_in(&folder).as_ref()).await });
}
