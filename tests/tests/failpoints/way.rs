//! How a process is brought to its point.

use std::time::Duration;

use canary_sandbox::{Call, CallFault, FaultSet};
use canary_tests::invariants::now;
use canary_tests::{Deployment, Instance, Row, until};
use chrono::TimeDelta;
use reqwest::{Client, Method};
use sqlx::{query, query_scalar};

/// What it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing: it gets there with its work.
    Work,
    /// Calls that are answered later.
    SlowCalls,
    /// A path is paused when it takes over.
    Pause,
    /// An operator orders a test.
    Order,
    /// The board loses the facts of a test.
    Lost,
    /// Rows and hours are too old when it takes over.
    Prune,
    /// A new leader's first steps.
    Succession,
    /// The same, after cycles that nobody fired.
    LateSuccession,
    /// Tests whose watch is over.
    Close,
    /// The same, and their rows are exported.
    Export,
}

/// The path that everything is about.
const PATH: &str = "a-2pc";
/// Goes on where that one is paused.
const OTHER: &str = "a-intra";

impl Way {
    /// The paths. One alone, so that the test in hand is the last.
    pub fn paths(self) -> &'static [&'static str] {
        if self == Self::Pause { &[PATH, OTHER] } else { &[PATH] }
    }

    /// The path that goes on being fired.
    pub fn goes_on(self) -> &'static str {
        if self == Self::Pause { OTHER } else { PATH }
    }

    /// Whether it takes tests whose watch is over.
    pub fn closes(self) -> bool {
        self == Self::Close || self == Self::Export
    }

    /// More that is armed, in whoever comes after, too: times that a test can't wait for.
    pub fn times(self) -> &'static str {
        match self {
            Self::Prune => "judge.prune.first=return(1);",
            Self::Export => "export.overlap=return(1000);",
            Self::Work
            | Self::SlowCalls
            | Self::Pause
            | Self::Order
            | Self::Lost
            | Self::Close
            | Self::Succession
            | Self::LateSuccession => "",
        }
    }

    /// Before anything runs.
    pub fn prepare(self, stage: &Deployment) {
        if self == Self::SlowCalls {
            let slow = CallFault::Slow { call: Call::Transfer, by_ms: 400, lands: true };
            stage.sandbox().faults().set(FaultSet::of([slow.into()]));
        }
    }

    /// Starts the process that is to die. One that inherits finds a healthy cycle's work.
    pub async fn launch(self, stage: &Deployment, armed: &str) -> Instance {
        match self {
            Self::Succession | Self::LateSuccession | Self::Pause | Self::Prune => {
                let mut first = stage.launch_ready().await;
                first.takes_the_lead().await;
                stage.rows_when("a pass", 40, one_passed).await;
                self.hand_over(stage, &mut first).await;
                stage.launch_armed(armed)
            }
            Self::Work | Self::SlowCalls | Self::Order | Self::Lost | Self::Close | Self::Export => {
                stage.launch_armed(armed)
            }
        }
    }

    /// Ends the one before, and leaves its successor something to do.
    async fn hand_over(self, stage: &Deployment, first: &mut Instance) {
        if self == Self::Pause {
            act(first, "pause").await;
        }
        first.terminate().await;
        if self == Self::Prune {
            leave_old_rows(stage).await;
        }
        if self == Self::LateSuccession {
            two_cycles_pass(stage).await;
        }
    }

    /// Brings it about, once the process has done a healthy cycle's work.
    pub async fn provoke(self, stage: &Deployment, victim: &Instance) {
        let waits = [Self::Order, Self::Lost].contains(&self);
        if waits {
            stage.rows_when("a pass", 40, one_passed).await;
        }
        match self {
            Self::Order => act(victim, "fire").await,
            Self::Lost => lose_a_test(stage).await,
            Self::Work
            | Self::SlowCalls
            | Self::Pause
            | Self::Prune
            | Self::Succession
            | Self::LateSuccession
            | Self::Close
            | Self::Export => {}
        }
    }
}

/// Whether a slot has passed.
pub fn one_passed(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.path == PATH && row.outcome == "passed")
}

async fn two_cycles_pass(stage: &Deployment) {
    let newest =
        stage.rows_when("rows", 20, one_passed).await.iter().map(|row| row.registered_at).max().unwrap();
    let over = newest + TimeDelta::seconds(8);
    until("two cycles without a leader", 20, async || now(stage).await > over).await;
}

/// Whether it is answered depends on where it dies.
async fn act(victim: &Instance, what: &str) {
    let url = format!("http://{}/api/v1/canaries/paths/{PATH}/{what}", victim.console());
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    client.request(Method::POST, url).send().await.ok();
}

async fn lose_a_test(stage: &Deployment) {
    let mut board = stage.board().await;
    let rows = stage.rows_when("rows", 20, one_passed).await;
    let lost = rows.iter().rev().find(|row| row.outcome == "passed").unwrap().test_id;
    let (key, touched) = (stage.key(&format!("canary:{lost}")), stage.key("canary:touched"));
    let mut both = redis::pipe();
    both.atomic().cmd("DEL").arg(key).ignore().cmd("SADD").arg(touched).arg(lost.to_string()).ignore();
    let () = both.query_async(&mut board).await.unwrap();
}

/// A row of 91 days ago that has no slot, and hours of 401 days ago.
async fn leave_old_rows(stage: &Deployment) {
    let row = "INSERT INTO canary_test_results SELECT (jsonb_populate_record(row, jsonb_build_object(
            'test_id', gen_random_uuid(), 'registered_at', now() - interval '91 days',
            'origin', 'probe', 'cycle', null, 'period_ms', null, 'change_id', null))).*
        FROM canary_test_results AS row WHERE outcome = 'passed' LIMIT 1";
    assert_eq!(query(row).execute(stage.sql()).await.unwrap().rows_affected(), 1);
    let hour = "INSERT INTO canary_hourly SELECT DISTINCT canary, path, backend, now() - interval '401 days',
            1, 0, 0, 0, 0, 0, 0, '{}'::jsonb
        FROM canary_test_results";
    assert!(query(hour).execute(stage.sql()).await.unwrap().rows_affected() > 0);
}

/// Whether they are gone.
pub async fn no_old_rows(stage: &Deployment) -> bool {
    let old =
        "SELECT (SELECT count(*) FROM canary_test_results WHERE registered_at < now() - interval '90 days')
            + (SELECT count(*) FROM canary_hourly WHERE hour < now() - interval '400 days')";
    query_scalar::<_, i64>(old).fetch_one(stage.sql()).await.unwrap() == 0
}
