//! What the judge writes (I3, I6).

use canary_domain::{
    Facts, FireError, FireStatus, Mismatch, Moment, Outcome, Reason, Stage, Stamps, TestId, Via,
};
use canary_store::{Change, Claim, FactsRow, ResultRow};
use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::fixtures::{
    CYCLE, because, fired_by_hand, judged, not_fired, passed, row, seen, stamp, test, with_outcome,
    write_passed,
};
use crate::home::Home;

fn change(test_id: TestId, before: Option<Outcome>, after: Outcome, revision: i32) -> Vec<Change> {
    vec![Change { test_id, before, reason_before: None, after, revision }]
}

pub async fn a_first_verdict_has_revision_one_and_tells_what_was_before(home: &Home) {
    let ledger = home.ledger();
    let (claimed, new) = (test("p", CYCLE), test("p", CYCLE + 1));
    ledger.claim(&claimed).await.unwrap();
    for (test, before) in [(claimed, Some(Outcome::Pending)), (new, None)] {
        let (id, written) = (test.test_id, with_outcome(test, Outcome::Passed));
        let changes = ledger.record(std::slice::from_ref(&written)).await.unwrap();
        assert_eq!(changes, change(id, before, Outcome::Passed, 1));
        let row = row(&*ledger, id).await;
        let verdict = passed(&written.facts);
        assert_eq!(row.facts, written.facts);
        assert_eq!((row.outcome, row.reason, row.revision), (Outcome::Passed, None, 1));
        assert_eq!((row.latency_ms, row.clock_error_ms), (verdict.latency_ms, verdict.clock_error_ms));
        assert_eq!((row.completed_at, row.latency_basis), (verdict.completed_at, verdict.latency_basis));
        assert_eq!(
            (row.decided_as_of, row.judged_at),
            (Some(verdict.decided_as_of), Some(written.judged_at))
        );
        assert_eq!(row.deadline_at, Some(written.facts.deadline_at()));
    }
}

pub async fn the_same_again_is_no_change_whenever_and_by_whomever(home: &Home) {
    let ledger = home.ledger();
    for outcome in [Outcome::Pending, Outcome::Passed, Outcome::Late, Outcome::Failed, Outcome::Inconclusive]
    {
        let first = with_outcome(test("p", CYCLE + outcome as i64), outcome);
        ledger.record(std::slice::from_ref(&first)).await.unwrap();
        let before = row(&*ledger, first.facts.test.test_id).await;
        for judge_term in [1, 1, 2, 9] {
            let again =
                FactsRow { judged_at: first.judged_at + TimeDelta::hours(1), judge_term, ..first.clone() };
            assert_eq!(
                ledger.record(&[again.clone(), again]).await.unwrap(),
                [],
                "{outcome} in {judge_term}"
            );
        }
        let after = row(&*ledger, first.facts.test.test_id).await;
        assert_eq!(after.judge_term, 9, "who judged it last is known, and is no change");
        let after = ResultRow { judge_term: before.judge_term, ..after };
        assert_eq!(after, before, "not even judged_at has moved");
    }
}

pub async fn a_late_informational_stamp_raises_the_revision(home: &Home) {
    let ledger = home.ledger();
    let mut written = with_outcome(test("p", CYCLE), Outcome::Passed);
    let id = written.facts.test.test_id;
    ledger.record(std::slice::from_ref(&written)).await.unwrap();
    let fee = stamp(written.facts.start() + TimeDelta::seconds(300));
    written.facts.stamps.add(Stage::FeeCollected, fee.clone());
    written.judged_at += TimeDelta::seconds(300);
    let changes = ledger.record(std::slice::from_ref(&written)).await.unwrap();
    assert_eq!(changes, change(id, Some(Outcome::Passed), Outcome::Passed, 2));
    let row = row(&*ledger, id).await;
    assert_eq!(row.facts.stamps.get(Stage::FeeCollected), Some(&fee));
    assert_eq!((row.judged_at, row.latency_ms), (Some(written.judged_at), Some(45.678)));
}

pub async fn facts_without_a_verdict_are_added_to_a_pending_row_only(home: &Home) {
    let ledger = home.ledger();
    let claimed = test("p", CYCLE);
    let id = claimed.test_id;
    ledger.claim(&claimed).await.unwrap();
    let facts = seen(claimed);
    assert_eq!(ledger.record(&[judged(facts.clone(), None)]).await.unwrap(), [], "pending is no verdict");
    let kept = row(&*ledger, id).await;
    assert_eq!((&kept.facts, kept.outcome, kept.revision), (&facts, Outcome::Pending, 0));

    let forgetful = judged(Facts::registered(facts.test.clone()), None);
    assert_eq!(ledger.record(&[forgetful]).await.unwrap(), []);
    assert_eq!(row(&*ledger, id).await.facts, facts, "facts only grow");

    let new = seen(test("p", CYCLE + 1));
    assert_eq!(ledger.record(&[judged(new.clone(), None)]).await.unwrap(), []);
    assert_eq!(
        row(&*ledger, new.test.test_id).await.outcome,
        Outcome::Pending,
        "the judge writes missing rows"
    );
}

pub async fn a_verdict_is_never_taken_back_to_pending(home: &Home) {
    let ledger = home.ledger();
    let written = with_outcome(test("p", CYCLE), Outcome::Failed);
    let id = written.facts.test.test_id;
    ledger.record(std::slice::from_ref(&written)).await.unwrap();
    let before = row(&*ledger, id).await;
    let forgetful = FactsRow { verdict: None, judge_term: 9, ..written };
    assert_eq!(ledger.record(&[forgetful]).await.unwrap(), []);
    assert_eq!(row(&*ledger, id).await, before);
}

pub async fn a_judge_of_a_lower_term_is_left_out_even_after_it_agreed(home: &Home) {
    let ledger = home.ledger();
    let facts = seen(test("p", CYCLE));
    let id = facts.test.test_id;
    let by = |judge_term, verdict| FactsRow { judge_term, ..judged(facts.clone(), Some(verdict)) };
    let (good, bad) = (passed(&facts), because(&facts, Reason::Timeout));

    ledger.record(&[by(5, good.clone())]).await.unwrap();
    assert_eq!(ledger.record(&[by(4, bad.clone())]).await.unwrap(), [], "a judge that lost its lease");
    assert_eq!(ledger.record(&[by(6, good)]).await.unwrap(), [], "its successor agrees");
    assert_eq!(ledger.record(&[by(5, bad.clone())]).await.unwrap(), [], "and is not to be overruled");
    assert_eq!(row(&*ledger, id).await.outcome, Outcome::Passed);
    let changes = ledger.record(&[by(6, bad)]).await.unwrap();
    assert_eq!(changes, change(id, Some(Outcome::Passed), Outcome::Failed, 2));
}

pub async fn a_fired_test_takes_the_place_of_its_missed_row_and_never_the_other_way_round(home: &Home) {
    let ledger = home.ledger();
    let unfired = not_fired(test("p", CYCLE), Reason::NoLeader);
    let (id, facts) = (unfired.test.test_id, seen(unfired.test.clone()));
    ledger.write_unfired(&[unfired]).await.unwrap();

    assert_eq!(
        ledger.record(&[judged(facts.clone(), None)]).await.unwrap(),
        [],
        "a missed slot stays decided"
    );
    assert_eq!(row(&*ledger, id).await.outcome, Outcome::Missed);
    let verdict = passed(&facts);
    let changes = ledger.record(&[judged(facts.clone(), Some(verdict))]).await.unwrap();
    let expected = change(id, Some(Outcome::Missed), Outcome::Passed, 2).remove(0);
    assert_eq!(changes, [Change { reason_before: Some(Reason::NoLeader), ..expected }]);
    let now = row(&*ledger, id).await;
    assert_eq!((&now.facts, now.reason), (&facts, None));

    let nothing_known = Facts::registered(facts.test);
    let missed = because(&nothing_known, Reason::LeaseLost);
    let late_news = FactsRow { judge_term: 9, ..judged(nothing_known, Some(missed)) };
    assert_eq!(ledger.record(&[late_news]).await.unwrap(), []);
    assert_eq!(row(&*ledger, id).await, now);
}

/// A board that lost something in a failover must not take from the row what is known.
pub async fn news_that_know_less_than_the_row_change_nothing(home: &Home) {
    let ledger = home.ledger();
    let mut facts = seen(test("p", CYCLE));
    facts.answer.as_mut().unwrap().status = FireStatus::Rejected;
    facts.mismatch = Some(Mismatch { at: facts.start(), what: "amount".into() });
    let id = facts.test.test_id;
    let verdict = because(&facts, Reason::Rejected);
    ledger.record(&[judged(facts.clone(), Some(verdict))]).await.unwrap();
    let before = row(&*ledger, id).await;
    let poorer = [
        Facts { fired_at: None, ..facts.clone() },
        Facts { answer: None, ..facts.clone() },
        Facts { mismatch: None, ..facts.clone() },
        Facts { stamps: Stamps::default(), ..facts.clone() },
    ];
    for mut facts in poorer {
        facts.stamps.add(Stage::FeeCollected, stamp(facts.start()));
        let lost = because(&facts, Reason::RunnerLost);
        let news = FactsRow { judge_term: 9, ..judged(facts, Some(lost)) };
        assert_eq!(ledger.record(&[news]).await.unwrap(), []);
        assert_eq!(row(&*ledger, id).await, before);
    }
    facts.stamps.add(Stage::FeeCollected, stamp(facts.start()));
    let verdict = because(&facts, Reason::Rejected);
    let changes = ledger.record(&[judged(facts, Some(verdict))]).await.unwrap();
    assert_eq!((changes.len(), changes[0].revision), (1, 2), "more news are taken");
}

pub async fn a_slot_of_another_id_does_not_keep_the_batch_from_being_written(home: &Home) {
    let ledger = home.ledger();
    let kept = write_passed(&*ledger, test("p", CYCLE)).await;
    let (clashing, free) = (test("p", CYCLE), test("p", CYCLE + 1));
    let (clashing_id, free_id) = (clashing.test_id, free.test_id);
    let rows = [with_outcome(clashing, Outcome::Failed), with_outcome(free, Outcome::Failed)];
    assert_eq!(ledger.record(&rows).await.unwrap(), change(free_id, None, Outcome::Failed, 1));
    assert_eq!(row(&*ledger, kept).await.outcome, Outcome::Passed);
    assert_eq!(ledger.rows(&[clashing_id]).await.unwrap(), []);
}

pub async fn a_batch_larger_than_a_statement_is_written_whole(home: &Home) {
    let ledger = home.ledger();
    let mut rows: Vec<_> = (0..1_203).map(|n| with_outcome(test("p", CYCLE + n), Outcome::Passed)).collect();
    assert_eq!(ledger.record(&rows).await.unwrap().len(), rows.len());
    assert_eq!(ledger.record(&rows).await.unwrap(), []);
    for row in &mut rows {
        row.facts.stamps.add(Stage::FeeCollected, stamp(row.facts.start()));
    }
    let changes = ledger.record(&rows).await.unwrap();
    assert!(changes.len() == rows.len() && changes.iter().all(|change| change.revision == 2));
    assert_eq!(ledger.accounting().await.unwrap().paths[0].passed, 1_203);
}

pub async fn two_judges_at_once_never_lose_a_row_or_count_a_change_twice(home: &Home) {
    let rows: Vec<_> = (0..40).map(|n| with_outcome(test("p", CYCLE + n), Outcome::Passed)).collect();
    let judges = [home.ledger(), home.ledger()];
    for row in rows.iter().step_by(2) {
        judges[0].claim(&row.facts.test).await.unwrap();
    }
    let mut writing = JoinSet::new();
    for n in 0..16_usize {
        let ledger = judges[n % 2].clone();
        let mut rows = rows.clone();
        rows.rotate_left(n * 7 % 40);
        writing.spawn(async move {
            let written = ledger.record(&rows).await;
            written.map_or_else(|error| panic!("{error}"), |changes| changes.len())
        });
    }
    let told: usize = writing.join_all().await.into_iter().sum();
    assert_eq!(told, rows.len());
    for row in
        judges[0].rows(&rows.iter().map(|row| row.facts.test.test_id).collect::<Vec<_>>()).await.unwrap()
    {
        assert_eq!((row.outcome, row.revision), (Outcome::Passed, 1));
    }
}

pub async fn claims_and_verdicts_at_once_leave_one_row_each(home: &Home) {
    let tests: Vec<_> = (0..30).map(|n| test("p", CYCLE + n)).collect();
    let (runner, judge) = (home.ledger(), home.ledger());
    let mut working = JoinSet::new();
    for test in tests.clone() {
        let runner = runner.clone();
        working.spawn(async move { runner.claim(&test).await.unwrap() == Claim::Claimed });
    }
    let rows: Vec<_> = tests.iter().map(|test| with_outcome(test.clone(), Outcome::Passed)).collect();
    let changes = judge.record(&rows).await.unwrap();
    working.join_all().await;
    assert_eq!(changes.len(), rows.len());
    assert_eq!(judge.accounting().await.unwrap().paths[0].passed, 30);
}

pub async fn a_failed_write_leaves_nothing_of_its_batch(home: &Home) {
    let ledger = home.ledger();
    let good = with_outcome(test("p", CYCLE), Outcome::Passed);
    let mut strange = with_outcome(fired_by_hand("p"), Outcome::Passed);
    // A schedule's test without a slot breaks a check.
    strange.facts.test.origin = canary_domain::Origin::Schedule;
    let error = ledger.record(&[good.clone(), strange]).await.unwrap_err();
    assert!(!error.is_unavailable(), "{error}");
    assert_eq!(ledger.rows(&[good.facts.test.test_id]).await.unwrap(), []);
    assert_eq!(ledger.record(&[good]).await.unwrap().len(), 1, "the connection is clean again");
}

pub async fn texts_and_moments_that_databases_refuse_do_not_stop_a_batch(home: &Home) {
    let ledger = home.ledger();
    let mut facts = seen(test("p", CYCLE));
    let id = facts.test.test_id;
    let answer = facts.answer.as_mut().unwrap();
    answer.status = FireStatus::Unavailable;
    answer.error = Some(FireError { code: Some("a\0b".into()), detail: "<\0>".into() });
    answer.transfer_id = Some("tx\0".into());
    let mut odd = stamp(facts.start());
    odd.via = Via::Replay;
    odd.occurred = Moment::MIN_UTC;
    facts.stamps.add(Stage::CfInitiated, odd);
    let mut verdict = because(&facts, Reason::Unavailable);
    verdict.completed_at = Some(Moment::MIN_UTC);
    let written = judged(facts, Some(verdict));
    assert_eq!(ledger.record(std::slice::from_ref(&written)).await.unwrap().len(), 1);
    assert_eq!(ledger.record(&[written]).await.unwrap(), [], "what is kept equals what was given");
    let kept = row(&*ledger, id).await.facts.answer.unwrap();
    assert_eq!(kept.transfer_id.as_deref(), Some("tx\u{FFFD}"));
    assert_eq!(kept.error.unwrap().detail, "<\u{FFFD}>");
}

pub async fn verdicts_and_slots_not_fired_at_once_never_stop_each_other(home: &Home) {
    let ledgers: Vec<_> = (0..6).map(|_| home.ledger()).collect();
    for round in 0..8 {
        let tests: Vec<_> = (0..200).map(|n| test("p", CYCLE + 200 * round + n)).collect();
        let mut writing = JoinSet::new();
        for (n, ledger) in ledgers.iter().cloned().enumerate() {
            let mut tests = tests.clone();
            tests.rotate_left(n * 33);
            writing.spawn(async move {
                if n % 2 == 0 {
                    let rows: Vec<_> =
                        tests.into_iter().map(|test| with_outcome(test, Outcome::Passed)).collect();
                    ledger.record(&rows).await.map(drop).unwrap();
                } else {
                    let rows: Vec<_> =
                        tests.into_iter().map(|test| not_fired(test, Reason::NoLeader)).collect();
                    ledger.write_unfired(&rows).await.map(drop).unwrap();
                }
            });
        }
        writing.join_all().await;
    }
    let path = ledgers[0].accounting().await.unwrap().paths.remove(0);
    assert_eq!((path.passed, path.slots), (1_600, 1_600), "those that were fired outrank the others");
}
