//! One row between the domain's types and SQL: flat, with the columns' names, the same for both databases.
//!
//! Written, it is an object in the JSON array that a statement takes; read, it comes from a row of either make.

use std::collections::BTreeMap;
use std::time::Duration;

use canary_domain::{
    Amount, Answer, Backend, Facts, FireError, FireStatus, LatencyBasis, Mismatch, Moment, Origin, Outcome,
    Reason, Stage, Stamp, Stamps, Test, TestId, Verdict, Withheld,
};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::types::Json;

use super::values::{Millis, Time, Word, foreign};
use super::{FactsRow, ResultRow, Unfired};

/// A row of `canary_test_results`; what each column means is said in the migrations.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
pub(super) struct Record {
    pub(super) test_id: Word<TestId>,
    pub(super) canary: String,
    pub(super) path: String,
    pub(super) backend: Word<Backend>,
    pub(super) source_frame: String,
    pub(super) dest_frame: String,
    pub(super) cycle: Option<i64>,
    pub(super) term: i64,
    pub(super) sender: String,
    pub(super) receiver: String,
    pub(super) amount: Word<Amount>,
    pub(super) transfer_id: Option<String>,
    pub(super) registered_at: Time,
    pub(super) fired_at: Option<Time>,
    pub(super) accepted_at: Option<Time>,
    pub(super) fire_status: Option<Word<FireStatus>>,
    pub(super) fire_code: Option<i32>,
    pub(super) tokens_xfer_seen_at: Option<Time>,
    pub(super) fee_collected_seen_at: Option<Time>,
    pub(super) cf_initiated_seen_at: Option<Time>,
    pub(super) cf_settled_local_seen_at: Option<Time>,
    pub(super) cf_settled_remote_seen_at: Option<Time>,
    pub(super) cf_refunded_seen_at: Option<Time>,
    pub(super) stamps: Json<BTreeMap<Stage, Stamp>>,
    pub(super) completed_at: Option<Time>,
    pub(super) deadline_at: Option<Time>,
    pub(super) decided_as_of: Option<Time>,
    pub(super) judged_at: Option<Time>,
    pub(super) outcome: Word<Outcome>,
    pub(super) failure_signal: Option<Word<Reason>>,
    pub(super) missing_stages: Json<Vec<String>>,
    pub(super) total_latency_ms: Option<Millis>,
    pub(super) latency_basis: Option<Word<LatencyBasis>>,
    pub(super) clock_error_ms: Option<Millis>,
    pub(super) revision: i32,
    pub(super) origin: Word<Origin>,
    pub(super) period_ms: Option<i64>,
    pub(super) deadline_ms: i64,
    pub(super) watch_ms: i64,
    pub(super) fired_error_us: i64,
    pub(super) answered_at: Option<Time>,
    pub(super) fire_error: Option<Json<FireError>>,
    pub(super) withheld: Option<Json<Withheld>>,
    pub(super) mismatch: Option<Json<Mismatch>>,
    pub(super) landed: Option<bool>,
    pub(super) judge_term: i64,
}

impl Record {
    /// The pending row of a test that was just claimed.
    pub(super) fn claimed(test: &Test) -> Self {
        Self::pending(&Facts::registered(test.clone()))
    }

    /// The row of a slot that was not fired. It holds the reason among its facts too, so that judging them again
    /// gives the same verdict (I3).
    pub(super) fn unfired(unfired: &Unfired) -> Self {
        let withheld = Withheld { at: unfired.at, reason: unfired.reason, code: None };
        let facts = Facts { withheld: Some(withheld), ..Facts::registered(unfired.test.clone()) };
        Self {
            outcome: Word(unfired.reason.outcome()),
            failure_signal: Some(Word(unfired.reason)),
            decided_as_of: Some(unfired.at.into()),
            judged_at: Some(unfired.at.into()),
            revision: 1,
            ..Self::pending(&facts)
        }
    }

    /// The row that the judge wants; its revision is that of a row that was not there before.
    pub(super) fn judged(row: &FactsRow) -> Self {
        let record = Self { judge_term: row.judge_term, ..Self::pending(&row.facts) };
        match &row.verdict {
            None => record,
            Some(verdict) => record.decided(verdict, row.judged_at),
        }
    }

    fn decided(self, verdict: &Verdict, judged_at: Moment) -> Self {
        Self {
            completed_at: verdict.completed_at.map(Time::from),
            decided_as_of: Some(verdict.decided_as_of.into()),
            judged_at: Some(judged_at.into()),
            outcome: Word(verdict.outcome),
            failure_signal: verdict.reason.map(Word),
            missing_stages: Json(verdict.missing.iter().map(ToString::to_string).collect()),
            total_latency_ms: verdict.latency_ms.map(Millis::from),
            latency_basis: verdict.latency_basis.map(Word),
            clock_error_ms: verdict.clock_error_ms.map(Millis::from),
            landed: verdict.landed,
            revision: 1,
            ..self
        }
    }

    fn pending(facts: &Facts) -> Self {
        let test = &facts.test;
        let answer = facts.answer.as_ref();
        let seen = |stage| facts.stamps.get(stage).map(|stamp| stamp.seen.into());
        Self {
            test_id: Word(test.test_id),
            canary: test.canary.clone(),
            path: test.path.clone(),
            backend: Word(test.backend),
            source_frame: test.source_frame.clone(),
            dest_frame: test.dest_frame.clone(),
            cycle: test.cycle,
            term: test.term,
            sender: test.sender.clone(),
            receiver: test.receiver.clone(),
            amount: Word(test.amount),
            transfer_id: facts.transfer_id().map(foreign),
            registered_at: test.registered_at.into(),
            fired_at: facts.fired_at.map(Time::from),
            accepted_at: answer.filter(|a| a.status == FireStatus::Accepted).map(|a| a.at.into()),
            fire_status: facts.fire_status().map(Word),
            fire_code: answer.and_then(|a| a.code).map(i32::from),
            tokens_xfer_seen_at: seen(Stage::TokensXfer),
            fee_collected_seen_at: seen(Stage::FeeCollected),
            cf_initiated_seen_at: seen(Stage::CfInitiated),
            cf_settled_local_seen_at: seen(Stage::CfSettledLocal),
            cf_settled_remote_seen_at: seen(Stage::CfSettledRemote),
            cf_refunded_seen_at: seen(Stage::CfRefunded),
            stamps: Json(facts.stamps.iter().map(|(stage, stamp)| (stage, kept(stamp))).collect()),
            completed_at: None,
            deadline_at: (facts.fired_at.is_some() || facts.withheld.is_none())
                .then(|| facts.deadline_at().into()),
            decided_as_of: None,
            judged_at: None,
            outcome: Word(Outcome::Pending),
            failure_signal: None,
            missing_stages: Json(Vec::new()),
            total_latency_ms: None,
            latency_basis: None,
            clock_error_ms: None,
            revision: 0,
            origin: Word(test.origin),
            period_ms: test.period_ms,
            deadline_ms: whole_millis(test.deadline),
            watch_ms: whole_millis(test.watch),
            fired_error_us: i64::try_from(facts.fired_error_us).unwrap_or(i64::MAX),
            answered_at: answer.map(|a| a.at.into()),
            fire_error: answer.and_then(|a| a.error.as_ref()).map(|error| {
                Json(FireError { code: error.code.as_deref().map(foreign), detail: foreign(&error.detail) })
            }),
            withheld: facts.withheld.clone().map(Json),
            mismatch: facts.mismatch.as_ref().map(|m| Json(Mismatch { at: m.at, what: foreign(&m.what) })),
            landed: None,
            judge_term: 0,
        }
    }

    /// The facts, as they were when the row was written.
    pub(super) fn into_facts(self) -> Facts {
        let mut stamps = Stamps::default();
        for (stage, stamp) in self.stamps.0 {
            stamps.add(stage, stamp);
        }
        let answer = self.answered_at.zip(self.fire_status).map(|(at, status)| Answer {
            at: at.into(),
            status: status.0,
            code: self.fire_code.and_then(|code| u16::try_from(code).ok()),
            transfer_id: self.transfer_id,
            error: self.fire_error.map(|error| error.0),
        });
        Facts {
            test: Test {
                test_id: self.test_id.0,
                canary: self.canary,
                path: self.path,
                backend: self.backend.0,
                origin: self.origin.0,
                cycle: self.cycle,
                period_ms: self.period_ms,
                term: self.term,
                source_frame: self.source_frame,
                dest_frame: self.dest_frame,
                sender: self.sender,
                receiver: self.receiver,
                amount: self.amount.0,
                registered_at: self.registered_at.into(),
                deadline: Duration::from_millis(self.deadline_ms.unsigned_abs()),
                watch: Duration::from_millis(self.watch_ms.unsigned_abs()),
            },
            fired_at: self.fired_at.map(Moment::from),
            fired_error_us: self.fired_error_us.unsigned_abs(),
            answer,
            withheld: self.withheld.map(|withheld| withheld.0),
            stamps,
            mismatch: self.mismatch.map(|mismatch| mismatch.0),
            restored: false,
        }
    }

    /// The row for those who read results.
    pub(super) fn into_row(mut self) -> ResultRow {
        ResultRow {
            deadline_at: self.deadline_at.map(Moment::from),
            outcome: self.outcome.0,
            reason: self.failure_signal.map(|reason| reason.0),
            missing: std::mem::take(&mut self.missing_stages.0),
            completed_at: self.completed_at.map(Moment::from),
            decided_as_of: self.decided_as_of.map(Moment::from),
            judged_at: self.judged_at.map(Moment::from),
            latency_ms: self.total_latency_ms.map(f64::from),
            latency_basis: self.latency_basis.map(|basis| basis.0),
            clock_error_ms: self.clock_error_ms.map(f64::from),
            landed: self.landed,
            revision: self.revision,
            judge_term: self.judge_term,
            facts: self.into_facts(),
        }
    }
}

fn kept(stamp: &Stamp) -> Stamp {
    Stamp { frame: foreign(&stamp.frame), ..stamp.clone() }
}

fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::columns::COLUMNS;
    use super::*;

    #[test]
    fn a_record_has_exactly_the_columns_of_the_table() {
        let test = Test {
            test_id: TestId::random(),
            canary: "prod".into(),
            path: "p".into(),
            backend: Backend::Intra,
            origin: Origin::Fire,
            cycle: None,
            period_ms: None,
            term: 1,
            source_frame: "a".into(),
            dest_frame: "a".into(),
            sender: "did:a".into(),
            receiver: "did:b".into(),
            amount: "0.01".parse().unwrap(),
            registered_at: Moment::UNIX_EPOCH,
            deadline: Duration::from_secs(30),
            watch: Duration::from_secs(600),
        };
        let value = serde_json::to_value(Record::claimed(&test)).unwrap();
        let mut fields: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let mut columns: Vec<&str> = COLUMNS.iter().map(|(name, _, _)| *name).collect();
        fields.sort_unstable();
        columns.sort_unstable();
        assert_eq!(fields, columns);
    }
}
