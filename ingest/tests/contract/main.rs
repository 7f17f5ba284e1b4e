//! What every queue and every store must do: one body of tests, run over each implementation.
//!
//! [`contract!`] names an implementation and makes a test of each promise for it. What only one implementation can show
//! (full disks, failing fsyncs, killed processes of the embedded one) stands in a module of its own.

mod embedded;
mod harness;
mod kafka;
mod model;
mod postgres;
mod queue;
mod served;
mod store;
mod work;

macro_rules! tests {
    ($name:ident, $engine:ty, $($module:ident: $($promise:ident),+;)+) => {
        mod $name {
            $($(
                #[test]
                fn $promise() {
                    if <$engine as crate::harness::Engine>::there(stringify!($promise)) {
                        crate::$module::$promise::<$engine>();
                    }
                }
            )+)+
        }
    };
}

/// The promises of all, and those that this implementation alone makes.
macro_rules! contract {
    ($name:ident, $engine:ty $(, $module:ident: $promise:ident)*) => {
        tests! {
            $name, $engine,
            queue: an_append_is_in_order_and_there_after_reopening,
                a_source_keeps_its_order_among_many,
                several_intakes_share_one_log_without_gaps,
                an_append_is_of_one_source,
                closing_writes_what_waits,
                reading_goes_on_from_any_position,
                a_position_that_was_never_appended_is_said_so,
                what_waits_is_counted_by_month_and_source,
                another_key_opens_nothing_and_blocks_nothing;
            store: a_batch_commits_only_from_the_stored_position,
                the_last_record_is_kept_with_its_position,
                positions_of_two_queues_are_apart,
                repeats_and_revisions_are_told_apart,
                ids_that_share_their_first_half_stay_apart,
                queue_order_decides_and_not_the_order_of_storing,
                withdrawing_brings_back_what_was_before,
                what_comes_after_its_import_was_withdrawn_never_counts,
                a_retried_reject_moves_in_the_sums_from_then_on,
                a_record_that_does_not_open_is_kept_once_for_all_its_letters,
                originals_open_for_the_identity_only,
                sources_are_added_once_and_revoked,
                exports_choose_by_month_and_history;
            work: everything_ends_exactly_once,
                poison_blocks_nothing_and_can_be_retried,
                a_source_of_rejects_is_paused_and_goes_on_with_the_same_ids,
                a_running_worker_hears_that_a_source_goes_on,
                a_second_worker_that_wrote_in_between_is_no_harm,
                a_worker_stops_when_told,
                private_text_is_in_no_file;
            model: any_history_adds_up;
            $($module: $promise;)*
        }
    };
}

contract!(sqlite, crate::harness::Sqlite, queue: what_is_released_is_gone_and_said_so);
contract!(kafka_and_postgres, crate::served::Served);
