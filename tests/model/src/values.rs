//! The product's own types and rules behind the numbers of a state: facts, verdicts, rows.

use std::time::Duration;

use canary_domain::{
    Answer, Backend, Coverage, EventType, Facts, FireStatus, Interval, Moment, Origin, Outcome, Patience,
    Reason, SlotKey, Stage, Stamp, Test, TestId, Via, Withheld,
};
use canary_judge::{Judged, Look};
use canary_store::{FactsRow, KeptRow, ResultRow, Unfired};
use chrono::{DateTime, TimeDelta};

use crate::scope::Mechanisms;
use crate::state::{Flaw, PER_SLOT};
use crate::table::{Memo, Number, Table};

/// A tick, in milliseconds. A slot may start within one, and the next slot follows in the next.
const TICK_MS: i64 = 30_000;
/// Two ticks.
const DEADLINE: Duration = Duration::from_secs(60);
/// Four ticks.
const WATCH: Duration = Duration::from_secs(120);
const PATIENCE: Patience =
    Patience { blind_after: Duration::from_secs(30), look_again: Duration::from_secs(5) };

/// Moments that no verdict depends on are all the same: when a call was answered well, when a row was written.
const IRRELEVANT: Moment = DateTime::from_timestamp(1_795_224_000, 0).expect("a moment that there is");

/// A moment within a tick, in milliseconds from its beginning.
fn at(tick: u8, ms: i64) -> Moment {
    const BEGIN_MS: i64 = 1_795_224_000_000;
    let moment = DateTime::from_timestamp_millis(BEGIN_MS + i64::from(tick) * TICK_MS + ms);
    moment.expect("a moment that there is")
}

/// When somebody looks in a tick.
fn looked_at(tick: u8) -> Moment {
    at(tick, 20_000)
}

/// The first tick in which who looks finds this moment over.
fn tick_of(moment: Moment) -> u8 {
    let mut ticks = 0..u8::MAX;
    ticks.find(|tick| looked_at(*tick) >= moment).unwrap_or(u8::MAX)
}

fn event_at(tick: u8) -> Moment {
    at(tick, 1_000)
}

/// Observers who begin within a tick can't speak for the events of that tick, nor of those that are still to come in it.
fn spans(coverage: Option<(u8, u8)>) -> Coverage {
    let mut spans = Coverage::default();
    if let Some((since, until)) = coverage {
        let from = since.checked_sub(1).map_or(at(0, -TICK_MS), |tick| at(tick, 2_000));
        spans.add(EventType::TokensTransferred, Interval { from, until: at(until, 500) });
    }
    spans
}

/// What is added to facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Edit {
    Fired(u8),
    Answered,
    /// As before the answer.
    Unanswered,
    Withheld,
    Seen(u8),
    /// It came back to the board; whether that is marked.
    Restored(bool),
}

/// What a judge asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub facts: Number,
    pub coverage: Option<(u8, u8)>,
    pub now: u8,
    pub term: u8,
    /// The ledger's row.
    pub row: Option<Number>,
}

/// What a judge comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Judgement {
    pub news: Number,
    /// The tick to look again in; `None` closes the test.
    pub look: Option<u8>,
    /// Whether the ledger was asked.
    pub doubtful: bool,
}

/// A row as the properties see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub outcome: Outcome,
    pub reason: Option<Reason>,
    pub revision: i32,
    /// The term of the runner.
    pub term: i64,
    /// Its facts, judged again much later, give its verdict.
    pub says_its_facts: bool,
    /// The last tick whose event is in time.
    pub deadline: u8,
    /// The tick it was registered in.
    pub registered: u8,
    /// The tick after which nothing amends it.
    pub watched: u8,
}

/// A row as it was written, and what must not have become of it.
type Written = (Number, Option<Flaw>);

/// All values of one model, and what was computed from them.
#[derive(Debug, Default)]
pub(crate) struct Values {
    facts: Table<Facts>,
    news: Table<FactsRow>,
    rows: Table<KeptRow>,
    edits: Memo<(Number, Edit), Number>,
    unions: Memo<(Number, Number), Number>,
    judgements: Memo<(Question, bool), Judgement>,
    writes: Memo<(Option<Number>, Number, bool, bool), Option<Written>>,
    views: Memo<Number, View>,
}

impl Values {
    /// The facts of a slot's test that is registered now. `id` names the slot, and the runner if ids are not keyed.
    pub fn registered(&self, id: u8, term: u8, tick: u8) -> Number {
        self.facts.number(&Facts::registered(test(id, term, at(tick, 0))))
    }

    pub fn edit(&self, facts: Number, edit: Edit) -> Number {
        self.edits.get((facts, edit), |_| {
            let mut facts = self.facts.value(facts);
            match edit {
                Edit::Fired(tick) => facts.fired_at = Some(at(tick, 10)),
                Edit::Answered => facts.answer = Some(accepted()),
                Edit::Unanswered => facts.answer = None,
                Edit::Withheld => {
                    let withheld = Withheld { at: IRRELEVANT, reason: Reason::LeaseLost, code: None };
                    facts.withheld = Some(withheld);
                }
                Edit::Seen(tick) => drop(facts.stamps.add(Stage::TokensXfer, stamp(tick))),
                Edit::Restored(marked) => facts.restored = marked,
            }
            self.facts.number(&facts)
        })
    }

    /// What the board has after a runner noted what it knows: the latest firing, the first answer, the first refusal.
    pub fn noted(&self, board: Number, runner: Number) -> Number {
        self.unions.get((board, runner), |_| {
            let (mut board, runner) = (self.facts.value(board), self.facts.value(runner));
            board.fired_at = board.fired_at.max(runner.fired_at);
            board.answer = board.answer.or(runner.answer);
            board.withheld = board.withheld.or(runner.withheld);
            self.facts.number(&board)
        })
    }

    pub fn stamped(&self, facts: Number) -> bool {
        self.facts.value(facts).stamps.landed()
    }

    pub fn term(&self, facts: Number) -> u8 {
        u8::try_from(self.facts.value(facts).test.term).unwrap_or(u8::MAX)
    }

    /// The tick in which a test is first looked at.
    pub fn deadline(&self, facts: Number) -> u8 {
        tick_of(self.facts.value(facts).deadline_at())
    }

    /// Judges as a sweep does.
    pub fn judge(&self, question: Question, on: &Mechanisms) -> Judgement {
        self.judgements.get((question, on.remembering), |_| {
            let look = Look {
                coverage: spans(question.coverage),
                patience: PATIENCE,
                now: looked_at(question.now),
                term: i64::from(question.term),
            };
            let mut judged = look.at(self.facts.value(question.facts));
            let doubtful = on.remembering && look.is_doubtful(&judged);
            if let Some(row) = question.row.filter(|_| doubtful) {
                judged = look.again(&judged, &self.rows.value(row).result());
            }
            let Judged { row, look_again } = judged;
            let row = FactsRow { judged_at: IRRELEVANT, ..row };
            Judgement { news: self.news.number(&row), look: look_again.map(tick_of), doubtful }
        })
    }

    /// The pending row of a slot that is claimed.
    pub fn claimed(&self, facts: Number) -> Number {
        self.rows.number(&KeptRow::claimed(&self.facts.value(facts).test))
    }

    /// The row of a slot that nobody fired, found out now.
    pub fn missed(&self, id: u8, term: u8) -> Number {
        let slot = id / PER_SLOT;
        let unfired = Unfired { test: test(id, term, at(slot, 0)), reason: Reason::NoLeader, at: IRRELEVANT };
        self.rows.number(&KeptRow::unfired(&unfired))
    }

    /// What becomes of a row when a judge writes; `None` if nothing does.
    pub fn write(&self, row: Option<Number>, news: Number, on: &Mechanisms) -> Option<Written> {
        self.writes.get((row, news, on.judge_term, on.facts_grow), |_| {
            let mut news = self.news.value(news);
            if !on.judge_term {
                news.judge_term = 0;
            }
            let Some(row) = row else { return Some((self.rows.number(&KeptRow::judged(&news).0), None)) };
            let before = self.rows.value(row);
            let kept = if on.facts_grow { before.clone() } else { forgetful(&before) };
            let (after, _) = kept.amended(&news)?;
            Some((self.rows.number(&after), flaw(&before.result(), &after.result())))
        })
    }

    /// The facts of a row, as they come back to the board.
    pub fn facts_of(&self, row: Number) -> Number {
        self.facts.number(&self.rows.value(row).result().facts)
    }

    pub fn view(&self, row: Number) -> View {
        self.views.get(row, |_| {
            let row = self.rows.value(row).result();
            let deadline = row.facts.deadline_at();
            View {
                outcome: row.outcome,
                reason: row.reason,
                revision: row.revision,
                term: row.facts.test.term,
                says_its_facts: says_its_facts(&row),
                deadline: (0..u8::MAX).take_while(|tick| event_at(*tick) <= deadline).last().unwrap_or(0),
                registered: tick_of(row.facts.test.registered_at),
                watched: tick_of(row.facts.watched_until()),
            }
        })
    }
}

fn test(id: u8, term: u8, registered_at: Moment) -> Test {
    let key = SlotKey::new(vec![7; 32]).expect("32 bytes are a key");
    let (slot, owner) = (i64::from(id / PER_SLOT), id % PER_SLOT);
    Test {
        // Without the keyed id each runner has one of its own: as if it had a key of its own.
        test_id: TestId::of_slot(&key, &format!("model-{owner}"), "p", slot),
        canary: "model".to_owned(),
        path: "p".to_owned(),
        backend: Backend::Intra,
        origin: Origin::Schedule,
        cycle: Some(slot),
        period_ms: Some(TICK_MS),
        term: i64::from(term),
        source_frame: "a".to_owned(),
        dest_frame: "a".to_owned(),
        sender: "did:alpha".to_owned(),
        receiver: "did:bravo".to_owned(),
        amount: "0.01".parse().expect("an amount"),
        registered_at,
        deadline: DEADLINE,
        watch: WATCH,
    }
}

fn accepted() -> Answer {
    let status = FireStatus::Accepted;
    Answer { at: IRRELEVANT, status, code: Some(200), transfer_id: None, error: None }
}

fn stamp(tick: u8) -> Stamp {
    let seen = event_at(tick) + TimeDelta::milliseconds(1);
    Stamp { seen, via: Via::Live, occurred: event_at(tick), frame: "a".to_owned(), position: 1, error_us: 0 }
}

/// The row as a ledger has it that does not care whether news know less: its facts are none, its verdict stands.
fn forgetful(row: &KeptRow) -> KeptRow {
    let result = row.result();
    let bare = KeptRow::claimed(&result.facts.test);
    let verdict = canary_domain::Verdict {
        outcome: result.outcome,
        reason: result.reason,
        missing: Vec::new(),
        decided_as_of: result.decided_as_of.unwrap_or_default(),
        completed_at: result.completed_at,
        latency_ms: result.latency_ms,
        latency_basis: result.latency_basis,
        clock_error_ms: result.clock_error_ms,
        landed: result.landed,
    };
    if result.outcome == Outcome::Pending {
        return bare;
    }
    let facts = Facts::registered(result.facts.test);
    let judged_at = result.judged_at.unwrap_or_default();
    KeptRow::judged(&FactsRow { facts, verdict: Some(verdict), judged_at, judge_term: 0 }).0
}

/// What must not become of a row (I3, I6).
fn flaw(before: &ResultRow, after: &ResultRow) -> Option<Flaw> {
    let (old, new) = (&before.facts, &after.facts);
    let lost = old.fired_at.is_some() && new.fired_at.is_none()
        || old.answer.is_some() && new.answer.is_none()
        || old.stamps.iter().any(|(stage, _)| new.stamps.get(stage).is_none());
    let decided = before.outcome != Outcome::Pending;
    // Whose judge's term it is may be noted without a revision.
    let same = ResultRow { judge_term: after.judge_term, ..before.clone() };
    let unnumbered = same != *after && after.revision <= before.revision;
    if lost || decided && (after.outcome == Outcome::Pending || unnumbered) {
        return Some(Flaw::RowTakenBack);
    }
    let waited = matches!(before.reason, Some(Reason::ObserverBlind | Reason::StateLost));
    let changed = (before.outcome, before.reason) != (after.outcome, after.reason);
    (decided && changed && !waited && same_facts(old, new)).then_some(Flaw::VerdictChanged)
}

fn same_facts(one: &Facts, other: &Facts) -> bool {
    one.fired_at == other.fired_at
        && one.answer == other.answer
        && one.withheld == other.withheld
        && one.stamps == other.stamps
}

/// Whether a row's own facts, judged again at the end of time by those who have seen everything, give its verdict. One that
/// waits for coverage is not asked.
fn says_its_facts(row: &ResultRow) -> bool {
    if row.outcome == Outcome::Pending
        || matches!(row.reason, Some(Reason::ObserverBlind | Reason::StateLost))
    {
        return true;
    }
    let verdict = canary_domain::judge(&row.facts, &spans(Some((0, 200))), &PATIENCE, at(200, 0)).verdict;
    verdict.is_some_and(|verdict| (verdict.outcome, verdict.reason) == (row.outcome, row.reason))
}
