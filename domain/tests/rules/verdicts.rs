//! Every row of design §3.1 and every outcome and signal of §3.3, as a table.

use crate::support::{PATIENCE, answer, at, covered, fired, stamp, unsent, with};
use canary_domain::{
    Backend, Coverage, EventType, Facts, FireStatus, Interval, LatencyBasis, Mismatch, Outcome, Reason,
    Stage, Verdict, Via, Withheld, judge,
};

/// The verdict `ms` milliseconds after firing.
fn verdict(facts: &Facts, coverage: &Coverage, ms: i64) -> Option<Verdict> {
    judge(facts, coverage, &PATIENCE, at(ms)).verdict
}

/// Outcome and reason long after everything, with full coverage.
fn ends(facts: &Facts) -> (Outcome, Option<Reason>) {
    let verdict = verdict(facts, &covered(2_000_000), 2_000_000).unwrap();
    (verdict.outcome, verdict.reason)
}

const PASSED: (Outcome, Option<Reason>) = (Outcome::Passed, None);
const TIMEOUT: (Outcome, Option<Reason>) = (Outcome::Failed, Some(Reason::Timeout));

#[test]
fn each_backend_is_done_by_exactly_the_stages_of_its_row() {
    use Backend::{Async, Intra, TwoPc};
    use Stage::{CfInitiated, CfSettledLocal, CfSettledRemote, FeeCollected, TokensXfer};
    let table: &[(Backend, &[Stage], bool)] = &[
        (Intra, &[TokensXfer], true),
        (Intra, &[FeeCollected, CfInitiated, CfSettledLocal, CfSettledRemote], false),
        (Async, &[CfInitiated, CfSettledLocal], true),
        (Async, &[CfInitiated, CfSettledRemote], true),
        (Async, &[CfInitiated, TokensXfer, FeeCollected], false),
        (Async, &[CfSettledLocal, CfSettledRemote, TokensXfer], false),
        (TwoPc, &[TokensXfer], true),
        (TwoPc, &[CfSettledLocal], true),
        (TwoPc, &[CfSettledRemote], true),
        (TwoPc, &[FeeCollected, CfInitiated], false),
    ];
    for (backend, stages, done) in table {
        let stamps: Vec<_> = stages.iter().map(|stage| (*stage, 500)).collect();
        let expected = if *done { PASSED } else { TIMEOUT };
        assert_eq!(ends(&with(fired(*backend), &stamps)), expected, "{backend} {stages:?}");
    }
}

#[test]
fn deadlines_are_those_of_the_table_and_to_the_microsecond() {
    for (backend, seconds) in [(Backend::Intra, 30), (Backend::Async, 330), (Backend::TwoPc, 60)] {
        let all = |ms| {
            with(
                fired(backend),
                &[(Stage::TokensXfer, ms), (Stage::CfInitiated, ms), (Stage::CfSettledRemote, ms)],
            )
        };
        assert_eq!(ends(&all(seconds * 1_000)), PASSED, "{backend}");
        assert_eq!(ends(&all(seconds * 1_000 + 1)), (Outcome::Late, None), "{backend}");
    }
}

#[test]
fn completion_is_the_latest_of_an_and_and_the_earliest_of_an_or() {
    let saga = with(
        fired(Backend::Async),
        &[
            (Stage::CfInitiated, 700),
            (Stage::CfSettledLocal, 400),
            (Stage::CfSettledRemote, 900),
            (Stage::TokensXfer, 5_000),
        ],
    );
    let said = verdict(&saga, &covered(0), 6_000).unwrap();
    assert_eq!((said.completed_at, said.latency_ms), (Some(at(700)), Some(700.0)));
    let two_phase = with(fired(Backend::TwoPc), &[(Stage::CfSettledRemote, 300), (Stage::TokensXfer, 250)]);
    assert_eq!(verdict(&two_phase, &covered(0), 400).unwrap().latency_ms, Some(250.0));
}

#[test]
fn a_replayed_stamp_counts_by_when_the_event_occurred_and_the_row_says_so() {
    for (via, ms, basis) in [
        (Via::Live, 500.0, LatencyBasis::Observed),
        (Via::Replay, 480.0, LatencyBasis::EventTime),
        (Via::Backstop, 480.0, LatencyBasis::EventTime),
    ] {
        let mut facts = fired(Backend::Intra);
        facts.stamps.add(Stage::TokensXfer, stamp(500, via));
        let said = verdict(&facts, &covered(0), 600).unwrap();
        assert_eq!((said.latency_ms, said.latency_basis), (Some(ms), Some(basis)));
    }
}

#[test]
fn the_latency_carries_the_clock_error_of_both_ends() {
    let mut facts = with(fired(Backend::Intra), &[(Stage::TokensXfer, 500)]);
    facts.fired_error_us = 200;
    assert_eq!(verdict(&facts, &covered(0), 600).unwrap().clock_error_ms, Some(0.5));
}

#[test]
fn a_refund_is_decided_at_once_and_a_refund_of_settled_money_is_worse() {
    let refunded = with(fired(Backend::Async), &[(Stage::CfInitiated, 100), (Stage::CfRefunded, 900)]);
    let said = verdict(&refunded, &Coverage::default(), 901).unwrap();
    assert_eq!(
        (said.outcome, said.reason, said.decided_as_of),
        (Outcome::Failed, Some(Reason::Refunded), at(900))
    );
    let twice = with(refunded, &[(Stage::CfSettledRemote, 400)]);
    assert_eq!(ends(&twice), (Outcome::Failed, Some(Reason::RefundedAfterSettled)));
    assert_eq!(
        ends(&with(fired(Backend::TwoPc), &[(Stage::TokensXfer, 90), (Stage::CfRefunded, 95)])).1,
        Some(Reason::Refunded)
    );
}

#[test]
fn an_event_that_contradicts_the_transfer_fails_it_at_once() {
    let mut facts = with(fired(Backend::Async), &[(Stage::CfInitiated, 100)]);
    facts.mismatch = Some(Mismatch { at: at(300), what: "amount 0.02, not 0.01".into() });
    let said = verdict(&facts, &Coverage::default(), 301).unwrap();
    assert_eq!(
        (said.outcome, said.reason, said.decided_as_of),
        (Outcome::Failed, Some(Reason::Mismatch), at(300))
    );
}

#[test]
fn a_bad_answer_is_decided_at_once_and_whether_it_landed_once_that_is_certain() {
    for (status, code, reason) in [
        (FireStatus::Rejected, 409, Reason::Rejected),
        (FireStatus::Unavailable, 503, Reason::Unavailable),
        (FireStatus::Timeout, 0, Reason::FireTimeout),
    ] {
        let mut facts = fired(Backend::Intra);
        facts.answer = Some(answer(status, code));
        let early = judge(&facts, &covered(50), &PATIENCE, at(101));
        let said = early.verdict.unwrap();
        assert_eq!((said.outcome, said.reason, said.landed), (Outcome::Failed, Some(reason), None));
        assert_eq!(early.look_again, Some(at(30_000)), "it looks again at the deadline");
        assert_eq!(verdict(&facts, &covered(20_000), 31_000).unwrap().landed, None, "not covered yet");
        assert_eq!(verdict(&facts, &covered(30_000), 31_000).unwrap().landed, Some(false));
        let landed = verdict(&with(facts, &[(Stage::TokensXfer, 200)]), &covered(0), 300).unwrap();
        assert_eq!((landed.outcome, landed.landed), (Outcome::Failed, Some(true)));
    }
}

#[test]
fn a_timeout_needs_coverage_past_the_deadline_and_names_what_is_missing() {
    let cases: [(Facts, &[&str]); 5] = [
        (fired(Backend::Intra), &["tokens_xfer"]),
        (fired(Backend::Async), &["cf_initiated", "cf_settled"]),
        (with(fired(Backend::Async), &[(Stage::CfInitiated, 10)]), &["cf_settled"]),
        // What came after the deadline was missing at it: the phase that is named doesn't depend on when somebody looks.
        (with(fired(Backend::Async), &[(Stage::CfInitiated, 330_001)]), &["cf_initiated", "cf_settled"]),
        (fired(Backend::TwoPc), &["tokens_xfer|cf_settled"]),
    ];
    for (facts, missing) in cases {
        let deadline = i64::try_from(facts.test.deadline.as_millis()).unwrap();
        assert_eq!(verdict(&facts, &covered(deadline), deadline - 1), None, "before the deadline");
        assert_eq!(
            verdict(&facts, &covered(deadline - 1), deadline + 1),
            None,
            "coverage is short of the deadline"
        );
        let said = verdict(&facts, &covered(deadline), deadline + 5_000).unwrap();
        assert_eq!((said.outcome, said.reason), TIMEOUT);
        assert_eq!((said.missing.as_slice(), said.decided_as_of), (missing, at(deadline)));
    }
}

#[test]
fn only_the_reactors_that_the_missing_stages_need_have_to_have_looked() {
    let initiated = with(fired(Backend::Async), &[(Stage::CfInitiated, 10)]);
    let mut coverage = Coverage::default();
    coverage.add(EventType::CrossFrameTransferSettled, Interval { from: at(-100), until: at(330_000) });
    assert_eq!(verdict(&initiated, &coverage, 331_000).unwrap().reason, Some(Reason::Timeout));
    assert_eq!(verdict(&fired(Backend::Async), &coverage, 331_000), None, "cf_initiated was not looked for");
}

#[test]
fn without_coverage_the_canary_is_blind_and_says_so_after_its_patience() {
    let facts = fired(Backend::Intra);
    assert_eq!(verdict(&facts, &covered(10_000), 89_999), None);
    let said = verdict(&facts, &covered(10_000), 90_000).unwrap();
    assert_eq!((said.outcome, said.reason), (Outcome::Inconclusive, Some(Reason::ObserverBlind)));
    assert_eq!(said.missing, ["tokens_xfer"]);
    assert_eq!(verdict(&facts, &covered(30_000), 200_000).unwrap().reason, Some(Reason::Timeout), "amended");
    let restored = Facts { restored: true, ..facts };
    assert_eq!(verdict(&restored, &covered(10_000), 90_000).unwrap().reason, Some(Reason::StateLost));
}

#[test]
fn a_late_sighting_counts_against_the_platform_only_if_we_had_looked_in_time() {
    let late = with(fired(Backend::Intra), &[(Stage::TokensXfer, 40_000)]);
    assert_eq!(verdict(&late, &covered(30_000), 41_000).unwrap().outcome, Outcome::Late);
    assert_eq!(verdict(&late, &covered(29_000), 41_000), None);
    assert_eq!(verdict(&late, &covered(29_000), 90_000).unwrap().reason, Some(Reason::ObserverBlind));
}

#[test]
fn a_runner_that_died_before_it_noted_an_answer_is_not_the_platforms_fault() {
    let mut sent = fired(Backend::Async);
    sent.answer = None;
    for facts in [sent.clone(), unsent(Backend::Async)] {
        let said = verdict(&facts, &covered(400_000), 400_000).unwrap();
        assert_eq!((said.outcome, said.reason), (Outcome::Inconclusive, Some(Reason::RunnerLost)));
    }
    let stuck = with(sent.clone(), &[(Stage::CfInitiated, 100)]);
    assert_eq!(ends(&stuck), TIMEOUT, "it landed, so the rest is the platform's to finish");
    let done = with(sent, &[(Stage::CfInitiated, 100), (Stage::CfSettledLocal, 200)]);
    assert_eq!(ends(&done), PASSED);
    let unnoted = with(unsent(Backend::Intra), &[(Stage::TokensXfer, 200)]);
    let said = verdict(&unnoted, &covered(0), 300).unwrap();
    assert_eq!((said.outcome, said.latency_ms), (Outcome::Passed, None), "when it was fired is not known");
}

#[test]
fn what_was_withheld_ends_by_its_reason() {
    for (reason, outcome) in [
        (Reason::Credentials, Outcome::Inconclusive),
        (Reason::LeaseLost, Outcome::Missed),
        (Reason::Overrun, Outcome::Missed),
    ] {
        let facts =
            Facts { withheld: Some(Withheld { at: at(5), reason, code: None }), ..unsent(Backend::Intra) };
        assert_eq!(ends(&facts), (outcome, Some(reason)));
    }
}

#[test]
fn evidence_that_it_was_sent_outranks_a_note_that_it_was_not() {
    let withheld = Some(Withheld { at: at(5), reason: Reason::LeaseLost, code: None });
    let passed = with(fired(Backend::Intra), &[(Stage::TokensXfer, 200)]);
    assert_eq!(ends(&Facts { withheld: withheld.clone(), ..passed }), PASSED);
    assert_eq!(ends(&Facts { withheld, ..fired(Backend::Intra) }), TIMEOUT);
}

#[test]
fn without_a_noted_firing_a_transfer_that_got_stuck_is_not_held_against_its_deadline() {
    let stuck = with(unsent(Backend::Async), &[(Stage::CfInitiated, 100)]);
    assert_eq!(ends(&stuck), (Outcome::Inconclusive, Some(Reason::RunnerLost)));
}

#[test]
fn an_effect_never_comes_before_its_cause_in_a_latency() {
    let mut facts = fired(Backend::Intra);
    facts.stamps.add(Stage::TokensXfer, stamp(10, Via::Replay));
    assert_eq!(verdict(&facts, &covered(0), 100).unwrap().latency_ms, Some(0.0));
}

#[test]
fn every_reason_belongs_to_an_outcome_that_has_reasons() {
    for reason in Reason::ALL {
        assert!(!matches!(reason.outcome(), Outcome::Pending | Outcome::Passed | Outcome::Late), "{reason}");
    }
}
