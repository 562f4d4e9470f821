//! A test as the fields of a hash (design §4), and back.
//!
//! Hashes may have been written by another version, or changed by hand: what can't be read back is `None`, never a
//! panic and never a guess.

use std::cell::Cell;
use std::str::FromStr;
use std::time::Duration;

use canary_domain::{
    Answer, Facts, FireError, FireStatus, Mismatch, Moment, Stage, Stamp, Stamps, Test, TestId, Withheld,
    iso, parse_iso,
};

/// Names and values of a hash, in the order they are written.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    pub(super) fn set(&mut self, name: &'static str, value: &(impl ToString + ?Sized)) {
        self.0.push((name, value.to_string()));
    }

    pub(super) fn set_some<T: ToString>(&mut self, name: &'static str, value: Option<T>) {
        if let Some(value) = value {
            self.set(name, &value);
        }
    }

    /// Names and values by turns, as a command takes them.
    pub(super) fn flat(&self) -> Vec<&str> {
        self.0.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect()
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

/// The names of a stage's fields: when seen, how, when it occurred, frame, position, error. The order is that of
/// `stamp.lua`.
fn names(stage: Stage) -> &'static [&'static str; 6] {
    macro_rules! names {
        ($stage:literal) => {
            &[
                concat!($stage, "_seen_iso"),
                concat!($stage, "_via"),
                concat!($stage, "_occurred_iso"),
                concat!($stage, "_frame"),
                concat!($stage, "_position"),
                concat!($stage, "_error_us"),
            ]
        };
    }
    match stage {
        Stage::TokensXfer => names!("tokens_xfer"),
        Stage::FeeCollected => names!("fee_collected"),
        Stage::CfInitiated => names!("cf_initiated"),
        Stage::CfSettledLocal => names!("cf_settled_local"),
        Stage::CfSettledRemote => names!("cf_settled_remote"),
        Stage::CfRefunded => names!("cf_refunded"),
    }
}

/// Of a stage: the fields of [`names`].
pub(super) fn of_stamp(stage: Stage, stamp: &Stamp) -> [(&'static str, String); 6] {
    let [seen, via, occurred, frame, position, error_us] = *names(stage);
    [
        (seen, iso(stamp.seen)),
        (via, stamp.via.to_string()),
        (occurred, iso(stamp.occurred)),
        (frame, stamp.frame.clone()),
        (position, stamp.position.to_string()),
        (error_us, stamp.error_us.to_string()),
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

/// A hash as it was read. Short hashes keep the order in which their fields were written, which is about the order in which
/// they are asked for: so each is looked for from behind the one that was found last.
#[derive(Debug, Default)]
pub(super) struct Hash {
    fields: Vec<(String, String)>,
    next: Cell<usize>,
}

impl Hash {
    pub(super) fn new(fields: Vec<(String, String)>) -> Self {
        Self { fields, next: Cell::new(0) }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (before, behind) = self.fields.split_at(self.next.get());
        let mut fields = (self.next.get()..).zip(behind).chain((0..).zip(before));
        let (at, (_, value)) = fields.find(|(_, (known, _))| known == name)?;
        self.next.set(at + 1);
        Some(value)
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
        parse_iso(self.text(name)?)
    }

    /// As [`Hash::may`], for a moment.
    pub(super) fn may_moment(&self, name: &str) -> Option<Option<Moment>> {
        self.text(name).map(parse_iso).map_or(Some(None), |read| read.map(Some))
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
            let [seen, via, occurred, frame, position, error_us] = *names(*stage);
            let Some(seen) = self.may_moment(seen)? else { continue };
            let stamp = Stamp {
                seen,
                via: self.need(via)?,
                occurred: self.need_moment(occurred)?,
                frame: self.need(frame)?,
                position: self.need(position)?,
                error_us: self.need(error_us)?,
            };
            stamps.add(*stage, stamp);
        }
        Some(stamps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(fields: &[(&str, &str)]) -> Hash {
        Hash::new(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn fields_are_found_in_any_order_and_any_number_of_times() {
        let hash = hash(&[("a", "1"), ("b", "2"), ("c", "3")]);
        for (name, value) in [("c", "3"), ("a", "1"), ("a", "1"), ("b", "2"), ("a", "1"), ("c", "3")] {
            assert_eq!(hash.text(name), Some(value), "{name}");
            assert_eq!(hash.text("d"), None);
        }
        assert_eq!(Hash::default().text("a"), None);
    }

    #[test]
    fn the_fields_of_a_stage_bear_its_name() {
        for stage in Stage::ALL {
            let expected = ["seen_iso", "via", "occurred_iso", "frame", "position", "error_us"];
            assert_eq!(*names(*stage), expected.map(|field| format!("{stage}_{field}")));
        }
    }
}
