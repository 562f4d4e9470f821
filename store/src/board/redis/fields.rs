//! A test as the fields of a hash (design §4), and back.
//!
//! Hashes may have been written by another version, or changed by hand: what can't be read back is `None`, never a
//! panic and never a guess.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use canary_domain::{
    Answer, Facts, FireError, FireStatus, Mismatch, Moment, Stage, Stamp, Stamps, Test, TestId, Withheld, iso,
};
use chrono::SubsecRound as _;

/// Names and values of a hash, in the order they are written.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn set(&mut self, name: impl Into<String>, value: &(impl ToString + ?Sized)) {
        self.0.push((name.into(), value.to_string()));
    }

    pub(super) fn set_some<T: ToString>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.set(name, &value);
        }
    }

    /// Names and values by turns, as a command takes them.
    pub(super) fn flat(&self) -> Vec<&str> {
        self.0.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect()
    }
}

/// The fields of a test that was registered.
pub(super) fn of_test(test: &Test) -> Fields {
    let mut fields = Fields::default();
    fields.set("canary", &test.canary);
    fields.set("path", &test.path);
    fields.set("backend", &test.backend);
    fields.set("origin", &test.origin);
    fields.set_some("cycle", test.cycle);
    fields.set_some("period_ms", test.period_ms);
    fields.set("term", &test.term);
    fields.set("source_frame", &test.source_frame);
    fields.set("dest_frame", &test.dest_frame);
    fields.set("sender", &test.sender);
    fields.set("receiver", &test.receiver);
    fields.set("amount", &test.amount);
    fields.set("registered_iso", &iso(test.registered_at));
    fields.set("deadline_ms", &test.deadline.as_millis());
    fields.set("watch_ms", &test.watch.as_millis());
    fields
}

/// The fields that say when a test was fired.
pub(super) fn of_firing(fired_at: Moment, error_us: u64) -> Fields {
    let mut fields = Fields::default();
    fields.set("fired_iso", &iso(fired_at));
    fields.set("fired_error_us", &error_us);
    fields
}

/// The fields that say how the call ended.
pub(super) fn of_answer(answer: &Answer) -> Fields {
    let mut fields = Fields::default();
    fields.set("answered_iso", &iso(answer.at));
    fields.set("fire_status", &answer.status);
    if answer.status == FireStatus::Accepted {
        fields.set("accepted_iso", &iso(answer.at));
    }
    fields.set_some("fire_code", answer.code);
    fields.set_some("transfer_id", answer.transfer_id.as_ref());
    let error = answer.error.as_ref().and_then(|error| serde_json::to_string(error).ok());
    fields.set_some("fire_error", error);
    fields
}

/// The fields that say why a test was never sent.
pub(super) fn of_withheld(withheld: &Withheld) -> Fields {
    let mut fields = Fields::default();
    fields.set("withheld_iso", &iso(withheld.at));
    fields.set("withheld_reason", &withheld.reason);
    fields.set_some("withheld_code", withheld.code);
    fields
}

/// Of a stage: when seen, how, when it occurred, frame, position, error. The order is that of `stamp.lua`.
pub(super) fn of_stamp(stage: Stage, stamp: &Stamp) -> [(String, String); 6] {
    [
        (format!("{stage}_seen_iso"), iso(stamp.seen)),
        (format!("{stage}_via"), stamp.via.to_string()),
        (format!("{stage}_occurred_iso"), iso(stamp.occurred)),
        (format!("{stage}_frame"), stamp.frame.clone()),
        (format!("{stage}_position"), stamp.position.to_string()),
        (format!("{stage}_error_us"), stamp.error_us.to_string()),
    ]
}

/// All fields of a test that comes back to the board.
pub(super) fn of_restored(facts: &Facts) -> Fields {
    let mut fields = of_test(&facts.test);
    if let Some(fired_at) = facts.fired_at {
        fields.0.extend(of_firing(fired_at, facts.fired_error_us).0);
    }
    if let Some(answer) = &facts.answer {
        fields.0.extend(of_answer(answer).0);
    } else if facts.fired_at.is_some() {
        fields.set("fire_status", &FireStatus::Sent);
    }
    if let Some(withheld) = &facts.withheld {
        fields.0.extend(of_withheld(withheld).0);
        fields.set("failure_signal", &withheld.reason);
    }
    for (stage, stamp) in facts.stamps.iter() {
        fields.0.extend(of_stamp(stage, stamp));
        if stage == Stage::CfRefunded {
            fields.set("failure_signal", &REFUNDED);
        }
    }
    if let Some(mismatch) = &facts.mismatch {
        fields.set("mismatch_iso", &iso(mismatch.at));
        fields.set("mismatch", &mismatch.what);
    }
    fields.set("restored", &true);
    fields
}

/// `failure_signal` once `cf_refunded` is stamped (design §3.1).
const REFUNDED: canary_domain::Reason = canary_domain::Reason::Refunded;

/// A hash as it was read.
#[derive(Debug)]
pub(super) struct Hash(HashMap<String, String>);

impl Hash {
    pub(super) fn new(fields: HashMap<String, String>) -> Self {
        Self(fields)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A field that has to be there and has to be readable.
    pub(super) fn need<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// A field that may be absent, but has to be readable if it is there.
    pub(super) fn may<T: FromStr>(&self, name: &str) -> Option<Option<T>> {
        self.text(name).map(|text| text.parse().ok()).map_or(Some(None), |read| read.map(Some))
    }

    /// As [`Hash::need`], for a moment.
    pub(super) fn need_moment(&self, name: &str) -> Option<Moment> {
        self.need::<Moment>(name).map(|moment| moment.trunc_subsecs(6))
    }

    /// As [`Hash::may`], for a moment.
    pub(super) fn may_moment(&self, name: &str) -> Option<Option<Moment>> {
        self.may::<Moment>(name).map(|moment| moment.map(|moment| moment.trunc_subsecs(6)))
    }

    /// All that the hash says of a test; `None` if a part of it can't be read.
    pub(super) fn facts(&self, test_id: TestId) -> Option<Facts> {
        Some(Facts {
            test: self.test(test_id)?,
            fired_at: self.may_moment("fired_iso")?,
            fired_error_us: self.may("fired_error_us")?.unwrap_or_default(),
            answer: self.answer()?,
            withheld: self.withheld()?,
            stamps: self.stamps()?,
            mismatch: self.mismatch()?,
            restored: self.may("restored")?.unwrap_or_default(),
        })
    }

    fn test(&self, test_id: TestId) -> Option<Test> {
        Some(Test {
            test_id,
            canary: self.need("canary")?,
            path: self.need("path")?,
            backend: self.need("backend")?,
            origin: self.need("origin")?,
            cycle: self.may("cycle")?,
            period_ms: self.may("period_ms")?,
            term: self.need("term")?,
            source_frame: self.need("source_frame")?,
            dest_frame: self.need("dest_frame")?,
            sender: self.need("sender")?,
            receiver: self.need("receiver")?,
            amount: self.need("amount")?,
            registered_at: self.need_moment("registered_iso")?,
            deadline: self.need("deadline_ms").map(Duration::from_millis)?,
            watch: self.need("watch_ms").map(Duration::from_millis)?,
        })
    }

    fn answer(&self) -> Option<Option<Answer>> {
        let Some(at) = self.may_moment("answered_iso")? else { return Some(None) };
        let error = match self.text("fire_error") {
            Some(json) => Some(serde_json::from_str::<FireError>(json).ok()?),
            None => None,
        };
        Some(Some(Answer {
            at,
            status: self.need("fire_status")?,
            code: self.may("fire_code")?,
            transfer_id: self.may("transfer_id")?,
            error,
        }))
    }

    fn withheld(&self) -> Option<Option<Withheld>> {
        let Some(at) = self.may_moment("withheld_iso")? else { return Some(None) };
        let (reason, code) = (self.need("withheld_reason")?, self.may("withheld_code")?);
        Some(Some(Withheld { at, reason, code }))
    }

    fn mismatch(&self) -> Option<Option<Mismatch>> {
        let Some(at) = self.may_moment("mismatch_iso")? else { return Some(None) };
        Some(Some(Mismatch { at, what: self.need("mismatch")? }))
    }

    fn stamps(&self) -> Option<Stamps> {
        let mut stamps = Stamps::default();
        for stage in Stage::ALL {
            let Some(seen) = self.may_moment(&format!("{stage}_seen_iso"))? else { continue };
            let stamp = Stamp {
                seen,
                via: self.need(&format!("{stage}_via"))?,
                occurred: self.need_moment(&format!("{stage}_occurred_iso"))?,
                frame: self.need(&format!("{stage}_frame"))?,
                position: self.need(&format!("{stage}_position"))?,
                error_us: self.need(&format!("{stage}_error_us"))?,
            };
            stamps.add(*stage, stamp);
        }
        Some(stamps)
    }
}
