//! Operators act on one of two instances, and it holds for both.

use std::time::Duration;

use canary_store::wall;
use canary_tests::{Deployment, Instance, Plan, Route, Row, run, until_some, within};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

const PERIOD: Duration = Duration::from_secs(6);
/// The second of two paths is due half of it after the edge.
const SPREAD: Duration = Duration::from_secs(3);
const PATH: &str = "a-2pc";

fn plan() -> Plan {
    let routes = Route::named(&["a-intra", PATH]);
    Plan { fire_every: PERIOD, spread: SPREAD, routes, ..Plan::default() }
}

/// Asks an instance to do something with a path.
async fn act(instance: &Instance, what: &str) -> (StatusCode, Value) {
    let url = format!("http://{}/api/v1/canaries/paths/{PATH}/{what}", instance.console());
    let client = Client::builder().no_proxy().build().unwrap();
    let answer = client.request(Method::POST, url).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// The live stream of an instance.
struct Stream {
    answer: Response,
    read: String,
}

impl Stream {
    /// Once the console has read the ledger for the first time.
    async fn open(instance: &Instance) -> Self {
        let url = format!("http://{}/api/v1/canaries/stream", instance.console());
        let client = Client::builder().no_proxy().build().unwrap();
        let open = async || {
            let answer = client.get(&url).send().await.unwrap();
            (answer.status() == StatusCode::OK).then_some(answer)
        };
        let mut stream = Self { answer: until_some("a stream", 10, open).await, read: String::new() };
        stream.next("snapshot").await;
        stream
    }

    /// The data of the next event of this name.
    async fn next(&mut self, event: &str) -> Value {
        loop {
            while let Some((frame, rest)) = self.read.split_once("\n\n") {
                let field =
                    |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let (name, data) = (field("event:"), field("data:").map(str::to_owned));
                let wanted = name == Some(event);
                self.read = rest.to_owned();
                if wanted {
                    return data.unwrap().parse().unwrap();
                }
            }
            let chunk = self.answer.chunk().await.unwrap().expect("the stream goes on");
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// The first cycle whose slot of the path is due at or after this moment.
fn next_due(moment: DateTime<Utc>) -> i64 {
    let after_the_edge = TimeDelta::from_std(SPREAD / 2).unwrap();
    let period_ms = i64::try_from(PERIOD.as_millis()).unwrap();
    let ms = (moment - after_the_edge).timestamp_micros().div_euclid(1_000) + 1;
    ms.div_euclid(period_ms) + i64::from(ms.rem_euclid(period_ms) > 0)
}

fn slot(rows: &[Row], cycle: i64) -> Option<&Row> {
    rows.iter().find(|row| row.path == PATH && row.cycle == Some(cycle))
}

async fn judged_slot(stage: &Deployment, cycle: i64) -> Row {
    let rows =
        stage.rows_when("the slot's verdict", 30, |rows| slot(rows, cycle).is_some_and(Row::judged)).await;
    slot(&rows, cycle).unwrap().clone()
}

/// Waits until the first path's slot of a new cycle was claimed: the second one's is yet to come.
async fn a_cycle_begins(stage: &Deployment) {
    let known = stage.rows().await.iter().filter_map(|row| row.cycle).max();
    stage.rows_when("a cycle", 20, |rows| rows.iter().any(|row| row.cycle > known)).await;
}

/// What a console shows of all paths, but when it looked.
async fn scoreboard(instance: &Instance) -> Value {
    let mut board = instance.json("/api/v1/canaries").await;
    let moments = ["now", "as_of", "next_fire_at"];
    board.as_object_mut().unwrap().retain(|name, _| !moments.contains(&name.as_str()));
    board
}

/// Where two documents are not the same.
fn differences(place: &str, one: &Value, two: &Value) -> Vec<String> {
    match (one, two) {
        (Value::Object(ones), Value::Object(_)) => {
            let names = ones.keys();
            names.flat_map(|name| differences(&format!("{place}/{name}"), &one[name], &two[name])).collect()
        }
        (Value::Array(ones), Value::Array(twos)) if ones.len() == twos.len() => {
            let pairs = ones.iter().zip(twos).enumerate();
            pairs.flat_map(|(n, (one, two))| differences(&format!("{place}/{n}"), one, two)).collect()
        }
        _ if one == two => Vec::new(),
        _ => vec![format!("{place}: {one} and {two}")],
    }
}

#[test]
fn what_is_fired_on_one_instance_is_told_on_the_other_and_a_pause_there_holds_the_leaders_next_slot() {
    run(async {
        let stage = Deployment::start(plan()).await;
        let leader = stage.launch_ready().await;
        leader.takes_the_lead().await;
        let other = stage.launch_ready().await;

        let mut stream = Stream::open(&other).await;
        let (status, fired) = act(&leader, "fire").await;
        assert_eq!(status, StatusCode::ACCEPTED, "{fired}");
        let told = within(30, async || {
            let told = stream.next("outcome").await;
            (told["test_id"] == fired["test_id"]).then_some(told)
        });
        let told = told.await.expect("the other instance tells of it");
        assert_eq!((&told["origin"], &told["outcome"]), (&json!("fire"), &json!("passed")), "{told}");
        let by_hand = |row: &&Row| fired["test_id"] == row.test_id.to_string();
        let rows = stage.rows().await;
        let row = rows.iter().find(by_hand).unwrap();
        assert_eq!((row.origin.as_str(), row.cycle, row.verdict().as_str()), ("fire", None, "passed"));

        a_cycle_begins(&stage).await;
        let (status, paused) = act(&other, "pause").await;
        assert_eq!((status, paused), (StatusCode::OK, json!({ "path": PATH, "held": "paused" })));
        let next = next_due(wall());
        let skipped = judged_slot(&stage, next).await;
        assert_eq!(skipped.verdict(), "skipped/paused", "{}", skipped.told());
        assert!(leader.leads("runner").await, "the other only said so");
        assert_eq!(judged_slot(&stage, next + 1).await.verdict(), "skipped/paused");

        let (status, resumed) = act(&other, "resume").await;
        assert_eq!((status, resumed), (StatusCode::OK, json!({ "path": PATH, "held": null })));
        let again = judged_slot(&stage, next_due(wall())).await;
        assert_eq!(again.verdict(), "passed", "{}", again.told());

        let mut apart = Vec::new();
        let agreed = within(20, async || {
            let (one, two) = tokio::join!(scoreboard(&leader), scoreboard(&other));
            apart = differences("", &one, &two);
            apart.is_empty().then_some(())
        });
        assert!(agreed.await.is_some(), "{apart:#?}");
        let last = &scoreboard(&other).await["paths"][1];
        assert_eq!((&last["held"], &last["state"]), (&json!(null), &json!("passing")), "{last}");
    });
}
