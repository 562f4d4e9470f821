//! One transfer: from the registered test to the noted answer.
//!
//! Nothing is retried inside a test but the one sign-in after a 401 (design §13). What is noted on the board is noted
//! until it is there: a board that is away, or has forgotten the test, delays the note and never loses it while
//! this process lives.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Answer, Clock, Facts, FireError, FireStatus, Moment, Origin, Reason, Withheld, backoff};
use canary_store::{Board, StoreError};
use canary_telemetry::RunnerMetrics;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, warn};

use crate::agents::{Agents, SignInError};
use crate::answer;
use crate::platform::{NoReply, Platform, Reply};
use crate::points;
use crate::right::Right;
use crate::settings::Route;

/// Fires registered tests.
#[derive(Clone)]
pub struct Firer {
    platform: Platform,
    agents: Agents,
    pub(crate) board: Arc<dyn Board>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<RunnerMetrics>,
}

/// How a firing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// All that is known of the test now, but for what the validators see.
    pub facts: Facts,
    /// How long the platform asked to be left alone (429, `Retry-After`).
    pub retry_after: Option<Duration>,
}

/// What came of sending.
enum Sent {
    Answered {
        answer: Answer,
        retry_after: Option<Duration>,
    },
    /// We stood still over it: what the platform did, its events say.
    Unknown,
    Withheld(Withheld),
}

/// The end of one request.
struct Ended {
    reply: Result<Reply, NoReply>,
    at: Moment,
}

impl Firer {
    /// Fires over this platform, and notes on this board.
    #[must_use]
    pub fn new(
        platform: Platform,
        agents: Agents,
        board: Arc<dyn Board>,
        clock: Arc<dyn Clock>,
        metrics: Arc<RunnerMetrics>,
    ) -> Self {
        Self { platform, agents, board, clock, metrics }
    }

    /// The agents it signs in.
    #[must_use]
    pub fn agents(&self) -> &Agents {
        &self.agents
    }

    /// Makes ready for a call of this route: signs in, warms the connection, and reads the sender's balance.
    pub async fn prepare(&self, route: &Route) -> Option<rust_decimal::Decimal> {
        let token = self.agents.token(&route.from).await.ok()?;
        match self.platform.balance(&route.from, &token).await {
            Ok(balance) => balance,
            Err(NoReply::TimedOut | NoReply::StoodStill) => None,
            Err(NoReply::Broken(cause)) => {
                debug!(agent = route.from.name, cause, "the balance could not be read");
                None
            }
        }
    }

    /// Sends the transfer of a registered test and notes what came of it. The right to do so is asked last, right before
    /// the request leaves: a leader that stood still beyond its lease sends nothing (I1).
    pub async fn fire(&self, right: &Right, route: &Route, facts: Facts) -> Fired {
        let mut facts = facts;
        let sent = match self.agents.token(&route.from).await {
            Ok(token) => self.send(right, route, &mut facts, token).await,
            Err(error) => self.not_signed_in(&error),
        };
        let mut wait = None;
        match sent {
            Sent::Answered { answer, retry_after } => {
                facts.answer = Some(answer);
                wait = retry_after;
            }
            Sent::Unknown => {
                warn!(test_id = %facts.test.test_id, "the process stood still over the call; its answer is not known");
            }
            Sent::Withheld(withheld) => facts.withheld = Some(withheld),
        }
        points::FIRE_ANSWERED.reached();
        self.note(&facts).await;
        points::ANSWER_NOTED.reached();
        Fired { facts, retry_after: wait }
    }

    /// Notes that a test is not going to be sent. The test may or may not have reached the board.
    pub async fn withhold(&self, mut facts: Facts, reason: Reason) {
        facts.withheld = Some(Withheld { at: self.clock.now(), reason, code: None });
        self.note(&facts).await;
    }

    async fn send(&self, right: &Right, route: &Route, facts: &mut Facts, token: SecretString) -> Sent {
        let first = self.call(right, route, facts, &token).await;
        let Ok(Ended { reply: Ok(Reply { status: 401, .. }), .. }) = &first else {
            return self.read(first, route, &token);
        };
        self.agents.refused(&route.from, &token).await;
        match self.agents.token(&route.from).await {
            Ok(token) => self.read(self.call(right, route, facts, &token).await, route, &token),
            // Nothing was carried out, and the canary can't sign in: that is what this test came to (design §13).
            Err(error) => self.not_signed_in(&error),
        }
    }

    /// One request, with the moment read right before it leaves.
    async fn call(
        &self,
        right: &Right,
        route: &Route,
        facts: &mut Facts,
        token: &SecretString,
    ) -> Result<Ended, Withheld> {
        if let Err(error) = right.check() {
            warn!(test_id = %facts.test.test_id, %error, "not sent");
            return Err(Withheld { at: self.clock.now(), reason: error.reason, code: None });
        }
        let request = self.platform.transfer(&route.from, &facts.test, token);
        let began = Instant::now();
        let fired_at = self.clock.at(began);
        facts.fired_at = Some(fired_at);
        facts.fired_error_us = u64::try_from(self.clock.error_bound().as_micros()).unwrap_or(u64::MAX);
        points::FIRE_ALLOWED.reached();
        // The end of the call is the call's own, however long the board takes beside it.
        let timed = async { (request.await, Instant::now()) };
        let ((reply, ended), ()) = tokio::join!(timed, self.note_fired(facts, fired_at));
        if facts.test.origin == Origin::Schedule {
            self.metrics.fired(&route.labels(), ended - began);
        }
        Ok(Ended { reply, at: self.clock.at(ended) })
    }

    fn read(&self, end: Result<Ended, Withheld>, route: &Route, token: &SecretString) -> Sent {
        let Ended { reply, at } = match end {
            Ok(ended) => ended,
            Err(withheld) => return Sent::Withheld(withheld),
        };
        match answer::read(&self.platform, &reply, at) {
            Some(answer) => Sent::Answered {
                answer: without_secrets(answer, route, token),
                retry_after: reply
                    .ok()
                    .filter(|reply| reply.status == 429)
                    .and_then(|reply| reply.retry_after),
            },
            None => Sent::Unknown,
        }
    }

    fn not_signed_in(&self, error: &SignInError) -> Sent {
        warn!(%error, "not sent");
        let at = self.clock.now();
        match error {
            SignInError::Credentials { code, .. } => {
                Sent::Withheld(Withheld { at, reason: Reason::Credentials, code: *code })
            }
            SignInError::Unavailable { code, .. } => {
                let error = FireError { code: Some("sign_in".into()), detail: error.to_string() };
                let answer = Answer {
                    at,
                    status: FireStatus::Unavailable,
                    code: *code,
                    transfer_id: None,
                    error: Some(error),
                };
                Sent::Answered { answer, retry_after: None }
            }
        }
    }

    /// Beside the call, which must not wait for the board. A failure is made good by [`Firer::note`].
    async fn note_fired(&self, facts: &Facts, fired_at: Moment) {
        if let Err(error) = self.board.note_fired(facts.test.test_id, fired_at, facts.fired_error_us).await {
            debug!(test_id = %facts.test.test_id, %error, "the firing was not noted yet");
        }
        points::FIRE_NOTED.reached();
    }

    /// Notes all of it until the board has it, or the watch is over.
    async fn note(&self, facts: &Facts) {
        let give_up = Instant::now() + facts.test.watch;
        let mut delays = backoff();
        loop {
            match timeout_at(give_up, self.try_note(facts)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => {
                    warn!(test_id = %facts.test.test_id, %error, "the end of the call was not noted yet");
                    sleep(delays.next().unwrap_or(Duration::from_secs(10))).await;
                }
                Err(_) => {
                    warn!(test_id = %facts.test.test_id, "the end of the call was not noted: the watch is over");
                    return;
                }
            }
        }
    }

    async fn try_note(&self, facts: &Facts) -> Result<(), StoreError> {
        let test_id = facts.test.test_id;
        let mut known = true;
        if let Some(fired_at) = facts.fired_at {
            known &= self.board.note_fired(test_id, fired_at, facts.fired_error_us).await?;
        }
        if let Some(answer) = &facts.answer {
            known &= self.board.note_answer(test_id, answer).await?;
        }
        if let Some(withheld) = &facts.withheld {
            known &= self.board.note_withheld(test_id, withheld).await?;
        }
        if !known {
            self.board.restore(std::slice::from_ref(facts)).await?;
        }
        Ok(())
    }
}

/// What may go into the row: an error page may repeat the request, and a platform what the sign-in was (I8).
fn without_secrets(answer: Answer, route: &Route, token: &SecretString) -> Answer {
    if answer.error.is_none() {
        return answer;
    }
    let client_secret = route.from.client_secret.read().unwrap_or_default();
    answer::fit_to_keep(answer, &[token.expose_secret(), client_secret.expose_secret()])
}
