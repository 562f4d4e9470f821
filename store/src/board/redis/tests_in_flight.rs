//! What is written of tests in flight, and how their facts are read.

use canary_domain::{Answer, Facts, Mismatch, Moment, Sighting, Test, TestId, Withheld, iso};
use redis::ScriptInvocation;

use super::fields::{self, Fields, Hash};
use super::{RedisBoard, lease, millis, read, score};
use crate::board::{Announcement, Due, LINGER, Registration, claim_life, test_life, without_slot};
use crate::{Leadership, Result, StoreError};

/// Tests or sightings dealt with in one script call: a server does nothing else meanwhile.
const AT_ONCE: usize = 200;

impl RedisBoard {
    pub(super) async fn put_test(&self, lead: &Leadership, test: &Test) -> Result<Registration> {
        const STEP: &str = "register a test";
        if lead.check().is_err() {
            return Ok(Registration::NotLeading);
        }
        let mut call = self.scripts.register.key(self.keys.lease(lead.role()));
        call.key(self.keys.test(test.test_id)).key(self.keys.open());
        if let Some(cycle) = test.cycle {
            call.key(self.keys.slot(&test.path, cycle));
        }
        call.arg(lease(&lead.holder())).arg(millis(claim_life(test)));
        self.put_args(&mut call, test)?;
        match self.link.script::<String>(STEP, &call).await?.as_str() {
            "registered" => Ok(Registration::Registered),
            "taken" => Ok(Registration::Taken),
            "not_leading" => Ok(Registration::NotLeading),
            other => Err(self.unreadable(STEP, other)),
        }
    }

    pub(super) async fn put_free_test(&self, test: &Test) -> Result<bool> {
        without_slot(test, self.link.name().to_owned())?;
        let mut call = self.scripts.register_free.key(self.keys.test(test.test_id));
        call.key(self.keys.open());
        self.put_args(&mut call, test)?;
        self.link.script("register a test without a slot", &call).await
    }

    /// What `put` in `prelude.lua` takes of a test.
    fn put_args(&self, call: &mut ScriptInvocation<'_>, test: &Test) -> Result<()> {
        call.arg(test.test_id.to_string()).arg(score(test.registered_at + test.deadline));
        call.arg(millis(test_life(test))).arg(self.keys.fires());
        call.arg(self.announcement(&Announcement::Test { test: Box::new(test.clone()) })?);
        call.arg(fields::of_test(test).flat());
        Ok(())
    }

    pub(super) async fn put_fired(&self, test_id: TestId, fired_at: Moment, error_us: u64) -> Result<bool> {
        let mut call = self.scripts.fired.key(self.keys.test(test_id));
        call.key(self.keys.touched()).arg(test_id.to_string()).arg(iso(fired_at)).arg(error_us);
        self.link.script("note a firing", &call).await
    }

    pub(super) async fn put_answer(&self, test_id: TestId, answer: &Answer) -> Result<bool> {
        let (fields, transfer_id) = (fields::of_answer(answer), answer.transfer_id.as_deref());
        self.note(test_id, Note { step: "note an answer", fields, signal: "", transfer_id }).await
    }

    pub(super) async fn put_withheld(&self, test_id: TestId, withheld: &Withheld) -> Result<bool> {
        let (fields, signal) = (fields::of_withheld(withheld), withheld.reason.as_str());
        self.note(test_id, Note { step: "note a withheld test", fields, signal, transfer_id: None }).await
    }

    async fn note(&self, test_id: TestId, note: Note<'_>) -> Result<bool> {
        let mut call = self.scripts.note.key(self.keys.test(test_id));
        call.key(self.keys.touched()).arg(test_id.to_string()).arg(self.keys.fires());
        let mut announcement = String::new();
        if let Some(transfer_id) = note.transfer_id {
            call.key(self.keys.transfer(transfer_id));
            announcement = self.transfer_known(test_id, transfer_id)?;
        }
        call.arg(announcement).arg(note.signal).arg(note.fields.flat());
        self.link.script(note.step, &call).await
    }

    pub(super) async fn put_mismatch(&self, test_id: TestId, mismatch: &Mismatch) -> Result<bool> {
        let mut call = self.scripts.mismatch.key(self.keys.test(test_id));
        call.key(self.keys.touched()).arg(test_id.to_string());
        call.arg(iso(mismatch.at)).arg(&mismatch.what);
        self.link.script("note a mismatch", &call).await
    }

    pub(super) async fn put_stamps(&self, batch: &[Sighting]) -> Result<Vec<TestId>> {
        const STEP: &str = "stamp";
        let mut unknown = Vec::new();
        for batch in batch.chunks(AT_ONCE) {
            let mut call = self.scripts.stamp.key(self.keys.touched());
            for Sighting { test_id, stage, stamp } in batch {
                call.key(self.keys.test(*test_id)).arg(test_id.to_string()).arg(stage.as_str());
                for (_, value) in fields::of_stamp(*stage, stamp) {
                    call.arg(value);
                }
            }
            for text in self.link.script::<Vec<String>>(STEP, &call).await? {
                unknown.push(text.parse().map_err(|_| self.unreadable(STEP, &text))?);
            }
        }
        Ok(unknown)
    }

    /// What is there and can't be read is replaced. Nothing repairs it meanwhile: a registration leaves it alone too.
    pub(super) async fn put_back(&self, facts: &[Facts]) -> Result<()> {
        const STEP: &str = "restore tests";
        for facts in facts.chunks(AT_ONCE) {
            let keys: Vec<String> = facts.iter().map(|facts| self.keys.test(facts.test.test_id)).collect();
            let present = read::hashes(&self.link, STEP, &keys).await?;
            let mut call = self.scripts.restore.key(self.keys.open());
            call.key(self.keys.touched()).arg(self.keys.fires());
            for (facts, present) in facts.iter().zip(present) {
                let broken = present.is_some_and(|hash| hash.facts(facts.test.test_id).is_none());
                self.put_one_back(&mut call, facts, broken)?;
            }
            self.link.script::<()>(STEP, &call).await?;
        }
        Ok(())
    }

    fn put_one_back(&self, call: &mut ScriptInvocation<'_>, facts: &Facts, broken: bool) -> Result<()> {
        let test = &facts.test;
        let mut pointers = Vec::new();
        let mut announcements =
            vec![self.announcement(&Announcement::Test { test: Box::new(test.clone()) })?];
        if let Some(cycle) = test.cycle {
            pointers.push(self.keys.slot(&test.path, cycle));
        }
        if let Some(transfer_id) = facts.transfer_id() {
            pointers.push(self.keys.transfer(transfer_id));
            announcements.push(self.transfer_known(test.test_id, transfer_id)?);
        }
        let fields = fields::of_restored(facts);
        let fields = fields.flat();
        call.key(self.keys.test(test.test_id)).key(&pointers);
        call.arg(test.test_id.to_string()).arg(score(facts.deadline_at()));
        call.arg(millis(test_life(test))).arg(millis(claim_life(test)));
        call.arg(pointers.len()).arg(announcements.len()).arg(fields.len());
        call.arg(u8::from(broken)).arg(announcements).arg(fields);
        Ok(())
    }

    pub(super) async fn prolong(&self, tests: &[TestId]) -> Result<()> {
        for tests in tests.chunks(AT_ONCE) {
            let mut call = self.scripts.keep.key(self.keys.open());
            call.key(self.keys.touched());
            call.arg(millis(LINGER)).arg(self.keys.slots()).arg(self.keys.transfers());
            for test_id in tests {
                call.key(self.keys.test(*test_id));
            }
            self.link.script::<()>("keep tests", &call).await?;
        }
        Ok(())
    }

    /// The facts of these tests; those that the board has lost, or can't make sense of, apart.
    pub(super) async fn facts(&self, step: &'static str, ids: &[String]) -> Result<Due> {
        // Only tests are ever put among the open ones; an id that is none was written by somebody else.
        let ids: Vec<TestId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let keys: Vec<String> = ids.iter().map(|test_id| self.keys.test(*test_id)).collect();
        let facts = |place: usize, hash: Option<Hash>| hash.and_then(|hash| hash.facts(ids[place]));
        let read = read::each(&self.link, step, &keys, facts).await?;
        let mut due = Due::default();
        for (test_id, facts) in ids.into_iter().zip(read) {
            match facts {
                Some(facts) => due.facts.push(facts),
                None => due.lost.push(test_id),
            }
        }
        Ok(due)
    }

    fn transfer_known(&self, test_id: TestId, transfer_id: &str) -> Result<String> {
        self.announcement(&Announcement::Transfer { test_id, transfer_id: transfer_id.to_owned() })
    }

    fn announcement(&self, announcement: &Announcement) -> Result<String> {
        serde_json::to_string(announcement).map_err(|error| StoreError::Broken {
            store: self.link.name().to_owned(),
            step: "write an announcement",
            cause: error.to_string(),
        })
    }
}

/// What is noted of a test at once: if the first of the fields is there already, nothing is.
struct Note<'a> {
    step: &'static str,
    fields: Fields,
    /// The failure signal that follows from it; `""` if none does.
    signal: &'a str,
    /// What became known with it: is announced, and points to the test from then on.
    transfer_id: Option<&'a str>,
}
