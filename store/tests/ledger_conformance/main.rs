//! One suite for both ledgers: what the trait's doc says, asked of a real PostgreSQL and of a SQLite file.

#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

mod accounting;
mod claims;
mod evidence;
mod exporting;
mod feed;
mod fixtures;
mod home;
mod hours;
mod operators;
mod outage;
mod reading;
mod recording;
mod round_trip;
mod schema;
mod severed;
mod state_machine;
mod upgrade;
mod webhooks;

macro_rules! conformance {
    ($($module:ident: $($name:ident),+;)+) => {
        mod postgres {
            $(mod $module { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$module::$name(&crate::home::Home::postgres().await).await;
                }
            )+ })+
        }

        mod sqlite {
            $(mod $module { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$module::$name(&crate::home::Home::sqlite().await).await;
                }
            )+ })+
        }
    };
}

conformance! {
    claims:
        of_twenty_concurrent_claims_of_a_slot_exactly_one_wins,
        tests_without_a_slot_are_just_written,
        a_slot_with_any_row_is_taken,
        a_slot_that_was_not_fired_is_written_once_with_its_reason,
        another_deployments_test_is_refused;
    recording:
        a_first_verdict_has_revision_one_and_tells_what_was_before,
        the_same_again_is_no_change_whenever_and_by_whomever,
        a_late_informational_stamp_raises_the_revision,
        facts_without_a_verdict_are_added_to_a_pending_row_only,
        a_verdict_is_never_taken_back_to_pending,
        a_judge_of_a_lower_term_is_left_out_even_after_it_agreed,
        a_fired_test_takes_the_place_of_its_missed_row_and_never_the_other_way_round,
        news_that_know_less_than_the_row_change_nothing,
        a_slot_of_another_id_does_not_keep_the_batch_from_being_written,
        a_batch_larger_than_a_statement_is_written_whole,
        two_judges_at_once_never_lose_a_row_or_count_a_change_twice,
        claims_and_verdicts_at_once_leave_one_row_each,
        verdicts_and_slots_not_fired_at_once_never_stop_each_other,
        a_failed_write_leaves_nothing_of_its_batch,
        texts_and_moments_that_databases_refuse_do_not_stop_a_batch;
    round_trip:
        what_is_written_is_read_again_to_the_microsecond;
    reading:
        rows_that_are_not_there_are_left_out,
        pending_gives_the_oldest_back_with_their_facts_ordered_ones_too,
        every_filter_narrows_and_all_of_them_have_to_match,
        pages_stay_right_while_rows_arrive,
        rows_registered_at_one_moment_are_paged_by_id,
        two_deployments_in_one_database_never_see_each_other;
    feed:
        a_change_gets_the_next_number_and_what_is_no_change_gets_none,
        an_amended_row_appears_again_at_its_new_number_alone,
        a_mixed_batch_numbers_its_new_and_its_amended_rows,
        a_large_batch_is_told_in_pages_by_registration,
        a_change_is_told_in_brief_whoever_asked_for_the_test,
        two_deployments_count_apart,
        pruning_leaves_the_feed_where_it_was,
        recent_rows_are_told_oldest_first,
        recent_rows_are_paged_without_loss_or_repeats,
        who_reads_on_beside_two_writers_misses_no_change;
    accounting:
        slots_are_the_sum_of_all_outcomes,
        a_lost_slot_is_a_residual_and_a_gap,
        recent_slots_are_counted_by_their_cycles_alone,
        a_change_of_the_period_loses_no_slot,
        spans_and_gaps_are_those_of_one_period,
        gaps_are_ascending_and_limited;
    hours:
        rollups_equal_the_counts_of_their_rows,
        rolling_up_again_changes_nothing_and_a_new_verdict_changes_its_hour,
        missed_rows_count_in_the_hour_of_their_cycle,
        an_hour_that_was_pruned_in_part_keeps_its_rollup,
        only_hours_judged_since_are_computed,
        rollups_are_read_by_hour_and_path,
        pruning_is_bounded_oldest_first_and_never_takes_a_pending_row,
        pruning_leaves_spans_whole_behind_a_pending_row,
        old_rollups_are_pruned_in_bounds;
    operators:
        two_instances_agree_on_one_slot_key,
        holds_are_given_while_they_are_on_or_to_come,
        lifting_a_pause_ends_that_paths_pauses_alone,
        a_pause_that_is_yet_to_begin_is_lifted_too_and_holds_nothing,
        of_two_pauses_of_a_path_at_once_one_is_placed,
        a_pause_that_is_yet_to_begin_begins_with_the_next_one,
        who_placed_a_hold_is_told_with_it,
        the_end_of_maintenance_is_that_of_windows_on_or_to_come,
        windows_are_told_as_they_really_were_with_those_to_come,
        audit_and_annotations_are_kept_as_they_were_said,
        the_newest_marks_are_given_oldest_first;
    exporting:
        a_row_is_exported_with_its_labels_and_moments,
        a_slot_that_was_not_fired_is_watched_from_its_registration,
        pending_rows_and_tests_without_a_slot_are_not_exported,
        a_row_that_is_judged_long_after_newer_ones_comes_after_them,
        an_amended_row_is_exported_as_it_is_now,
        pages_to_export_follow_one_another,
        a_mark_only_moves_on;
    evidence:
        evidence_is_taken_with_the_first_failure_and_stays,
        only_failures_and_blindness_ask_for_evidence,
        a_verdict_that_is_left_out_leaves_no_evidence,
        a_search_of_logs_is_asked_for_in_its_span_and_kept_once,
        evidence_goes_with_its_row;
    webhooks:
        a_step_is_taken_once_and_whole,
        of_two_leaders_at_once_one_takes_the_step,
        each_path_has_its_messages_in_order_and_waits_for_no_other,
        what_waits_beyond_the_bound_is_dropped_oldest_first_and_old_messages_go,
        a_paths_history_ends_where_the_feed_was_read_to,
        every_state_and_ending_is_allowed_by_the_checks;
    schema:
        migrating_twice_and_at_once_is_safe,
        an_empty_database_does_not_answer_a_ping,
        every_word_of_the_domain_is_allowed_by_the_checks,
        migrations_leave_rows_that_are_there_alone,
        of_several_open_pauses_of_a_path_the_earliest_outlives_the_migration,
        the_table_lists_its_columns_in_the_designs_order;
}
