//! Whatever facts and verdicts there are, the ledger gives back what it was given, to the microsecond.

use std::time::Duration;

use canary_domain::{
    Amount, Answer, Backend, Facts, FireError, FireStatus, LatencyBasis, Mismatch, Moment, Origin, Outcome,
    Reason, Stage, Stamp, Stamps, Test, TestId, Verdict, Via, Withheld,
};
use canary_store::{FactsRow, Ledger};
use chrono::{DateTime, TimeDelta};
use proptest::option::of as maybe;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use rust_decimal::Decimal;

use crate::fixtures::PERIOD_MS;
use crate::home::{CANARY, Home};

fn moment() -> impl Strategy<Value = Moment> {
    // From 1970 to 2100.
    (0..4_102_444_800_000_000_i64).prop_map(|us| DateTime::from_timestamp_micros(us).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,12}|\\PC{0,12}|[\"\\\\'{}$?,:\n\t]{1,6}"
}

fn test_of(cycle: Option<i64>) -> impl Strategy<Value = Test> {
    let names = (text(), text(), text(), text(), text());
    let numbers = (any::<i64>(), 1..1_000_000_000_000_i64, 0..9_u32, 0..1_000_000_u64, 0..1_000_000_000_u64);
    (names, numbers, moment(), select(Backend::ALL), select(vec![Origin::Fire, Origin::Probe])).prop_map(
        move |(names, (term, units, scale, deadline, watch), registered_at, backend, asked)| Test {
            test_id: TestId::random(),
            canary: CANARY.into(),
            path: format!("{}{cycle:?}", names.0),
            backend,
            origin: cycle.map_or(asked, |_| Origin::Schedule),
            cycle,
            period_ms: cycle.map(|_| PERIOD_MS),
            term,
            source_frame: names.1,
            dest_frame: names.2,
            sender: names.3,
            receiver: names.4,
            amount: Amount::new(Decimal::new(units, scale)).unwrap(),
            registered_at,
            deadline: Duration::from_millis(deadline),
            watch: Duration::from_millis(watch),
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    let statuses =
        vec![FireStatus::Accepted, FireStatus::Rejected, FireStatus::Unavailable, FireStatus::Timeout];
    let error = (maybe(text()), text()).prop_map(|(code, detail)| FireError { code, detail });
    (moment(), select(statuses), maybe(any::<u16>()), maybe(text()), maybe(error))
        .prop_map(|(at, status, code, transfer_id, error)| Answer { at, status, code, transfer_id, error })
}

fn stamps() -> impl Strategy<Value = Stamps> {
    let vias = vec![Via::Live, Via::Replay, Via::Backstop];
    let stamp = (moment(), select(vias), moment(), text(), any::<i64>(), 0..u64::MAX).prop_map(
        |(seen, via, occurred, frame, position, error_us)| Stamp {
            seen,
            via,
            occurred,
            frame,
            position,
            error_us,
        },
    );
    prop::collection::vec((select(Stage::ALL), stamp), 0..8).prop_map(|list| {
        let mut stamps = Stamps::default();
        for (stage, stamp) in list {
            stamps.add(stage, stamp);
        }
        stamps
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    let withheld = (moment(), select(Reason::ALL), maybe(any::<u16>()))
        .prop_map(|(at, reason, code)| Withheld { at, reason, code });
    let mismatch = (moment(), text()).prop_map(|(at, what)| Mismatch { at, what });
    let test = maybe(0..i64::from(i32::MAX)).prop_flat_map(test_of);
    let rest =
        (maybe(moment()), 0..1_000_000_u64, maybe(answer()), maybe(withheld), stamps(), maybe(mismatch));
    (test, rest).prop_map(|(test, (fired_at, fired_error_us, answer, withheld, stamps, mismatch))| Facts {
        test,
        fired_at,
        fired_error_us,
        answer,
        withheld,
        stamps,
        mismatch,
        restored: false,
    })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let words = (
        select(vec![Outcome::Passed, Outcome::Late, Outcome::Failed, Outcome::Inconclusive]),
        maybe(select(Reason::ALL)),
        prop::collection::vec(select(vec!["tokens_xfer", "cf_initiated", "tokens_xfer|cf_settled"]), 0..3),
        maybe(select(vec![LatencyBasis::Observed, LatencyBasis::EventTime])),
    );
    let ms = || maybe((0..i64::from(u32::MAX) * 1_000).prop_map(|us| us as f64 / 1_000.0));
    (words, (moment(), maybe(moment()), ms(), ms(), maybe(any::<bool>()))).prop_map(
        |(
            (outcome, reason, missing, latency_basis),
            (decided_as_of, completed_at, latency_ms, error, landed),
        )| {
            Verdict {
                outcome,
                reason,
                missing,
                decided_as_of,
                completed_at,
                latency_ms,
                latency_basis,
                clock_error_ms: error,
                landed,
            }
        },
    )
}

async fn give_and_take(ledger: &dyn Ledger, facts: Facts, verdict: Verdict) {
    let judged_at = verdict.decided_as_of + TimeDelta::microseconds(1);
    let pending = FactsRow { facts, verdict: None, judged_at, judge_term: 3 };
    let judged = FactsRow { verdict: Some(verdict.clone()), ..pending.clone() };
    let id = judged.facts.test.test_id;
    ledger.record(std::slice::from_ref(&pending)).await.unwrap();
    assert_eq!(ledger.rows(&[id]).await.unwrap()[0].facts, pending.facts);
    assert_eq!(ledger.record(std::slice::from_ref(&judged)).await.unwrap().len(), 1);
    assert_eq!(ledger.record(std::slice::from_ref(&judged)).await.unwrap(), [], "a row equals itself");
    let row = ledger.rows(&[id]).await.unwrap().remove(0);
    assert_eq!(row.facts, judged.facts);
    let given =
        (verdict.outcome, verdict.reason, verdict.latency_ms, verdict.latency_basis, verdict.clock_error_ms);
    assert_eq!((row.outcome, row.reason, row.latency_ms, row.latency_basis, row.clock_error_ms), given);
    let given = (Some(verdict.decided_as_of), verdict.completed_at, verdict.landed);
    assert_eq!((row.decided_as_of, row.completed_at, row.landed), given);
    assert_eq!(
        (row.missing, row.judged_at),
        (verdict.missing.iter().map(ToString::to_string).collect(), Some(judged_at))
    );
}

pub async fn what_is_written_is_read_again_to_the_microsecond(home: &Home) {
    let ledger = home.ledger();
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(150) });
        runner
            .run(&(facts(), verdict()), |(facts, verdict)| {
                runtime.block_on(give_and_take(&*ledger, facts, verdict));
                Ok(())
            })
            .unwrap();
    });
}
