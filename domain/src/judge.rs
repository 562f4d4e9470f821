//! The verdict: a pure function of a test's facts, the coverage and a moment (design §3.2, §3.3).
//!
//! The order of the questions is the order of certainty. What the platform did beyond doubt comes first
//! (money given back, an event that contradicts the transfer, an answer to the call), then what was seen
//! in time, and silence last: it is held against the platform only once the observers have certainly
//! looked (I5). Nothing here depends on when the judge looks, but whether a deadline has passed (I3, I4).

use std::time::Duration;

use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::{Coverage, Facts, FireStatus, Group, Moment, Outcome, Reason, Stage, Stamp, Via};

/// How long the judge waits for what may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Time from the deadline until missing coverage is called `observer_blind` (design §13).
    pub blind_after: Duration,
    /// How soon to ask again for coverage that has not arrived.
    pub look_again: Duration,
}

/// Which moment of a stamp set `completed_at` (design §3.2).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    SerializeDisplay,
    DeserializeFromStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum LatencyBasis {
    /// When we saw it, on the board's clock.
    Observed,
    /// When the platform says it happened, on the platform's clock.
    EventTime,
}

/// What the judge says of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How it ended.
    pub outcome: Outcome,
    /// Why; `None` for passed and late.
    pub reason: Option<Reason>,
    /// Names of the groups that were not met, for `timeout` and what is like it.
    pub missing: Vec<&'static str>,
    /// The moment that the verdict is about: never later than needed, never the sweep's.
    pub decided_as_of: Moment,
    /// When the done rule became true.
    pub completed_at: Option<Moment>,
    /// `completed_at − fired_at` in milliseconds. Never below 0: a platform clock that runs behind the
    /// board's could say that an effect came before its cause.
    pub latency_ms: Option<f64>,
    /// What `completed_at` was taken from.
    pub latency_basis: Option<LatencyBasis>,
    /// Bound of the latency's error from the clocks, in milliseconds, where it was observed.
    pub clock_error_ms: Option<f64>,
    /// Of a call without a good answer: whether the transfer was carried out all the same.
    pub landed: Option<bool>,
}

/// What one look at a test came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// `None` while it is too early to tell.
    pub verdict: Option<Verdict>,
    /// When to look again if nothing new arrives; `None` once the watch is over.
    pub look_again: Option<Moment>,
}

/// Judges one test as of `now`.
#[must_use]
pub fn judge(facts: &Facts, coverage: &Coverage, patience: &Patience, now: Moment) -> Judgement {
    let case = Case {
        facts,
        coverage,
        done: completion(facts),
        now,
        blind_at: facts.deadline_at() + patience.blind_after,
    };
    let verdict = case.verdict();
    let look_again = case.look_again(verdict.as_ref(), patience.look_again);
    Judgement { verdict, look_again }
}

/// The stamp that made the done rule true, and when: the latest of what an AND needs, the earliest that
/// satisfies an OR (design §3.2).
fn completion(facts: &Facts) -> Option<&Stamp> {
    let groups = facts.test.backend.rule().done;
    let met: Option<Vec<&Stamp>> = groups.iter().map(|group| meets(facts, group)).collect();
    met?.into_iter().max_by_key(|stamp| stamp.counted())
}

fn meets<'a>(facts: &'a Facts, group: &Group) -> Option<&'a Stamp> {
    group.any_of.iter().filter_map(|stage| facts.stamps.get(*stage)).min_by_key(|stamp| stamp.counted())
}

struct Case<'a> {
    facts: &'a Facts,
    coverage: &'a Coverage,
    done: Option<&'a Stamp>,
    now: Moment,
    blind_at: Moment,
}

impl Case<'_> {
    fn verdict(&self) -> Option<Verdict> {
        self.contradicted().or_else(|| self.not_sent()).or_else(|| self.answered_badly()).or_else(|| {
            match self.done {
                Some(stamp) => self.done_at(stamp.counted()),
                None => self.silent(),
            }
        })
    }

    /// The platform's own events speak against the transfer: decided at once, whatever else is known.
    fn contradicted(&self) -> Option<Verdict> {
        let stamps = &self.facts.stamps;
        let refund = self.facts.test.backend.rule().failure.and_then(|stage| stamps.get(stage));
        let settled = [Stage::CfSettledLocal, Stage::CfSettledRemote]
            .iter()
            .filter_map(|stage| stamps.get(*stage).map(Stamp::counted))
            .min();
        if let (Some(refund), Some(settled)) = (refund, settled) {
            return Some(self.because(Reason::RefundedAfterSettled, refund.counted().max(settled)));
        }
        if let Some(mismatch) = &self.facts.mismatch {
            return Some(self.because(Reason::Mismatch, mismatch.at));
        }
        refund.map(|refund| self.because(Reason::Refunded, refund.counted()))
    }

    /// Evidence that it was sent all the same outranks a note that it was not.
    fn not_sent(&self) -> Option<Verdict> {
        let sent = self.facts.answer.is_some() || self.facts.stamps.landed();
        let withheld = self.facts.withheld.as_ref().filter(|_| !sent)?;
        Some(self.because(withheld.reason, withheld.at))
    }

    fn answered_badly(&self) -> Option<Verdict> {
        let answer = self.facts.answer.as_ref()?;
        let reason = match answer.status {
            FireStatus::Sent | FireStatus::Accepted => return None,
            FireStatus::Rejected => Reason::Rejected,
            FireStatus::Unavailable => Reason::Unavailable,
            FireStatus::Timeout => Reason::FireTimeout,
        };
        Some(Verdict { landed: self.landed(), ..self.because(reason, answer.at) })
    }

    fn done_at(&self, completed_at: Moment) -> Option<Verdict> {
        if completed_at <= self.facts.deadline_at() {
            return Some(self.conclude(Outcome::Passed, None, completed_at));
        }
        if self.facts.fired_at.is_none() {
            // Late against the registration says nothing: how much later it was fired is not known.
            return Some(self.because(Reason::RunnerLost, completed_at));
        }
        if self.looked() {
            return Some(self.conclude(Outcome::Late, None, completed_at));
        }
        self.blind()
    }

    fn silent(&self) -> Option<Verdict> {
        if self.now < self.facts.deadline_at() {
            return None;
        }
        if !self.looked() {
            return self.blind();
        }
        // Without a noted firing the real deadline is later than this one: nothing is held against the platform.
        let unknown = !self.facts.stamps.landed() || self.facts.fired_at.is_none();
        let lost = self.facts.answer.is_none() && unknown;
        let reason = if lost { Reason::RunnerLost } else { Reason::Timeout };
        let missing = self.missed().map(|group| group.name).collect();
        Some(Verdict { missing, ..self.because(reason, self.facts.deadline_at()) })
    }

    fn blind(&self) -> Option<Verdict> {
        let reason = if self.facts.restored { Reason::StateLost } else { Reason::ObserverBlind };
        let missing = self.missed().map(|group| group.name).collect();
        (self.now >= self.blind_at).then(|| Verdict { missing, ..self.because(reason, self.blind_at) })
    }

    /// The groups that were not met in time, whatever came later: a verdict is as of the deadline (design §3.3).
    fn missed(&self) -> impl Iterator<Item = &'static Group> {
        let deadline = self.facts.deadline_at();
        let in_time =
            move |group: &&Group| meets(self.facts, group).is_some_and(|stamp| stamp.counted() <= deadline);
        self.facts.test.backend.rule().done.iter().filter(move |group| !in_time(group))
    }

    /// Whether the observers have certainly looked, from the start to the deadline, at every type of
    /// event that could have met a group which was not met in time.
    fn looked(&self) -> bool {
        let (start, deadline) = (self.facts.start(), self.facts.deadline_at());
        self.missed()
            .flat_map(|group| group.any_of)
            .all(|stage| self.coverage.covers(stage.event_type(), start, deadline))
    }

    /// `None` while it can't be known yet.
    fn landed(&self) -> Option<bool> {
        if self.facts.stamps.landed() {
            return Some(true);
        }
        (self.now >= self.facts.deadline_at() && self.looked()).then_some(false)
    }

    fn because(&self, reason: Reason, as_of: Moment) -> Verdict {
        self.conclude(reason.outcome(), Some(reason), as_of)
    }

    fn conclude(&self, outcome: Outcome, reason: Option<Reason>, decided_as_of: Moment) -> Verdict {
        let completed_at = self.done.map(Stamp::counted);
        let took = completed_at.zip(self.facts.fired_at).map(|(done, fired)| done - fired);
        let observed = self.done.map(|stamp| stamp.via == Via::Live);
        let error_us = self.done.map(|stamp| stamp.error_us + self.facts.fired_error_us);
        Verdict {
            outcome,
            reason,
            missing: Vec::new(),
            decided_as_of,
            completed_at,
            latency_ms: took.map(|took| millis(took.num_microseconds().unwrap_or(i64::MAX)).max(0.0)),
            latency_basis: observed
                .map(|live| if live { LatencyBasis::Observed } else { LatencyBasis::EventTime }),
            clock_error_ms: took.and(error_us).map(|us| millis(i64::try_from(us).unwrap_or(i64::MAX))),
            landed: None,
        }
    }

    fn look_again(&self, verdict: Option<&Verdict>, pause: Duration) -> Option<Moment> {
        let close = self.facts.watched_until();
        if self.now >= close && verdict.is_some() {
            return None;
        }
        let deadline = self.facts.deadline_at();
        let next = match verdict {
            None if self.now < deadline => deadline,
            None => (self.now + pause).min(self.blind_at),
            Some(verdict) if self.hopes(verdict) => (self.now + pause).max(deadline),
            Some(_) => close,
        };
        Some(if verdict.is_some() { next.min(close) } else { next })
    }

    /// Whether coverage alone, which touches no test, could still change the verdict.
    fn hopes(&self, verdict: &Verdict) -> bool {
        match verdict.reason {
            Some(Reason::ObserverBlind | Reason::StateLost) => true,
            Some(Reason::Rejected | Reason::Unavailable | Reason::FireTimeout) => verdict.landed.is_none(),
            Some(
                Reason::Refunded
                | Reason::Timeout
                | Reason::Mismatch
                | Reason::RefundedAfterSettled
                | Reason::RunnerLost
                | Reason::Credentials
                | Reason::Paused
                | Reason::Maintenance
                | Reason::NoLeader
                | Reason::Overrun
                | Reason::LeaseLost
                | Reason::RateLimited,
            )
            | None => false,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^52 microseconds are 142 years")]
fn millis(us: i64) -> f64 {
    us as f64 / 1_000.0
}
