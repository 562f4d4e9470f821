//! A board and a ledger with somebody in between: who counts the calls, stops one for ever as a crash does, holds one
//! back as a paused process does, or lets none through as a broken network does.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, EventType, Facts, Hold, Mismatch, Moment, NodeId, Outcome, Role, Sighting, SlotKey, Term, Test,
    TestId, Withheld,
};
use canary_store::{
    Accounting, AgentState, Annotation, Announcements, AuditEntry, Board, Brief, Change, Claim, Due,
    Evidence, ExportMark, ExportRow, FactsRow, Filter, Holder, Leadership, Ledger, Observation, Page,
    PathHour, PlacedHold, ReactorState, Registration, Result, ResultRow, SlotSpan, StoreError, Unfired,
};
use tokio::sync::Notify;

/// Whoever is in between.
#[derive(Default)]
pub struct Spy {
    calls: Mutex<Vec<(&'static str, usize)>>,
    points: AtomicUsize,
    /// The point, counted from 1, beyond which nothing goes any more; 0: all go on.
    stop_at: AtomicUsize,
    pub stopped: Notify,
    /// The call that is held back before it is made.
    held: Mutex<Option<&'static str>>,
    pub arrived: Notify,
    pub release: Notify,
    pub away: AtomicBool,
    /// The call that fails while all others work.
    failing: Mutex<Option<&'static str>>,
}

impl Spy {
    pub fn stop_at(&self, point: usize) {
        self.points.store(0, Ordering::SeqCst);
        self.stop_at.store(point, Ordering::SeqCst);
    }

    pub fn hold(&self, call: &'static str) {
        *self.held.lock().unwrap() = Some(call);
    }

    pub fn fail(&self, call: Option<&'static str>) {
        *self.failing.lock().unwrap() = call;
    }

    /// What was called since this was asked last, and with how many items.
    pub fn take_calls(&self) -> Vec<(&'static str, usize)> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    async fn point(&self) {
        let point = self.points.fetch_add(1, Ordering::SeqCst) + 1;
        if point == self.stop_at.load(Ordering::SeqCst) {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }

    async fn before(&self, call: &'static str, items: usize) -> Result<()> {
        self.calls.lock().unwrap().push((call, items));
        if self.away.load(Ordering::SeqCst) || *self.failing.lock().unwrap() == Some(call) {
            return Err(StoreError::Unavailable {
                store: "PostgreSQL db.example:5432/canary".into(),
                step: call,
                cause: "connection refused".into(),
            });
        }
        let held = self.held.lock().unwrap().take_if(|held| *held == call).is_some();
        if held {
            self.arrived.notify_one();
            self.release.notified().await;
        }
        self.point().await;
        Ok(())
    }
}

macro_rules! through {
    ($self:ident . $call:ident ( $($argument:expr),* ) of $items:expr) => {{
        $self.spy.before(stringify!($call), $items).await?;
        let answer = $self.inner.$call($($argument),*).await;
        $self.spy.point().await;
        answer
    }};
    ($self:ident . $call:ident ( $($argument:expr),* )) => { through!($self.$call($($argument),*) of 0) };
}

pub struct SpyBoard {
    pub inner: Arc<dyn Board>,
    pub spy: Arc<Spy>,
}

#[async_trait]
impl Board for SpyBoard {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    async fn time(&self) -> Result<Moment> {
        through!(self.time())
    }
    async fn acquire(&self, role: Role, node: &NodeId, ttl: Duration) -> Result<Option<Term>> {
        through!(self.acquire(role, node, ttl))
    }
    async fn renew(&self, role: Role, holder: &Holder, ttl: Duration) -> Result<bool> {
        through!(self.renew(role, holder, ttl))
    }
    async fn release(&self, role: Role, holder: &Holder) -> Result<()> {
        through!(self.release(role, holder))
    }
    async fn holder(&self, role: Role) -> Result<Option<Holder>> {
        through!(self.holder(role))
    }
    async fn register(&self, lead: &Leadership, test: &Test) -> Result<Registration> {
        through!(self.register(lead, test))
    }
    async fn register_free(&self, test: &Test) -> Result<bool> {
        through!(self.register_free(test))
    }
    async fn claimed(&self, path: &str, cycles: &[i64]) -> Result<Vec<i64>> {
        through!(self.claimed(path, cycles))
    }
    async fn note_fired(&self, test_id: TestId, fired_at: Moment, error_us: u64) -> Result<bool> {
        through!(self.note_fired(test_id, fired_at, error_us))
    }
    async fn note_answer(&self, test_id: TestId, answer: &Answer) -> Result<bool> {
        through!(self.note_answer(test_id, answer))
    }
    async fn note_withheld(&self, test_id: TestId, withheld: &Withheld) -> Result<bool> {
        through!(self.note_withheld(test_id, withheld))
    }
    async fn restore(&self, facts: &[Facts]) -> Result<()> {
        through!(self.restore(facts) of facts.len())
    }
    async fn open_tests(&self) -> Result<Vec<Facts>> {
        through!(self.open_tests())
    }
    async fn announcements(&self) -> Result<Announcements> {
        through!(self.announcements())
    }
    async fn stamp(&self, batch: &[Sighting]) -> Result<Vec<TestId>> {
        through!(self.stamp(batch) of batch.len())
    }
    async fn note_mismatch(&self, test_id: TestId, mismatch: &Mismatch) -> Result<bool> {
        through!(self.note_mismatch(test_id, mismatch))
    }
    async fn save_reactor(&self, state: &ReactorState) -> Result<()> {
        through!(self.save_reactor(state))
    }
    async fn save_agent(&self, state: &AgentState) -> Result<()> {
        through!(self.save_agent(state))
    }
    async fn agents(&self) -> Result<Vec<AgentState>> {
        through!(self.agents())
    }
    async fn reactors(&self) -> Result<Vec<ReactorState>> {
        through!(self.reactors())
    }
    async fn position(&self, frame: &str, event_type: EventType) -> Result<Option<i64>> {
        through!(self.position(frame, event_type))
    }
    async fn due(&self, now: Moment, limit: usize) -> Result<Due> {
        through!(self.due(now, limit) of limit)
    }
    async fn reschedule(&self, looks: &[(TestId, Moment)]) -> Result<()> {
        through!(self.reschedule(looks) of looks.len())
    }
    async fn close(&self, tests: &[TestId]) -> Result<()> {
        through!(self.close(tests) of tests.len())
    }
    async fn keep(&self, tests: &[TestId]) -> Result<()> {
        through!(self.keep(tests) of tests.len())
    }
    async fn open_count(&self) -> Result<u64> {
        through!(self.open_count())
    }
}

pub struct SpyLedger {
    pub inner: Arc<dyn Ledger>,
    pub spy: Arc<Spy>,
}

#[async_trait]
impl Ledger for SpyLedger {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    async fn ping(&self) -> Result<()> {
        through!(self.ping())
    }
    async fn migrate(&self) -> Result<()> {
        through!(self.migrate())
    }
    async fn slot_key(&self, fresh: &SlotKey) -> Result<SlotKey> {
        through!(self.slot_key(fresh))
    }
    async fn claim(&self, test: &Test) -> Result<Claim> {
        through!(self.claim(test))
    }
    async fn write_unfired(&self, rows: &[Unfired]) -> Result<Vec<TestId>> {
        through!(self.write_unfired(rows) of rows.len())
    }
    async fn slot_spans(&self, period_ms: i64) -> Result<Vec<SlotSpan>> {
        through!(self.slot_spans(period_ms))
    }
    async fn gaps(&self, path: &str, period_ms: i64, first: i64, last: i64, limit: i64) -> Result<Vec<i64>> {
        through!(self.gaps(path, period_ms, first, last, limit))
    }
    async fn record_observed(
        &self,
        rows: &[FactsRow],
        observed: Option<&Observation>,
    ) -> Result<Vec<Change>> {
        self.spy.before("record", rows.len()).await?;
        let answer = self.inner.record_observed(rows, observed).await;
        self.spy.point().await;
        answer
    }
    async fn evidence(&self, test: TestId) -> Result<Option<Evidence>> {
        through!(self.evidence(test))
    }
    async fn pending(&self, before: Moment, limit: i64) -> Result<Vec<Facts>> {
        through!(self.pending(before, limit))
    }
    async fn rows(&self, tests: &[TestId]) -> Result<Vec<ResultRow>> {
        through!(self.rows(tests) of tests.len())
    }
    async fn results(&self, filter: &Filter, cursor: Option<(Moment, TestId)>, limit: i64) -> Result<Page> {
        through!(self.results(filter, cursor, limit))
    }
    async fn latest_change(&self) -> Result<i64> {
        through!(self.latest_change())
    }
    async fn changes(&self, after: i64, limit: i64) -> Result<Vec<Brief>> {
        through!(self.changes(after, limit))
    }
    async fn briefs(
        &self,
        after: (Moment, TestId),
        outcome: Option<Outcome>,
        limit: i64,
    ) -> Result<Vec<Brief>> {
        through!(self.briefs(after, outcome, limit))
    }
    async fn accounting(&self) -> Result<Accounting> {
        through!(self.accounting())
    }
    async fn accounting_since(&self, since: Moment) -> Result<Accounting> {
        through!(self.accounting_since(since))
    }
    async fn roll_up(&self, since: Moment) -> Result<u64> {
        through!(self.roll_up(since))
    }
    async fn hours(&self, since: Moment, before: Moment) -> Result<Vec<PathHour>> {
        through!(self.hours(since, before))
    }
    async fn prune(&self, before: Moment, limit: i64) -> Result<u64> {
        through!(self.prune(before, limit))
    }
    async fn prune_hourly(&self, before: Moment, limit: i64) -> Result<u64> {
        through!(self.prune_hourly(before, limit))
    }
    async fn holds(&self, since: Moment) -> Result<Vec<Hold>> {
        through!(self.holds(since))
    }
    async fn place_hold(&self, hold: &Hold, actor: &str, reason: &str) -> Result<bool> {
        through!(self.place_hold(hold, actor, reason))
    }
    async fn lift_pause(&self, path: &str, at: Moment) -> Result<u64> {
        through!(self.lift_pause(path, at))
    }
    async fn placed_holds(&self, at: Moment) -> Result<Vec<PlacedHold>> {
        through!(self.placed_holds(at))
    }
    async fn windows(&self, since: Moment) -> Result<Vec<PlacedHold>> {
        through!(self.windows(since))
    }
    async fn end_maintenance(&self, at: Moment) -> Result<u64> {
        through!(self.end_maintenance(at))
    }
    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        through!(self.audit(entry))
    }
    async fn annotate(&self, annotation: &Annotation) -> Result<()> {
        through!(self.annotate(annotation))
    }
    async fn annotations(&self, since: Moment, limit: i64) -> Result<Vec<Annotation>> {
        through!(self.annotations(since, limit))
    }
    async fn export_changes(&self, after: i64, limit: i64) -> Result<Vec<ExportRow>> {
        through!(self.export_changes(after, limit))
    }
    async fn export_span(
        &self,
        after: (Moment, TestId),
        before: Moment,
        limit: i64,
    ) -> Result<Vec<ExportRow>> {
        through!(self.export_span(after, before, limit))
    }
    async fn export_mark(&self, target: &str) -> Result<Option<i64>> {
        through!(self.export_mark(target))
    }
    async fn save_export_mark(&self, target: &str, mark: ExportMark, at: Moment) -> Result<bool> {
        through!(self.save_export_mark(target, mark, at))
    }
}
