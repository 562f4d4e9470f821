//! Tests on their way, many at once, as a board and a ledger hold them: all is seen of each but the stage that it
//! waits for.

use std::ops::Range;
use std::time::Duration;

use canary_domain::{
    Answer, Backend, EventType, Facts, FireStatus, Interval, Moment, Origin, Role, Sighting, Stage, Stamp,
    Test, TestId, Via,
};
use canary_store::{Board, FactsRow, Holder, Leadership, Ledger, ReactorState, wall};
use chrono::TimeDelta;
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use crate::{Bench, CANARY, LAST};

/// Long enough that none is over while it is measured.
pub(crate) const WATCH: Duration = Duration::from_secs(3_600);
const DEADLINE: Duration = Duration::from_secs(1_800);
pub(crate) const PATHS: usize = 30;
const AT_ONCE: usize = 1_000;

/// The same rows that the export's benchmark has.
const ROWS: &str = include_str!("../../../export/benches/export/rows.sql");
const LAST_CHANGE: &str = "INSERT INTO canary_change_feed (canary, last_change)
    SELECT canary, max(change_id) FROM canary_test_results GROUP BY canary
    ON CONFLICT (canary) DO UPDATE SET last_change = excluded.last_change";
const DAY: i64 = 24 * 60;

/// All of them, in the order of their registration.
pub(crate) struct Flight(Vec<Facts>);

impl Flight {
    /// Puts so many tests on the board, and their pending rows into the ledger.
    pub async fn take_off(bench: &Bench, size: usize) -> Self {
        let start = wall() - TimeDelta::seconds(60);
        let tests: Vec<Facts> = (0..size).map(|number| facts(number, start)).collect();
        for some in tests.chunks(AT_ONCE) {
            let pending = |facts: &Facts| FactsRow {
                facts: facts.clone(),
                verdict: None,
                judged_at: start,
                judge_term: 1,
            };
            let rows: Vec<FactsRow> = some.iter().map(pending).collect();
            bench.ledger.record(&rows).await.unwrap();
            bench.board.restore(some).await.unwrap();
            // A test that is back on the board is judged with more doubt; these were never away.
            let mut forget = redis::pipe();
            for facts in some {
                forget.hdel(format!("{}canary:{}", bench.prefix, facts.test.test_id), "restored").ignore();
            }
            forget.query_async::<()>(&mut bench.redis.clone()).await.unwrap();
        }
        cover(&*bench.board, start).await;
        Self(tests)
    }

    /// The stage that they wait for is seen of these.
    pub async fn land(&self, board: &dyn Board, which: Range<usize>) {
        let sighting = |facts: &Facts| {
            let seen = facts.start() + TimeDelta::seconds(2);
            Sighting { test_id: facts.test.test_id, stage: LAST, stamp: stamp(seen) }
        };
        let batch: Vec<Sighting> = self.0[which].iter().map(sighting).collect();
        assert_eq!(board.stamp(&batch).await.unwrap(), []);
    }
}

fn facts(number: usize, start: Moment) -> Facts {
    let (lap, path) = (number / PATHS, number % PATHS);
    let registered_at = start + TimeDelta::microseconds(i64::try_from(number).unwrap());
    let test = Test {
        test_id: TestId::random(),
        canary: CANARY.into(),
        path: format!("flight-{path}"),
        backend: Backend::Async,
        origin: Origin::Schedule,
        cycle: Some(i64::try_from(lap).unwrap()),
        period_ms: Some(60_000),
        term: 1_764_000_000_000,
        source_frame: "a".into(),
        dest_frame: "a".into(),
        sender: "did:avt:canary:5f1b6c0e9d7a4c31:alpha".into(),
        receiver: "did:avt:canary:5f1b6c0e9d7a4c31:bravo".into(),
        amount: "0.01".parse().unwrap(),
        registered_at,
        deadline: DEADLINE,
        watch: WATCH,
    };
    let (transfer_id, at) = (Some(TestId::random().to_string()), registered_at + TimeDelta::milliseconds(9));
    let answer = Answer { at, status: FireStatus::Accepted, code: Some(202), transfer_id, error: None };
    let mut facts = Facts {
        fired_at: Some(registered_at + TimeDelta::milliseconds(2)),
        fired_error_us: 120,
        answer: Some(answer),
        ..Facts::registered(test)
    };
    for stage in [Stage::TokensXfer, Stage::FeeCollected, Stage::CfInitiated] {
        facts.stamps.add(stage, stamp(at));
    }
    facts
}

fn stamp(seen: Moment) -> Stamp {
    let occurred = seen - TimeDelta::microseconds(700);
    Stamp { seen, via: Via::Live, occurred, frame: "a".into(), position: 1_234_567, error_us: 120 }
}

/// The reactors have seen everything.
async fn cover(board: &dyn Board, from: Moment) {
    let covered = Some(Interval { from: from - TimeDelta::seconds(60), until: wall() });
    for event_type in EventType::ALL {
        let state = ReactorState {
            frame: "a".into(),
            event_type: *event_type,
            node: "n".into(),
            position: Some(1),
            covered,
            connected: true,
            last_event_at: None,
            events_total: 0,
            matched_total: 0,
            reconnects_total: 0,
        };
        board.save_reactor(&state).await.unwrap();
    }
}

/// Leads as judge for as long as it takes.
pub(crate) fn leading() -> Leadership {
    let holder = Holder { node: "n".into(), term: 1 };
    Leadership::new(Role::Judge, holder, Instant::now() + Duration::from_secs(86_400))
}

/// What so many days of 30 paths, a slot a minute, have left in the ledger; answers how many rows, in words.
pub(crate) async fn history(database: &str, days: i64) -> String {
    let mut sql = PgConnection::connect(database).await.unwrap();
    let this = wall().timestamp() / 60 - 15;
    let mut rows = 0;
    for day in (0..days).rev() {
        let last = this - day * DAY;
        let insert = sqlx::query(ROWS).bind(CANARY).bind(30_i32).bind(last - DAY + 1).bind(last);
        rows += insert.execute(&mut sql).await.unwrap().rows_affected();
        sqlx::raw_sql(LAST_CHANGE).execute(&mut sql).await.unwrap();
    }
    sqlx::raw_sql("VACUUM (ANALYZE) canary_test_results").execute(&mut sql).await.unwrap();
    canary_figures::number(f64::from(u32::try_from(rows).unwrap()))
}
