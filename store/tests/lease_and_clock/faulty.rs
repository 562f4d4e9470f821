//! A board whose leases and time can be made to fail.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, EventType, Facts, Mismatch, Moment, NodeId, Role, Sighting, Term, Test, TestId, Withheld,
};
use canary_store::{
    AgentState, Announcements, Board, Due, Holder, Leadership, ReactorState, Registration, Result, StoreError,
};
use tokio::time::sleep;

/// How the board answers.
#[derive(Clone, Debug)]
pub enum Answers {
    /// At once.
    Promptly,
    /// With an error, at once.
    WithErrors,
    /// Never.
    Never,
    /// After these delays, one a call; the last one stays.
    After(VecDeque<Duration>),
}

/// Another board, behind a line that fails.
pub struct Faulty {
    behind: Arc<dyn Board>,
    answers: Mutex<Answers>,
}

impl Faulty {
    pub fn new(behind: Arc<dyn Board>) -> Arc<Self> {
        Arc::new(Self { behind, answers: Mutex::new(Answers::Promptly) })
    }

    pub fn answer(&self, answers: Answers) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = answers;
    }

    /// Answers as told; what a call does is done after that.
    async fn line(&self) -> Result<()> {
        let answers = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let now = answers.clone();
            if let Answers::After(delays) = &mut *answers
                && delays.len() > 1
            {
                delays.pop_front();
            }
            now
        };
        match answers {
            Answers::Promptly => Ok(()),
            Answers::WithErrors => Err(StoreError::Unavailable {
                store: "a faulty board".to_owned(),
                step: "answer",
                cause: "the line is cut".to_owned(),
            }),
            Answers::Never => pending().await,
            Answers::After(delays) => {
                sleep(delays.front().copied().unwrap_or_default()).await;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Board for Faulty {
    fn describe(&self) -> String {
        "a faulty board".to_owned()
    }

    async fn time(&self) -> Result<Moment> {
        self.line().await?;
        self.behind.time().await
    }

    async fn acquire(&self, role: Role, node: &NodeId, ttl: Duration) -> Result<Option<Term>> {
        self.line().await?;
        self.behind.acquire(role, node, ttl).await
    }

    async fn renew(&self, role: Role, holder: &Holder, ttl: Duration) -> Result<bool> {
        self.line().await?;
        self.behind.renew(role, holder, ttl).await
    }

    async fn release(&self, role: Role, holder: &Holder) -> Result<()> {
        self.line().await?;
        self.behind.release(role, holder).await
    }

    async fn holder(&self, role: Role) -> Result<Option<Holder>> {
        self.behind.holder(role).await
    }

    async fn register(&self, lead: &Leadership, test: &Test) -> Result<Registration> {
        self.behind.register(lead, test).await
    }

    async fn register_free(&self, test: &Test) -> Result<bool> {
        self.behind.register_free(test).await
    }

    async fn claimed(&self, path: &str, cycles: &[i64]) -> Result<Vec<i64>> {
        self.behind.claimed(path, cycles).await
    }

    async fn note_fired(&self, test_id: TestId, fired_at: Moment, error_us: u64) -> Result<bool> {
        self.behind.note_fired(test_id, fired_at, error_us).await
    }

    async fn note_answer(&self, test_id: TestId, answer: &Answer) -> Result<bool> {
        self.behind.note_answer(test_id, answer).await
    }

    async fn note_withheld(&self, test_id: TestId, withheld: &Withheld) -> Result<bool> {
        self.behind.note_withheld(test_id, withheld).await
    }

    async fn restore(&self, facts: &[Facts]) -> Result<()> {
        self.behind.restore(facts).await
    }

    async fn open_tests(&self) -> Result<Vec<Facts>> {
        self.behind.open_tests().await
    }

    async fn announcements(&self) -> Result<Announcements> {
        self.behind.announcements().await
    }

    async fn stamp(&self, batch: &[Sighting]) -> Result<Vec<TestId>> {
        self.behind.stamp(batch).await
    }

    async fn note_mismatch(&self, test_id: TestId, mismatch: &Mismatch) -> Result<bool> {
        self.behind.note_mismatch(test_id, mismatch).await
    }

    async fn save_reactor(&self, state: &ReactorState) -> Result<()> {
        self.behind.save_reactor(state).await
    }

    async fn save_agent(&self, state: &AgentState) -> Result<()> {
        self.behind.save_agent(state).await
    }

    async fn agents(&self) -> Result<Vec<AgentState>> {
        self.behind.agents().await
    }

    async fn reactors(&self) -> Result<Vec<ReactorState>> {
        self.behind.reactors().await
    }

    async fn position(&self, frame: &str, event_type: EventType) -> Result<Option<i64>> {
        self.behind.position(frame, event_type).await
    }

    async fn due(&self, now: Moment, limit: usize) -> Result<Due> {
        self.behind.due(now, limit).await
    }

    async fn reschedule(&self, looks: &[(TestId, Moment)]) -> Result<()> {
        self.behind.reschedule(looks).await
    }

    async fn close(&self, tests: &[TestId]) -> Result<()> {
        self.behind.close(tests).await
    }

    async fn keep(&self, tests: &[TestId]) -> Result<()> {
        self.behind.keep(tests).await
    }

    async fn open_count(&self) -> Result<u64> {
        self.behind.open_count().await
    }
}
