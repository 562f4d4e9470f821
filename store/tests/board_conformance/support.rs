//! Boards to ask, tests to put on them, and waiting for a condition.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use canary_domain::{
    Answer, Backend, Facts, FireError, FireStatus, Mismatch, Moment, Origin, Reason, Role, Sighting, Stage,
    Stamp, Test, TestId, Via, Withheld,
};
use canary_store::{
    Announcement, Announcements, Board, Holder, Leadership, MemoryBoard, RedisBoard, Registration,
};
use canary_test_servers::{Redis, shared_redis};
use chrono::{DateTime, TimeDelta};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

/// Far more than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One board, and the same as a second instance meets it.
pub struct Boards {
    pub board: Arc<dyn Board>,
    pub other: Arc<dyn Board>,
}

/// Asks the same of a board in memory and of one on Redis.
macro_rules! both {
    ($($(#[doc = $doc:literal])* async fn $name:ident($boards:ident) $body:block)*) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(clippy::allow_attributes, unused_imports, reason = "not every case needs all of it")]
            use super::*;

            async fn check($boards: $crate::support::Boards) $body

            #[tokio::test]
            async fn in_memory() {
                check($crate::support::in_memory()).await;
            }

            #[tokio::test]
            async fn on_redis() {
                check($crate::support::on_redis()).await;
            }
        }
    )*};
}
pub(crate) use both;

pub fn in_memory() -> Boards {
    let board: Arc<dyn Board> = Arc::new(MemoryBoard::new());
    Boards { other: Arc::clone(&board), board }
}

pub fn on_redis() -> Boards {
    let prefix = prefix();
    Boards {
        board: Arc::new(connect(shared_redis(), &prefix)),
        other: Arc::new(connect(shared_redis(), &prefix)),
    }
}

/// A prefix that no other test has.
pub fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}:", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn connect(server: &Redis, prefix: &str) -> RedisBoard {
    RedisBoard::connect(&server.url().into(), prefix.to_owned()).unwrap()
}

/// A moment by its milliseconds, far from the machine's clock.
pub fn at(ms: i64) -> Moment {
    DateTime::from_timestamp_millis(1_795_224_153_000 + ms).unwrap() + TimeDelta::microseconds(7)
}

/// Leads as the runner.
pub async fn lead(board: &dyn Board) -> Leadership {
    let node = "node:1".to_owned();
    let term = board.acquire(Role::Runner, &node, Duration::from_secs(60)).await.unwrap().unwrap();
    Leadership::new(Role::Runner, Holder { node, term }, Instant::now() + Duration::from_secs(60))
}

pub fn test(path: &str, cycle: Option<i64>) -> Test {
    Test {
        test_id: TestId::random(),
        canary: "prod".to_owned(),
        path: path.to_owned(),
        backend: Backend::Async,
        origin: if cycle.is_some() { Origin::Schedule } else { Origin::Fire },
        cycle,
        period_ms: cycle.map(|_| 60_000),
        term: 7,
        source_frame: "a".to_owned(),
        dest_frame: "b".to_owned(),
        sender: "did:x:alpha".to_owned(),
        receiver: "did:x:bravo".to_owned(),
        amount: "0.010".parse().unwrap(),
        registered_at: at(0),
        deadline: Duration::from_secs(330),
        watch: Duration::from_secs(600),
    }
}

/// Puts a fresh test on the board.
pub async fn registered(board: &dyn Board) -> Test {
    let test = test("a-async", None);
    register(board, std::slice::from_ref(&test)).await;
    test
}

/// Puts tests on the board, leading for that time.
pub async fn register(board: &dyn Board, tests: &[Test]) {
    let lead = lead(board).await;
    for test in tests {
        assert_eq!(board.register(&lead, test).await.unwrap(), Registration::Registered);
    }
    board.release(Role::Runner, &lead.holder()).await.unwrap();
}

pub fn answer(status: FireStatus) -> Answer {
    let accepted = status == FireStatus::Accepted;
    Answer {
        at: at(130),
        status,
        code: accepted.then_some(202),
        transfer_id: accepted.then(|| format!("tx-{}", TestId::random())),
        error: (!accepted)
            .then(|| FireError { code: Some("E1".to_owned()), detail: "no \"luck\"\nat all".to_owned() }),
    }
}

pub fn withheld() -> Withheld {
    Withheld { at: at(50), reason: Reason::Credentials, code: Some(403) }
}

pub fn mismatch(ms: i64, what: &str) -> Mismatch {
    Mismatch { at: at(ms), what: what.to_owned() }
}

pub fn stamp(seen_ms: i64) -> Stamp {
    Stamp {
        seen: at(seen_ms),
        via: Via::Live,
        occurred: at(seen_ms - 5),
        frame: "a".to_owned(),
        position: 41,
        error_us: 90,
    }
}

pub fn sighting(test_id: TestId, stage: Stage, seen_ms: i64) -> Sighting {
    Sighting { test_id, stage, stamp: stamp(seen_ms) }
}

/// Facts with something in every place.
pub fn whole(test: Test) -> Facts {
    let mut facts = Facts {
        fired_at: Some(at(100)),
        fired_error_us: 55,
        answer: Some(answer(FireStatus::Accepted)),
        withheld: Some(withheld()),
        mismatch: Some(mismatch(170, "amount 5 instead of 0.01")),
        restored: true,
        ..Facts::registered(test)
    };
    for (index, stage) in (0..).zip(Stage::ALL) {
        facts.stamps.add(*stage, stamp(200 + index));
    }
    facts
}

/// What the board holds of an open test.
pub async fn facts(board: &dyn Board, test_id: TestId) -> Facts {
    let open = board.open_tests().await.unwrap();
    open.into_iter().find(|facts| facts.test.test_id == test_id).expect("the test is open")
}

/// Forgets what was touched so far, as a sweep does: all looks are set far ahead.
pub async fn swept(board: &dyn Board) {
    let due = board.due(at(0), 10_000).await.unwrap();
    let looks: Vec<_> = due.facts.iter().map(|facts| (facts.test.test_id, at(9_000_000))).collect();
    board.reschedule(&looks).await.unwrap();
    assert_eq!(due_at(board, 0).await, []);
}

/// The tests due at a moment, in their order.
pub async fn due_at(board: &dyn Board, ms: i64) -> Vec<TestId> {
    let due = board.due(at(ms), 10_000).await.unwrap();
    assert_eq!(due.lost, []);
    due.facts.iter().map(|facts| facts.test.test_id).collect()
}

/// The next announcement.
pub async fn heard(announcements: &mut Announcements) -> Announcement {
    timeout(PATIENCE, announcements.next())
        .await
        .expect("an announcement in time")
        .expect("a stream that lasts")
}

/// Makes sure that nothing was announced so far: the next that is heard is what is announced now.
pub async fn nothing_heard(board: &dyn Board, announcements: &mut Announcements) {
    let test = test("marker", None);
    board.restore(&[Facts::registered(test.clone())]).await.unwrap();
    assert_eq!(heard(announcements).await, Announcement::Test { test: Box::new(test.clone()) });
    board.close(&[test.test_id]).await.unwrap();
}

/// Asks until the answer is yes.
pub async fn until(what: &str, mut yes: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !yes().await {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
