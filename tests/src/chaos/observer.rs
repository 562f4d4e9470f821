//! Watches a run: the rows by SQL, past every proxy, and the accounting by SQL and over the API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_store::wall;
use reqwest::{Client, RequestBuilder};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use super::fleet::Consoles;
use super::{Snapshot, Uneven};
use crate::Row;

const COUNT_EVERY: Duration = Duration::from_millis(100);
/// Counts from one snapshot to the next.
const COUNTS: usize = 8;
const ASK_EVERY: Duration = Duration::from_millis(400);

/// Slots without a row between a path's first and its last: the same as the accounting's residual (design I2).
const HOLES: &str = "SELECT coalesce(sum(holes), 0)::bigint FROM (
        SELECT max(cycle) - min(cycle) + 1 - count(*) AS holes FROM canary_test_results
        WHERE origin = 'schedule' GROUP BY path) AS paths";

/// What has been seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub snapshots: Vec<Snapshot>,
    pub counted: usize,
    pub uneven: Vec<Uneven>,
}

/// Watches until it is dropped.
pub(super) struct Observer {
    /// Shared with the tasks that write it.
    seen: Arc<Mutex<Seen>>,
    /// Ended by being dropped.
    _tasks: JoinSet<()>,
}

impl Observer {
    pub(super) fn start(sql: PgPool, consoles: Consoles) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(watch_rows(sql, Arc::clone(&seen)));
        tasks.spawn(watch_accounts(consoles, Arc::clone(&seen)));
        Self { seen, _tasks: tasks }
    }

    pub(super) fn end(self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn watch_rows(sql: PgPool, seen: Arc<Mutex<Seen>>) {
    let mut last = BTreeMap::<Uuid, Arc<Row>>::new();
    loop {
        for _ in 0..COUNTS {
            let at = wall();
            let holes = sqlx::query_scalar(HOLES).fetch_one(&sql).await;
            if let Ok(residual) = holes {
                count(&seen, Uneven { at, by: "SQL".into(), residual });
            }
            sleep(COUNT_EVERY).await;
        }
        let at = wall();
        let rows = sqlx::query_as("SELECT * FROM canary_test_results").fetch_all(&sql).await;
        let Ok(rows) = rows else { continue };
        last = interned(rows, &last);
        seen.lock().unwrap().snapshots.push(Snapshot { at, rows: last.clone() });
    }
}

/// The rows, those that did not change being the same as before.
fn interned(rows: Vec<Row>, last: &BTreeMap<Uuid, Arc<Row>>) -> BTreeMap<Uuid, Arc<Row>> {
    let intern = |row: Row| {
        let same = last.get(&row.test_id).filter(|before| ***before == row).map(Arc::clone);
        (row.test_id, same.unwrap_or_else(|| Arc::new(row)))
    };
    rows.into_iter().map(intern).collect()
}

async fn watch_accounts(consoles: Consoles, seen: Arc<Mutex<Seen>>) {
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().unwrap();
    for turn in 0.. {
        let addresses = consoles.lock().unwrap().clone();
        let number = turn % addresses.len();
        let at = wall();
        let url = format!("http://{}/api/v1/canaries/accounting", addresses[number]);
        if let Some(residual) = residual(client.get(url)).await {
            count(&seen, Uneven { at, by: format!("instance {number}"), residual });
        }
        sleep(ASK_EVERY).await;
    }
}

/// What an accounting says is left over; `None` if there is none to be had.
pub(super) async fn residual(accounting: RequestBuilder) -> Option<i64> {
    let answer = accounting.send().await.ok()?.error_for_status().ok()?;
    answer.json::<serde_json::Value>().await.ok()?["residual"].as_i64()
}

fn count(seen: &Mutex<Seen>, count: Uneven) {
    let mut seen = seen.lock().unwrap();
    seen.counted += 1;
    if count.residual != 0 {
        seen.uneven.push(count);
    }
}
