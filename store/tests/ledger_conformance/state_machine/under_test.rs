//! The ledgers under test, and the comparison with the plain one.

use std::marker::PhantomData;
use std::sync::Arc;

use canary_domain::{Outcome, TestId};
use canary_store::{Brief, Claim, ExportMark, Filter, Ledger, PathAccount};
use proptest_state_machine::StateMachineTest;
use tokio::runtime::Runtime;

use super::plain::{Answered, Plain};
use super::step::{OUTCOMES, PATHS, Step, TESTS, begin, id, made, row, unfired};
use crate::fixtures::{CYCLE, PERIOD_MS, at};
use crate::home::Home;

const TARGET: &str = "receiver";
const MANY: i64 = 100;

/// A make of ledger that can be had empty.
pub trait Make {
    async fn empty() -> Home;
}

pub struct Postgres;
pub struct Sqlite;

impl Make for Postgres {
    async fn empty() -> Home {
        Home::postgres().await
    }
}

impl Make for Sqlite {
    async fn empty() -> Home {
        Home::sqlite().await
    }
}

/// Ends the test of one ledger.
pub struct In<M>(PhantomData<M>);
pub type InPostgres = In<Postgres>;
pub type InSqlite = In<Sqlite>;

pub struct UnderTest {
    runtime: Runtime,
    ledger: Arc<dyn Ledger>,
    /// Kept for its folder or its server.
    _home: Home,
}

async fn take(ledger: &dyn Ledger, step: Step) -> Answered {
    match step {
        Step::Claim { test } => Answered::Yes(ledger.claim(&made(test)).await.unwrap() == Claim::Claimed),
        Step::WriteUnfired { rows } => {
            let rows: Vec<_> = rows.iter().map(unfired).collect();
            let mut written = ledger.write_unfired(&rows).await.unwrap();
            written.sort_unstable();
            Answered::Written(written)
        }
        Step::Record { rows } => {
            let rows: Vec<_> = rows.iter().map(row).collect();
            let mut changes = ledger.record(&rows).await.unwrap();
            changes.sort_by_key(|change| change.test_id);
            Answered::Changed(changes)
        }
        Step::Prune { cycle, limit } => Answered::Count(ledger.prune(begin(cycle), limit).await.unwrap()),
        Step::PlaceHold { hold } => Answered::Yes(ledger.place_hold(&hold, "ann", "drill").await.unwrap()),
        Step::LiftPause { path, ms } => {
            Answered::Count(ledger.lift_pause(PATHS[path], at(ms)).await.unwrap())
        }
        Step::EndMaintenance { ms } => Answered::Count(ledger.end_maintenance(at(ms)).await.unwrap()),
        Step::SaveMark { change } => {
            let mark = ExportMark { change, registered_at: at(0), test_id: id(0) };
            Answered::Yes(ledger.save_export_mark(TARGET, mark, at(0)).await.unwrap())
        }
    }
}

async fn compare_rows(ledger: &dyn Ledger, plain: &Plain) {
    let ids: Vec<TestId> = (0..TESTS).map(id).collect();
    let mut rows = ledger.rows(&ids).await.unwrap();
    rows.sort_by_key(|row| row.facts.test.test_id);
    let expected: Vec<_> = plain.rows.values().cloned().collect();
    assert_eq!(rows, expected);

    let place = |row: &canary_store::ResultRow| (row.facts.test.registered_at, row.facts.test.test_id);
    let mut newest_first = expected.clone();
    newest_first.sort_by_key(|row| std::cmp::Reverse(place(row)));
    let page = ledger.results(&Filter::default(), None, MANY).await.unwrap();
    assert_eq!((&page.rows, page.next), (&newest_first, None));
    if let [_, _, third, ..] = &newest_first[..] {
        let page = ledger.results(&Filter::default(), None, 2).await.unwrap();
        assert_eq!(page.rows, newest_first[..2]);
        let page = ledger.results(&Filter::default(), page.next, 1).await.unwrap();
        assert_eq!(page.rows, std::slice::from_ref(third));
    }

    let mut pending: Vec<_> = expected.into_iter().filter(|row| row.outcome == Outcome::Pending).collect();
    pending.sort_by_key(place);
    let pending: Vec<_> = pending.into_iter().map(|row| row.facts).collect();
    assert_eq!(ledger.pending(begin(CYCLE + 9), MANY).await.unwrap(), pending);
}

/// Numbers have gaps, so what is compared is their order, and that pages of them follow one another.
async fn compare_feed(ledger: &dyn Ledger, plain: &Plain) {
    let told = ledger.changes(0, MANY).await.unwrap();
    let expected: Vec<Brief> = plain
        .feed
        .iter()
        .zip(&told)
        .map(|(test, told)| Brief { change: told.change, ..Brief::from(&plain.rows[test]) })
        .collect();
    assert_eq!(told, expected);
    assert_eq!(told.len(), plain.feed.len());
    assert!(told.is_sorted_by(|one, next| one.change < next.change));
    let latest = ledger.latest_change().await.unwrap();
    assert!(told.last().is_none_or(|last| last.change <= Some(latest)));
    if let [first, second, third, ..] = &told[..] {
        let after = ledger.changes(first.change.unwrap(), 2).await.unwrap();
        assert_eq!(after, [second.clone(), third.clone()]);
    }
    let exported = ledger.export_changes(0, MANY).await.unwrap();
    let exported: Vec<_> = exported.into_iter().map(|row| (row.test_id, row.change)).collect();
    let scheduled = told.iter().filter(|brief| brief.cycle.is_some());
    assert_eq!(exported, scheduled.map(|brief| (brief.test_id, brief.change)).collect::<Vec<_>>());
    assert_eq!(ledger.export_mark(TARGET).await.unwrap(), plain.mark);
}

fn account(plain: &Plain, path: &str) -> Option<PathAccount> {
    let rows = plain.slots(path);
    let cycles = || rows.iter().filter_map(|row| row.facts.test.cycle);
    let slots = cycles().max()? - cycles().min()? + 1;
    let count = |outcome| i64::try_from(rows.iter().filter(|row| row.outcome == outcome).count()).unwrap();
    let [passed, late, failed, inconclusive, skipped, missed, pending] = OUTCOMES.map(count);
    let residual = slots - passed - late - failed - inconclusive - skipped - missed - pending;
    let path = path.to_owned();
    Some(PathAccount { path, slots, passed, late, failed, inconclusive, skipped, missed, pending, residual })
}

async fn compare_slots(ledger: &dyn Ledger, plain: &Plain) {
    let accounting = ledger.accounting().await.unwrap();
    let expected: Vec<_> = PATHS.iter().filter_map(|path| account(plain, path)).collect();
    assert_eq!(accounting.residual, expected.iter().map(|path| path.residual.abs()).sum::<i64>());
    assert_eq!(accounting.paths, expected);
    let spans = ledger.slot_spans(PERIOD_MS).await.unwrap();
    for path in PATHS {
        let cycles = || plain.slots(path).into_iter().filter_map(|row| row.facts.test.cycle);
        let span = spans.iter().find(|span| span.path == path);
        assert_eq!(span.map(|span| (span.first, span.last)), cycles().min().zip(cycles().max()));
        let gaps: Vec<i64> =
            (CYCLE..CYCLE + 5).filter(|cycle| !cycles().any(|there| there == *cycle)).collect();
        assert_eq!(ledger.gaps(path, PERIOD_MS, CYCLE, CYCLE + 4, MANY).await.unwrap(), gaps);
    }
    for since in [0, 10] {
        assert_eq!(ledger.holds(at(since)).await.unwrap(), plain.holds_since(at(since)));
    }
}

impl<M: Make> StateMachineTest for In<M> {
    type SystemUnderTest = UnderTest;
    type Reference = Plain;

    fn init_test(_: &Plain) -> UnderTest {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let home = runtime.block_on(M::empty());
        let ledger = runtime.block_on(async { home.ledger() });
        UnderTest { runtime, ledger, _home: home }
    }

    fn apply(it: UnderTest, plain: &Plain, step: Step) -> UnderTest {
        it.runtime.block_on(async {
            assert_eq!(take(&*it.ledger, step).await, plain.answered);
            compare_rows(&*it.ledger, plain).await;
            compare_feed(&*it.ledger, plain).await;
            compare_slots(&*it.ledger, plain).await;
        });
        it
    }
}
