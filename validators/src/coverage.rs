//! How far a reactor has certainly seen, and stamped, everything of its type (design §13).
//!
//! Pure bookkeeping of three things: the position up to which all was **processed**, which a new connection
//! resumes from; the **marks**, moments up to which that means certainty; and what is **settled**, because
//! no held event stands before the mark any more. Only what is settled goes to the board, behind the stamps.

use std::collections::VecDeque;

use canary_domain::{Interval, Moment};
use tokio::time::Instant;

/// Marks that wait at once; more than a held event can make wait.
const MAX_MARKS: usize = 64;

/// Everything up to `position` was processed by the instant `at`; that is certainty up to `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    position: i64,
    until: Option<Moment>,
    at: Instant,
}

/// The EventStore's head lies before what it gave us already: it is not the store that we knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreReset {
    pub position: i64,
    pub head: i64,
}

/// The coverage of one reactor.
#[derive(Debug, Default)]
pub(crate) struct Covering {
    processed: Option<i64>,
    /// Everything up to here has to be fetched before coverage continues.
    gap: Option<i64>,
    /// A frame could not be read: what stood in it may lie before the next head.
    doubt: bool,
    marks: VecDeque<Mark>,
    settled: Option<i64>,
    span: Option<Interval>,
    /// The steps of the board's clock that the span is on this side of.
    steps: u64,
}

impl Covering {
    pub fn new(steps: u64) -> Self {
        Self { steps, ..Self::default() }
    }

    /// Continues what an earlier reactor has settled.
    pub fn resume(&mut self, position: i64, span: Interval) {
        self.processed = Some(position);
        self.settled = Some(position);
        self.span = Some(span);
    }

    /// The position to read on from; `None`: from now on.
    pub fn after(&self) -> Option<i64> {
        self.processed
    }

    /// What the board may be told: position and span.
    pub fn settled(&self) -> (Option<i64>, Option<Interval>) {
        (self.settled, self.span)
    }

    /// Whether marks wait for events that are held.
    pub fn waits(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Whether a gap is open, which streaming alone does not close.
    pub fn gap(&self) -> bool {
        self.gap.is_some()
    }

    /// The stream begins, behind `after`, which it was asked for, or from now on. Meanwhile the backstop may have
    /// gone on: it is what was asked for that the head is compared with.
    pub fn subscribed(&mut self, after: Option<i64>, head: i64, now: Moment) -> Result<(), StoreReset> {
        match after {
            Some(position) if head < position => return Err(StoreReset { position, head }),
            // It replays what an older gap has hidden, or says again that it can't.
            Some(_) => self.gap = None,
            // A head that was polled meanwhile does not help: nobody has read from there to this one.
            None => self.begin(head, now),
        }
        Ok(())
    }

    /// There is nothing before `head` that matters: certainty begins now.
    pub fn begin(&mut self, head: i64, now: Moment) {
        self.gap = None;
        self.marks.clear();
        self.processed = Some(head);
        self.settled = Some(head);
        self.span = Some(Interval { from: now, until: now });
    }

    /// What lies before `target`, inclusive, will not be streamed.
    pub fn open_gap(&mut self, target: i64) {
        self.gap = self.gap.max(Some(target));
    }

    /// A frame could not be read. What stood in it lies before the head that the stream names next, and has to be fetched.
    pub fn doubt(&mut self) {
        self.doubt = true;
    }

    /// The stream has given everything up to `head`, which is certainty up to `until`, if that is known.
    pub fn streamed(&mut self, head: i64, until: Option<Moment>, at: Instant) {
        if std::mem::take(&mut self.doubt) {
            self.open_gap(head);
        }
        if self.gap.is_none() && self.processed.is_some_and(|position| position <= head) {
            self.mark(head, until, at);
        }
    }

    /// The stream has replayed everything up to `position`; there is more.
    pub fn replayed(&mut self, position: i64, at: Instant) {
        let beyond = self.processed.is_some_and(|processed| processed < position);
        if beyond && self.gap.is_none() && !self.doubt {
            self.mark(position, None, at);
        }
    }

    /// Everything up to `position` was fetched; there may be more.
    pub fn fetched(&mut self, position: i64, at: Instant) {
        if self.processed.is_some_and(|processed| processed < position) {
            self.mark(position, None, at);
        }
        self.gap.take_if(|target| *target <= position);
    }

    /// Everything up to `head` was fetched, as it stood at `asked`.
    pub fn fetched_all(&mut self, head: i64, asked: Moment, at: Instant) {
        if self.processed.is_some_and(|processed| processed <= head) {
            self.mark(head, Some(asked), at);
            self.gap.take_if(|target| *target <= head);
        }
    }

    /// Settles the marks that no held event stands before; answers whether there was one.
    pub fn settle(&mut self, blocked_since: Option<Instant>) -> bool {
        let free = |mark: &Mark| blocked_since.is_none_or(|since| mark.at < since);
        let before = self.marks.len();
        while let Some(mark) = self.marks.pop_front_if(|mark| free(mark)) {
            self.settled = self.settled.max(Some(mark.position));
            if let Some(until) = mark.until {
                let span = self.span.get_or_insert(Interval { from: until, until });
                span.until = span.until.max(until);
            }
        }
        self.marks.len() < before
    }

    /// The board's clock has stepped: what was covered can't be compared with what comes.
    pub fn clock_steps(&mut self, steps: u64) -> bool {
        let stepped = self.steps != steps;
        if stepped {
            self.steps = steps;
            self.restart();
        }
        stepped
    }

    /// Something was lost: certainty begins anew at the next mark.
    pub fn restart(&mut self) {
        self.span = None;
        for mark in &mut self.marks {
            mark.until = None;
        }
    }

    /// The position is worth nothing any more: begin from now on, with the next connection.
    pub fn forget(&mut self) {
        *self = Self::new(self.steps);
    }

    fn mark(&mut self, position: i64, until: Option<Moment>, at: Instant) {
        self.processed = self.processed.max(Some(position));
        if self.marks.len() >= MAX_MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(Mark { position, until, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn moment(second: i64) -> Moment {
        chrono::DateTime::from_timestamp(second, 0).unwrap()
    }

    fn span(from: i64, until: i64) -> Option<Interval> {
        Some(Interval { from: moment(from), until: moment(until) })
    }

    fn begun(instant: Instant) -> Covering {
        let mut covering = Covering::new(0);
        covering.subscribed(None, 10, moment(100)).unwrap();
        covering.streamed(12, Some(moment(110)), instant);
        assert!(covering.settle(None));
        covering
    }

    #[test]
    fn heartbeats_carry_coverage_from_the_first_subscription_on() {
        let covering = begun(Instant::now());
        assert_eq!(covering.settled(), (Some(12), span(100, 110)));
    }

    #[test]
    fn a_held_event_stops_coverage_before_it_and_frees_it_afterwards() {
        let now = Instant::now();
        let mut covering = begun(now);
        let held = now + Duration::from_secs(5);
        covering.streamed(20, Some(moment(120)), now + Duration::from_secs(10));
        assert!(!covering.settle(Some(held)));
        assert_eq!(covering.settled(), (Some(12), span(100, 110)));
        assert_eq!(covering.after(), Some(20), "a reconnection within this process need not read it again");
        assert!(covering.settle(None));
        assert_eq!(covering.settled(), (Some(20), span(100, 120)));
    }

    #[test]
    fn an_open_gap_stops_coverage_and_the_position_until_everything_was_fetched() {
        let now = Instant::now();
        let mut covering = begun(now);
        covering.subscribed(Some(12), 50, moment(130)).unwrap();
        covering.open_gap(50);
        covering.streamed(60, Some(moment(140)), now);
        assert!(!covering.settle(None));
        assert_eq!(covering.after(), Some(12), "or the gap would be forgotten with the next reconnection");
        covering.fetched(30, now);
        covering.fetched_all(49, moment(150), now);
        assert!(covering.gap());
        covering.fetched_all(61, moment(151), now);
        assert!(!covering.gap());
        covering.settle(None);
        assert_eq!(covering.settled(), (Some(61), span(100, 151)));
    }

    #[test]
    fn a_gap_is_closed_by_the_page_that_passes_it_though_there_is_always_more_to_fetch() {
        let now = Instant::now();
        let mut covering = begun(now);
        covering.open_gap(50);
        covering.fetched(49, now);
        assert!(covering.gap());
        covering.fetched(51, now);
        assert!(!covering.gap());
        covering.streamed(60, Some(moment(140)), now);
        covering.settle(None);
        assert_eq!(covering.settled(), (Some(60), span(100, 140)));
    }

    #[test]
    fn a_gap_is_forgotten_with_a_connection_that_replays_it() {
        let mut covering = begun(Instant::now());
        covering.open_gap(50);
        covering.subscribed(covering.after(), 60, moment(130)).unwrap();
        assert!(!covering.gap());
    }

    #[test]
    fn coverage_begins_with_a_subscription_from_now_on_whatever_was_polled_before() {
        let mut covering = Covering::new(0);
        covering.begin(10, moment(100));
        covering.subscribed(None, 20, moment(130)).unwrap();
        assert_eq!(covering.settled(), (Some(20), span(130, 130)), "nobody has read from 10 to 20");
        assert_eq!(covering.after(), Some(20));
    }

    #[test]
    fn a_store_is_the_same_though_the_backstop_was_ahead_of_its_head() {
        let now = Instant::now();
        let mut covering = begun(now);
        covering.fetched_all(30, moment(120), now);
        assert_eq!(covering.subscribed(Some(12), 20, moment(121)), Ok(()));
        covering.settle(None);
        assert_eq!(covering.settled(), (Some(30), span(100, 120)));
    }

    #[test]
    fn a_replay_carries_the_position_and_no_certainty() {
        let now = Instant::now();
        let mut covering = begun(now);
        covering.replayed(20, now);
        covering.settle(None);
        assert_eq!((covering.after(), covering.settled()), (Some(20), (Some(20), span(100, 110))));
        covering.doubt();
        covering.replayed(30, now);
        assert_eq!(
            covering.after(),
            Some(20),
            "what could not be read lies behind it, and is replayed again"
        );
    }

    #[test]
    fn a_frame_that_could_not_be_read_stops_coverage_until_what_stood_in_it_was_fetched() {
        let now = Instant::now();
        let mut covering = begun(now);
        covering.doubt();
        covering.streamed(20, Some(moment(120)), now);
        assert!(covering.gap() && !covering.settle(None));
        assert_eq!((covering.after(), covering.settled()), (Some(12), (Some(12), span(100, 110))));
        covering.fetched_all(20, moment(121), now);
        covering.settle(None);
        assert_eq!(covering.settled(), (Some(20), span(100, 121)));
        covering.streamed(30, Some(moment(130)), now);
        covering.settle(None);
        assert_eq!(covering.settled(), (Some(30), span(100, 130)));
    }

    #[test]
    fn a_step_of_the_clock_begins_coverage_anew() {
        let now = Instant::now();
        let mut covering = begun(now);
        assert!(!covering.clock_steps(0));
        assert!(covering.clock_steps(1));
        assert_eq!(covering.settled(), (Some(12), None));
        covering.streamed(13, Some(moment(50)), now);
        covering.settle(None);
        assert_eq!(covering.settled(), (Some(13), span(50, 50)));
    }

    #[test]
    fn a_store_whose_head_went_back_is_another_store() {
        let mut covering = begun(Instant::now());
        assert_eq!(covering.subscribed(Some(12), 5, moment(130)), Err(StoreReset { position: 12, head: 5 }));
        covering.forget();
        covering.subscribed(None, 5, moment(131)).unwrap();
        assert_eq!(covering.settled(), (Some(5), span(131, 131)));
    }

    #[test]
    fn an_answer_that_lags_behind_what_was_processed_proves_nothing() {
        let now = Instant::now();
        let mut covering = begun(now);
        covering.fetched_all(11, moment(200), now);
        assert!(!covering.settle(None));
        assert_eq!(covering.settled(), (Some(12), span(100, 110)));
    }
}
