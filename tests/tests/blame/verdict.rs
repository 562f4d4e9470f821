//! What the canary said of a test, at whatever time: a trigger on its table keeps every word, so that not even one that
//! stood there for a moment is missed.

use std::collections::{BTreeMap, BTreeSet};

use canary_tests::{Deployment, Row};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::case::Class;

const KEEP_EVERY_WORD: &str = "
    CREATE TABLE said (
        id bigserial, test_id uuid, outcome text, failure_signal text, missing_stages text[], error text
    );
    CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO said (test_id, outcome, failure_signal, missing_stages, error)
        VALUES (NEW.test_id, NEW.outcome, NEW.failure_signal, NEW.missing_stages, NEW.fire_error->>'code');
        RETURN NEW;
    END $$;
    CREATE TRIGGER say AFTER INSERT OR UPDATE ON canary_test_results FOR EACH ROW EXECUTE FUNCTION say();";

/// Begins to keep every word.
pub async fn keep_every_word(stage: &Deployment) {
    sqlx::raw_sql(KEEP_EVERY_WORD).execute(stage.sql()).await.unwrap();
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Word {
    pub test_id: Uuid,
    outcome: String,
    failure_signal: Option<String>,
    missing_stages: Vec<String>,
    error: Option<String>,
}

impl Word {
    /// What a row says.
    pub fn of(row: &Row) -> Self {
        let error = row.fire_error.as_ref().and_then(|error| error["code"].as_str()).map(str::to_owned);
        Self {
            test_id: row.test_id,
            outcome: row.outcome.clone(),
            failure_signal: row.failure_signal.clone(),
            missing_stages: row.missing_stages.clone(),
            error,
        }
    }

    /// Whether it holds something against the platform.
    pub fn failed(&self) -> bool {
        self.outcome == "failed"
    }

    /// Outcome, signal and missing stages.
    pub fn text(&self) -> String {
        let mut text = self.outcome.clone();
        if let Some(signal) = &self.failure_signal {
            text.extend(["/", signal]);
        }
        let at_sign_in = self.error.as_deref() == Some("sign_in");
        if at_sign_in {
            text.push_str(" at sign-in");
        }
        if self.outcome == "failed" && !self.missing_stages.is_empty() {
            text.extend([": ", &self.missing_stages.join(" and ")]);
        }
        text
    }

    /// Whom it blames. `late` says no stage itself: it amends a timeout that did.
    pub fn class(&self, before: &[Self]) -> Class {
        let stage = |stage: &str| Class::Platform(stage.to_owned());
        let at_sign_in = self.error.as_deref() == Some("sign_in");
        match (self.outcome.as_str(), self.failure_signal.as_deref()) {
            ("pending" | "passed", _) => Class::None,
            ("late", _) => match before.iter().rev().find(|word| word.outcome == "failed") {
                Some(timeout) => Class::Platform(format!("{}, late", timeout.missing_stages.join(" and "))),
                None => stage("late"),
            },
            ("failed", Some("unavailable")) if at_sign_in => stage("sign-in"),
            ("failed", Some("rejected" | "unavailable" | "fire_timeout")) => stage("transfer call"),
            ("failed", Some("timeout")) => Class::Platform(self.missing_stages.join(" and ")),
            ("failed", Some("mismatch")) => stage("what was moved"),
            ("failed", Some("refunded")) => stage("refunded"),
            ("failed", Some("refunded_after_settled")) => stage("refunded after settled"),
            ("inconclusive" | "missed", Some(_)) => Class::Canary,
            (outcome, signal) => stage(&format!("unknown: {outcome} {signal:?}")),
        }
    }
}

/// Every word said of some tests, in order.
pub async fn said(ledger: &PgPool, tests: &BTreeSet<Uuid>) -> BTreeMap<Uuid, Vec<Word>> {
    let ids: Vec<Uuid> = tests.iter().copied().collect();
    let sql = "SELECT * FROM said WHERE test_id = ANY($1) ORDER BY id";
    let words: Vec<Word> = sqlx::query_as(sql).bind(ids).fetch_all(ledger).await.unwrap();
    let mut of = BTreeMap::<Uuid, Vec<Word>>::new();
    for word in words {
        of.entry(word.test_id).or_default().push(word);
    }
    of
}
