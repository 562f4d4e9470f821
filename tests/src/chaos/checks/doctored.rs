//! A small sound history, for the checks' tests to doctor: a transfer inside frame a, a saga, and strangers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{
    Answer, Facts, FireStatus, LatencyBasis, Origin, Outcome, Stage, Stamp, Stamps, Test, Via,
};
use canary_sandbox::{
    Backend, Effect, EmittedEvent, EventData, EventType, Movement, MovementKind, Record, TransferCall,
};
use canary_store::ResultRow;
use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::super::history::Moment;
use super::super::{History, Snapshot, Told, Violation};
use crate::Row;

const AMOUNT: &str = "0.01";
const STRANGER: u64 = 3;

/// What a check says of a doctored history, each in a line.
pub(super) fn found(check: fn(&History) -> Vec<Violation>, doctor: impl Fn(&mut History)) -> Vec<String> {
    let mut history = sound();
    assert_eq!(check(&history), [], "before it was doctored");
    doctor(&mut history);
    check(&history).iter().map(|violation| format!("{:?}: {}", violation.invariant, violation.what)).collect()
}

fn at(millis: i64) -> Moment {
    Moment::from_timestamp_millis(1_764_220_000_000 + millis).unwrap()
}

/// Rows: the transfer, its path's next slot which nobody fired, the saga.
pub(super) fn sound() -> History {
    let transfer = Fired { path: "a-intra", backend: Backend::Intra, cycle: 7, from: 0 };
    let saga = Fired { path: "a-async-b", backend: Backend::Async, cycle: 7, from: 100 };
    let missed = Row {
        test_id: Uuid::from_u128(99),
        cycle: Some(8),
        outcome: "missed".into(),
        failure_signal: Some("no_leader".into()),
        registered_at: at(2_000),
        fired_at: None,
        deadline_at: None,
        completed_at: None,
        total_latency_ms: None,
        stamps: json!({}),
        tokens_xfer_seen_at: None,
        ..transfer.row()
    };
    let rows = vec![transfer.row(), missed, saga.row()];
    let snapshot = |millis| Snapshot {
        at: at(millis),
        rows: rows.iter().map(|row| (row.test_id, Arc::new(row.clone()))).collect::<BTreeMap<_, _>>(),
    };
    let events =
        [transfer.events(), saga.events(), vec![transfer.event(STRANGER, EventType::TokensTransferred)]];
    let mut events = events.concat();
    let stranger = events.last_mut().unwrap();
    (stranger.backend, stranger.data.transfer_id) = (None, "another".into());
    History {
        struck: Vec::new(),
        record: Record {
            calls: vec![transfer.call(), saga.call()],
            movements: vec![transfer.debit(), saga.debit()],
            events,
            ..Record::default()
        },
        snapshots: vec![snapshot(10_000), snapshot(20_000)],
        ledger: vec![transfer.result()],
        rows,
        counted: 1,
        uneven: Vec::new(),
        told: vec![Told { by: "instance-0-0.log".into(), text: "all is well\n".into() }],
        secrets: vec!["hidden".into()],
        settled: at(30_000),
        deadline: Duration::from_secs(5),
        call_timeout: Duration::from_secs(2),
        blind_after: Duration::from_secs(5),
        noticed: Vec::new(),
    }
}

/// A transfer that was seen at once.
struct Fired {
    path: &'static str,
    backend: Backend,
    cycle: i64,
    /// Milliseconds; what it is told apart by.
    from: i64,
}

impl Fired {
    fn id(&self) -> Uuid {
        Uuid::from_u128(u128::try_from(self.from).unwrap() + 1)
    }

    fn transfer(&self) -> String {
        format!("transfer-{}", self.from)
    }

    fn at(&self, millis: i64) -> Moment {
        at(self.from + millis)
    }

    /// Stages with their position in the store and when they were seen.
    fn stages(&self) -> Vec<(&'static str, EventType, u64, i64)> {
        let base = u64::try_from(self.from).unwrap();
        let tokens = ("tokens_xfer", EventType::TokensTransferred, base + 1, 10);
        match self.backend {
            Backend::Intra | Backend::TwoPhase => vec![tokens],
            Backend::Async => vec![
                tokens,
                ("cf_initiated", EventType::CrossFrameTransferInitiated, base + 2, 20),
                ("cf_settled_local", EventType::CrossFrameTransferSettled, base + 4, 30),
            ],
        }
    }

    fn event(&self, position: u64, event_type: EventType) -> EmittedEvent {
        let data = EventData {
            transfer_id: self.transfer(),
            from_agent_id: Some("did:avt:agent-alpha".into()),
            to_agent_id: Some("did:avt:agent-bravo".into()),
            amount: Some(AMOUNT.parse().unwrap()),
            memo: Some(format!("canary-{}", self.id())),
            ..EventData::default()
        };
        EmittedEvent {
            at: self.at(9),
            frame: "a".into(),
            position: Some(position),
            event_id: position.to_string(),
            event_type,
            occurred_at: self.at(8),
            source_frame: "a".into(),
            backend: Some(self.backend),
            data,
        }
    }

    fn events(&self) -> Vec<EmittedEvent> {
        self.stages()
            .into_iter()
            .map(|(_, event_type, position, _)| self.event(position, event_type))
            .collect()
    }

    fn call(&self) -> TransferCall {
        TransferCall {
            at: self.at(1),
            frame: "a".into(),
            backend: Some(self.backend),
            idempotency_key: Some(self.id().to_string()),
            sender: Some("did:avt:agent-alpha".into()),
            receiver: Some("did:avt:agent-bravo".into()),
            target_registry: None,
            amount: Some(AMOUNT.parse().unwrap()),
            message: Some(format!("canary-{}", self.id())),
            status: Some(200),
            answered_at: Some(self.at(5)),
            effect: Effect::Moved,
            transfer_id: Some(self.transfer()),
        }
    }

    fn debit(&self) -> Movement {
        Movement {
            at: self.at(2),
            frame: "a".into(),
            transfer_id: self.transfer(),
            account: "did:avt:agent-alpha".into(),
            kind: MovementKind::Debited,
            amount: AMOUNT.parse().unwrap(),
        }
    }

    fn row(&self) -> Row {
        let stages = self.stages();
        let stamps = stages.iter().map(|(stage, _, position, seen)| {
            let (seen, occurred) = (self.at(*seen), self.at(8));
            let stamp = json!({"seen": seen, "occurred": occurred, "via": "live", "frame": "a", "position": position});
            ((*stage).to_owned(), stamp)
        });
        let seen = |wanted: &str| {
            stages.iter().find(|(stage, ..)| *stage == wanted).map(|(_, _, _, seen)| self.at(*seen))
        };
        let took = stages.last().map(|(_, _, _, seen)| *seen).unwrap();
        Row {
            test_id: self.id(),
            canary: "test".into(),
            path: self.path.into(),
            backend: if self.backend == Backend::Intra { "intra" } else { "async" }.into(),
            source_frame: "a".into(),
            dest_frame: "a".into(),
            cycle: Some(self.cycle),
            term: 1,
            sender: "did:avt:agent-alpha".into(),
            receiver: "did:avt:agent-bravo".into(),
            amount: AMOUNT.parse().unwrap(),
            transfer_id: Some(self.transfer()),
            registered_at: self.at(-5),
            fired_at: Some(self.at(0)),
            accepted_at: Some(self.at(5)),
            fire_status: Some("accepted".into()),
            fire_code: Some(200),
            tokens_xfer_seen_at: seen("tokens_xfer"),
            fee_collected_seen_at: None,
            cf_initiated_seen_at: seen("cf_initiated"),
            cf_settled_local_seen_at: seen("cf_settled_local"),
            cf_settled_remote_seen_at: None,
            cf_refunded_seen_at: None,
            stamps: stamps.collect::<serde_json::Map<_, _>>().into(),
            completed_at: Some(self.at(took)),
            deadline_at: Some(self.at(5_000)),
            decided_as_of: Some(self.at(took)),
            judged_at: Some(self.at(900)),
            outcome: "passed".into(),
            failure_signal: None,
            missing_stages: Vec::new(),
            total_latency_ms: Some(f64::from(i32::try_from(took).unwrap())),
            latency_basis: Some("observed".into()),
            clock_error_ms: Some(1.5),
            revision: 1,
            origin: "schedule".into(),
            fire_error: None,
            mismatch: None,
            landed: None,
        }
    }

    /// As the ledger reads it: of the transfer inside a frame alone.
    fn result(&self) -> ResultRow {
        let seen = Stamp {
            seen: self.at(10),
            via: Via::Live,
            occurred: self.at(8),
            frame: "a".into(),
            position: 1,
            error_us: 1_000,
        };
        let mut stamps = Stamps::default();
        stamps.add(Stage::TokensXfer, seen);
        let answer = Answer {
            at: self.at(5),
            status: FireStatus::Accepted,
            code: Some(200),
            transfer_id: Some(self.transfer()),
            error: None,
        };
        let test = Test {
            test_id: self.id().to_string().parse().unwrap(),
            canary: "test".into(),
            path: self.path.into(),
            backend: canary_domain::Backend::Intra,
            origin: Origin::Schedule,
            cycle: Some(self.cycle),
            period_ms: Some(2_000),
            term: 1,
            source_frame: "a".into(),
            dest_frame: "a".into(),
            sender: "did:avt:agent-alpha".into(),
            receiver: "did:avt:agent-bravo".into(),
            amount: AMOUNT.parse().unwrap(),
            registered_at: self.at(-5),
            deadline: Duration::from_secs(5),
            watch: Duration::from_secs(60),
        };
        let facts = Facts {
            fired_at: Some(self.at(0)),
            fired_error_us: 500,
            answer: Some(answer),
            stamps,
            ..Facts::registered(test)
        };
        ResultRow {
            deadline_at: Some(facts.start() + TimeDelta::seconds(5)),
            outcome: Outcome::Passed,
            reason: None,
            missing: Vec::new(),
            completed_at: Some(self.at(10)),
            decided_as_of: Some(self.at(10)),
            judged_at: Some(self.at(900)),
            latency_ms: Some(10.0),
            latency_basis: Some(LatencyBasis::Observed),
            clock_error_ms: Some(1.5),
            landed: None,
            revision: 1,
            judge_term: 1,
            facts,
        }
    }
}
