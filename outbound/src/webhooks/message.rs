//! What is said: a body whose bytes are written once, with the change that it tells of, and sent as they are with every try.

use canary_domain::{Backend, Moment, Outcome, Reason, TestId, iso};
use canary_store::{Brief, ToldState};
use serde::{Serialize, Serializer};
use url::Url;

/// Where a test is shown, under the console's address.
const PAGE: &str = "ui#/admin/canaries";

/// A message (docs/webhooks.md).
#[derive(Debug, Serialize)]
pub(crate) struct Message<'a, D> {
    /// What it is about.
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(serialize_with = "moment")]
    timestamp: Moment,
    data: Data<'a, D>,
}

#[derive(Debug, Serialize)]
struct Data<'a, D> {
    canary: &'a str,
    #[serde(flatten)]
    more: D,
}

/// A change of a path's state.
#[derive(Debug, Serialize)]
pub(crate) struct Changed<'a> {
    pub path: &'a str,
    pub backend: Backend,
    pub from: ToldState,
    pub to: ToldState,
    /// Since when it is so.
    #[serde(serialize_with = "moment")]
    pub since: Moment,
    /// When the first of the failures was registered.
    #[serde(serialize_with = "moment")]
    pub failing_since: Moment,
    /// How many tests in a row did not pass.
    pub consecutive_failures: usize,
    pub test_id: TestId,
    pub outcome: Outcome,
    pub failure_signal: Option<Reason>,
    pub missing_stages: &'a [String],
    pub total_latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// What a message for a trial holds beside the deployment's name: nothing.
#[derive(Debug, Serialize)]
struct Trial {}

fn moment<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&iso(*moment))
}

/// The body that tells of a change.
pub(crate) fn changed(canary: &str, decided: &Brief, change: Changed<'_>) -> String {
    let kind = match change.to {
        ToldState::Failing => "canary.path.failing",
        ToldState::Passing => "canary.path.recovered",
    };
    let timestamp = decided.judged_at.unwrap_or(decided.registered_at);
    body(&Message { kind, timestamp, data: Data { canary, more: change } })
}

/// The body of a message that an operator sends to try a receiver.
pub(crate) fn trial(canary: &str, now: Moment) -> String {
    body(&Message { kind: "canary.test", timestamp: now, data: Data { canary, more: Trial {} } })
}

fn body<D: Serialize>(message: &Message<'_, D>) -> String {
    serde_json::to_string(message).expect("a message has nothing that JSON can't hold")
}

/// Where a console shows a test.
pub(crate) fn link(console: &Url, test: TestId) -> String {
    format!("{}/{PAGE}?test={test}", console.as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::{Origin, parse_iso};

    fn at(seconds: u32) -> Moment {
        parse_iso(&format!("2026-11-21T01:22:{seconds:02}.123456Z")).unwrap()
    }

    #[test]
    fn a_message_says_what_changed_since_when_and_why() {
        let test_id: TestId = "6f1e0d8a-1b2c-8d3e-9f4a-0123456789ab".parse().unwrap();
        let missing = vec!["tokens_xfer".to_owned()];
        let decided = Brief {
            test_id,
            path: "a-intra".into(),
            backend: Backend::Intra,
            origin: Origin::Schedule,
            cycle: Some(7),
            period_ms: Some(60_000),
            registered_at: at(30),
            judged_at: Some(at(40)),
            outcome: Outcome::Failed,
            reason: Some(Reason::Timeout),
            missing: missing.clone(),
            latency_ms: None,
            revision: 1,
            change: Some(9),
        };
        let change = |to, from, link| Changed {
            path: "a-intra",
            backend: Backend::Intra,
            from,
            to,
            since: at(10),
            failing_since: at(10),
            consecutive_failures: 3,
            test_id,
            outcome: Outcome::Failed,
            failure_signal: Some(Reason::Timeout),
            missing_stages: &missing,
            total_latency_ms: None,
            link,
        };
        let console: Url = "https://canary.example/base/".parse().unwrap();
        let told = changed(
            "prod",
            &decided,
            change(ToldState::Failing, ToldState::Passing, Some(link(&console, test_id))),
        );
        assert_eq!(
            told,
            concat!(
                r#"{"type":"canary.path.failing","timestamp":"2026-11-21T01:22:40.123456Z","data":{"canary":"prod","#,
                r#""path":"a-intra","backend":"intra","from":"passing","to":"failing","#,
                r#""since":"2026-11-21T01:22:10.123456Z","failing_since":"2026-11-21T01:22:10.123456Z","#,
                r#""consecutive_failures":3,"test_id":"6f1e0d8a-1b2c-8d3e-9f4a-0123456789ab","outcome":"failed","#,
                r#""failure_signal":"timeout","missing_stages":["tokens_xfer"],"total_latency_ms":null,"#,
                r#""link":"https://canary.example/base/ui#/admin/canaries?test=6f1e0d8a-1b2c-8d3e-9f4a-0123456789ab"}}"#
            )
        );
        let back = changed("prod", &decided, change(ToldState::Passing, ToldState::Failing, None));
        assert!(back.starts_with(r#"{"type":"canary.path.recovered""#) && !back.contains("link"), "{back}");
    }
}
