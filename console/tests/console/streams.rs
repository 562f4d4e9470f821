//! `GET /stream`: no loss and no repeats, whatever happens between.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Backend, Outcome, TestId};
use canary_store::PostgresLedger;
use chrono::TimeDelta;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

use crate::desk::{Desk, VIEWER, line, told};
use crate::past::{Past, ago, now, test, until};
use crate::stand::{API, Stand};

/// One client.
struct Listener {
    answer: Response,
    text: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: Option<i64>,
    data: Value,
}

impl Listener {
    async fn open(stand: &Stand, query: &str) -> anyhow::Result<Self> {
        Self::of(stand.client.get(format!("http://{}{API}/stream{query}", stand.address))).await
    }

    async fn of(request: RequestBuilder) -> anyhow::Result<Self> {
        let answer = request.timeout(Duration::from_secs(120)).send().await?;
        anyhow::ensure!(answer.status() == 200, "{}", answer.status());
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        Ok(Self { answer, text: String::new() })
    }

    /// The next block of lines; `None` at the end.
    async fn block(&mut self) -> anyhow::Result<Option<String>> {
        let read = async {
            loop {
                if let Some((block, rest)) = self.text.split_once("\n\n") {
                    let (block, rest) = (block.to_owned(), rest.to_owned());
                    self.text = rest;
                    return anyhow::Ok(Some(block));
                }
                match self.answer.chunk().await? {
                    Some(chunk) => self.text.push_str(std::str::from_utf8(&chunk)?),
                    None => return Ok(None),
                }
            }
        };
        timeout(Duration::from_secs(14), read).await?
    }

    async fn event(&mut self) -> anyhow::Result<Event> {
        let mut block = self.block().await?.ok_or_else(|| anyhow::anyhow!("the stream has ended"))?;
        if block == "retry: 2000" {
            block = self.block().await?.ok_or_else(|| anyhow::anyhow!("the stream has ended"))?;
        }
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        Ok(Event {
            name: field("event").unwrap_or_default().to_owned(),
            id: field("id").map(str::parse).transpose()?,
            data: serde_json::from_str(field("data").unwrap_or("null"))?,
        })
    }

    /// The tests of the next outcomes, and the ids in which they come.
    async fn outcomes(&mut self, count: usize) -> anyhow::Result<(Vec<String>, Vec<i64>)> {
        let (mut tests, mut ids) = (Vec::new(), Vec::new());
        while tests.len() < count {
            let event = self.event().await?;
            assert_eq!(event.name, "outcome", "{event:?}");
            tests.push(event.data["test_id"].as_str().unwrap().to_owned());
            ids.push(event.id.unwrap());
        }
        Ok((tests, ids))
    }
}

/// Writes so many verdicts, of cycles long ago, and answers their tests in the order of writing.
async fn write(past: &Past, count: i64) -> anyhow::Result<Vec<String>> {
    let newest = past.ledger.latest_change().await?;
    let at = |index: i64| now() - TimeDelta::minutes(100_000 - newest - index);
    let tests: Vec<_> = (0..count).map(|index| (test(Backend::Intra, at(index)), Outcome::Passed)).collect();
    // One at a time where the order matters; many go in the order of the ledger.
    if count <= 10 {
        for one in &tests {
            past.judged(std::slice::from_ref(one)).await?;
        }
    } else {
        past.judged(&tests).await?;
    }
    Ok(tests.iter().map(|(test, _)| test.test_id.to_string()).collect())
}

fn sorted(mut tests: Vec<String>) -> Vec<String> {
    tests.sort_unstable();
    tests
}

#[tokio::test]
async fn a_snapshot_comes_first_and_then_each_outcome_as_it_is_decided() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let known = past.slot(Backend::Intra, ago(1), Outcome::Passed).await?;
    let stand = past.console().await?;
    let mut listener = Listener::open(&stand, "").await?;
    assert_eq!(listener.block().await?.as_deref(), Some("retry: 2000"));
    let snapshot = listener.event().await?;
    assert_eq!((snapshot.name.as_str(), snapshot.id), ("snapshot", Some(1)));
    assert_eq!((&snapshot.data["head"], &snapshot.data["state"]), (&1.into(), &"unknown".into()));
    assert_eq!(snapshot.data["paths"][0]["state"], "passing");
    assert_eq!(snapshot.data["paths"][0]["last"]["test_id"], known.to_string());
    assert_eq!(snapshot.data["paths"][1]["last"], Value::Null);

    let fired = test(Backend::TwoPc, ago(0));
    past.test(fired.clone(), Outcome::Failed).await?;
    let outcome = listener.event().await?;
    assert_eq!((outcome.name.as_str(), outcome.id), ("outcome", Some(2)));
    assert_eq!(outcome.data["test_id"], fired.test_id.to_string());
    assert_eq!((&outcome.data["outcome"], &outcome.data["revision"]), (&"failed".into(), &1.into()));
    past.test(fired, Outcome::Late).await?;
    let amended = listener.event().await?;
    assert_eq!((amended.id, &amended.data["outcome"]), (Some(3), &"late".into()));
    assert_eq!(amended.data["revision"], 2);
    past.slot(Backend::Intra, ago(0), Outcome::Skipped).await?;
    assert_eq!(listener.event().await?.data["outcome"], "skipped");
    Ok(())
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_once_and_in_order() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let stand = past.console().await?;
    let written = write(&past, 5).await?;
    let mut listener = Listener::open(&stand, "?last_event_id=2").await?;
    assert_eq!(listener.outcomes(3).await?, (written[2..].to_vec(), vec![3, 4, 5]));
    let more = write(&past, 2).await?;
    assert_eq!(listener.outcomes(2).await?, (more, vec![6, 7]));
    // A browser that comes back by itself sends the header beside the page's old query.
    let url = format!("http://{}{API}/stream?last_event_id=2", stand.address);
    let mut listener = Listener::of(stand.client.get(&url).header("last-event-id", "6")).await?;
    assert_eq!(listener.outcomes(1).await?.1, [7]);
    let answer = stand.client.get(&url).header("last-event-id", "seven").send().await?;
    assert_eq!(answer.status(), 422);
    Ok(())
}

#[tokio::test]
async fn a_restart_with_more_changes_than_the_ring_holds_loses_none() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let mut stand = past.console().await?;
    write(&past, 3).await?;
    let mut listener = Listener::open(&stand, "?last_event_id=0").await?;
    assert_eq!(listener.outcomes(3).await?.1, [1, 2, 3]);
    stand.stop.cancel();
    timeout(Duration::from_secs(9), &mut stand.server).await??;
    let missed = write(&past, 1_200).await?;
    let stand = past.console().await?;
    let mut listener = Listener::open(&stand, "?last_event_id=3").await?;
    let (tests, ids) = listener.outcomes(1_200).await?;
    assert_eq!(sorted(tests), sorted(missed));
    assert_eq!(ids, (4..=1_203).collect::<Vec<_>>());
    // The ring of this console runs over, too, and a client that starts at the very beginning still gets all.
    write(&past, 1_100).await?;
    assert_eq!(listener.outcomes(1_100).await?.1, (1_204..=2_303).collect::<Vec<_>>());
    let mut listener = Listener::open(&stand, "?last_event_id=0").await?;
    assert_eq!(listener.outcomes(2_303).await?.1, (1..=2_303).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn each_of_two_consoles_shows_what_came_by_the_other() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let there = PostgresLedger::connect(&past.url.clone().into(), "test")?;
    let other = Past { ledger: Arc::new(there), url: past.url.clone() };
    let (a, b) = (past.console().await?, other.console().await?);
    let mut at_a = Listener::open(&a, "").await?;
    let mut at_b = Listener::open(&b, "").await?;
    assert_eq!((at_a.event().await?.name, at_b.event().await?.name), ("snapshot".into(), "snapshot".into()));
    let mut written = write(&past, 1).await?;
    written.extend(write(&other, 1).await?);
    assert_eq!(at_a.outcomes(2).await?, (written.clone(), vec![1, 2]));
    assert_eq!(at_b.outcomes(2).await?, (written, vec![1, 2]));
    // A client that moves on at once may know more than the console it comes to.
    write(&past, 1).await?;
    let mut moved = Listener::open(&b, "?last_event_id=3").await?;
    let fourth = write(&past, 1).await?;
    assert_eq!(moved.outcomes(1).await?, (fourth, vec![4]));
    Ok(())
}

#[tokio::test]
async fn an_id_that_the_ledger_never_gave_gets_a_snapshot() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    write(&past, 2).await?;
    let stand = past.console().await?;
    let mut listener = Listener::open(&stand, "?last_event_id=99").await?;
    let snapshot = listener.event().await?;
    assert_eq!((snapshot.name.as_str(), snapshot.id), ("snapshot", Some(2)));
    let next = write(&past, 1).await?;
    assert_eq!(listener.outcomes(1).await?, (next, vec![3]));
    Ok(())
}

#[tokio::test]
async fn a_backup_that_was_restored_begins_everything_anew() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(2), Outcome::Passed).await?;
    past.slot(Backend::Intra, ago(1), Outcome::Failed).await?;
    let stand = past.console().await?;
    let mut listener = Listener::open(&stand, "").await?;
    assert_eq!(listener.event().await?.id, Some(2));
    let sql = sqlx::PgPool::connect(&past.url).await?;
    let mut restore = sql.begin().await?;
    sqlx::query("DELETE FROM canary_test_results WHERE change_id = 2").execute(&mut *restore).await?;
    sqlx::query("UPDATE canary_change_feed SET last_change = 1").execute(&mut *restore).await?;
    restore.commit().await?;
    let snapshot = listener.event().await?;
    assert_eq!((snapshot.name.as_str(), snapshot.id), ("snapshot", Some(1)));
    assert_eq!(snapshot.data["paths"][0]["state"], "passing", "the failure never was");
    until(&stand, API, |board| board["paths"][0]["consecutive_failures"] == 0).await?;
    let again = write(&past, 1).await?;
    assert_eq!(listener.outcomes(1).await?, (again, vec![2]));
    // All is read anew in a new hour, which is no new beginning to a stream.
    *stand.world.now.lock().unwrap() = now() + TimeDelta::hours(1);
    until(&stand, API, |board| board["as_of"] == "2026-11-21T02:30:00.000000Z").await?;
    let later = write(&past, 1).await?;
    assert_eq!(listener.outcomes(1).await?, (later, vec![3]));
    Ok(())
}

#[tokio::test]
async fn an_amendment_of_the_newest_row_is_no_new_beginning() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let newest = test(Backend::Intra, ago(1));
    past.test(newest.clone(), Outcome::Failed).await?;
    let stand = past.console().await?;
    let mut listener = Listener::open(&stand, "?last_event_id=1").await?;
    past.test(newest.clone(), Outcome::Late).await?;
    assert_eq!(listener.outcomes(1).await?.1, [2]);
    past.test(newest, Outcome::Passed).await?;
    assert_eq!(listener.outcomes(1).await?.1, [3]);
    Ok(())
}

#[tokio::test]
async fn an_amendment_behind_many_changes_is_no_new_beginning_either() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    write(&past, 600).await?;
    let newest = past.slot(Backend::Intra, ago(1), Outcome::Failed).await?;
    let stand = past.console().await?;
    let mut listener = Listener::open(&stand, "?last_event_id=601").await?;
    // All are amended at once, the newest last: it is not among the first changes that the console reads.
    let sql = sqlx::PgPool::connect(&past.url).await?;
    let mut amend = sql.begin().await?;
    sqlx::query("UPDATE canary_test_results SET change_id = change_id + 601").execute(&mut *amend).await?;
    sqlx::query("UPDATE canary_change_feed SET last_change = 1202").execute(&mut *amend).await?;
    amend.commit().await?;
    let (tests, ids) = listener.outcomes(601).await?;
    assert_eq!(ids, (602..=1_202).collect::<Vec<_>>());
    assert_eq!(tests.last(), Some(&newest.to_string()));
    Ok(())
}

#[tokio::test]
async fn a_client_that_is_too_far_behind_gets_a_snapshot_instead_of_all_history() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let tests = write(&past, 2).await?;
    let sql = sqlx::PgPool::connect(&past.url).await?;
    // As after ten thousand changes of other rows.
    let late = "UPDATE canary_test_results SET change_id = 10002 WHERE change_id = 2";
    for update in [late, "UPDATE canary_change_feed SET last_change = 10002"] {
        sqlx::query(update).execute(&sql).await?;
    }
    let stand = past.console().await?;
    let mut behind = Listener::open(&stand, "?last_event_id=2").await?;
    assert_eq!(behind.outcomes(1).await?, (tests[1..].to_vec(), vec![10_002]));
    let mut further = Listener::open(&stand, "?last_event_id=1").await?;
    let snapshot = further.event().await?;
    assert_eq!((snapshot.name.as_str(), snapshot.id), ("snapshot", Some(10_002)));
    Ok(())
}

#[tokio::test]
async fn a_caller_has_eight_streams_and_all_have_sixty_four_until_one_is_free() -> anyhow::Result<()> {
    let names = ["ann", "bob", "carl", "dora", "eve", "fred", "gina", "hans", "ida"];
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    let lines: String = names.iter().map(|name| line(name, "operator", &token(name))).collect();
    desk.retoken(&lines, &cookie, 200).await?;
    desk.looks().await?;
    let ask = |name: &str| desk.with_token(Method::GET, "/stream", &token(name));
    let mut open = Vec::new();
    for name in &names[..8] {
        for _ in 0..8 {
            open.push(Listener::of(ask(name)).await?);
        }
        let ninth = told(ask(name).send().await?, 503).await?;
        assert_eq!(ninth["type"], "urn:canary:problem:too-many-streams");
        assert!(ninth["detail"].as_str().unwrap().starts_with(name), "{ninth}");
    }
    let other = told(ask("ida").send().await?, 503).await?;
    assert!(other["detail"].as_str().unwrap().contains("64 streams are open"), "{other}");
    open.truncate(63);
    crate::desk::until(async || Ok(Listener::of(ask("ida")).await.is_ok())).await
}

/// Somebody's token; the desk's own keep theirs.
fn token(name: &str) -> String {
    format!("{name}'s token")
}

#[tokio::test]
async fn streams_end_with_the_console_which_need_not_wait_for_them() -> anyhow::Result<()> {
    let mut stand = Past::begin().await?.console().await?;
    let mut listener = Listener::open(&stand, "").await?;
    assert_eq!(listener.event().await?.name, "snapshot");
    stand.stop.cancel();
    assert_eq!(listener.block().await?, None);
    // Well within the five seconds that requests in flight are given.
    timeout(Duration::from_secs(3), &mut stand.server).await??;
    Ok(())
}

#[tokio::test]
async fn what_was_fired_outside_any_slot_is_told_too() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let stand = past.console().await?;
    let mut listener = Listener::open(&stand, "").await?;
    listener.event().await?;
    let slot = test(Backend::Intra, ago(0));
    let free =
        canary_domain::Test { origin: canary_domain::Origin::Fire, cycle: None, period_ms: None, ..slot };
    let test_id: TestId = past.test(free, Outcome::Passed).await?;
    let event = listener.event().await?;
    assert_eq!((&event.data["origin"], &event.data["cycle"]), (&"fire".into(), &Value::Null));
    assert_eq!(event.data["test_id"], test_id.to_string());
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_tells_nothing_that_comes_after() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    let open = async |name: &str, value: &str| {
        Listener::of(desk.bare(Method::GET, "/stream").header(name, value)).await
    };
    desk.looks().await?;
    let mut of_session = open("cookie", &cookie).await?;
    let mut of_token = open("authorization", &format!("Bearer {VIEWER}")).await?;
    for listener in [&mut of_session, &mut of_token] {
        assert_eq!(listener.event().await?.name, "snapshot");
    }
    *desk.world.now.lock().unwrap() += TimeDelta::hours(12);
    desk.write(Backend::TwoPc, Some(20)).await?;
    assert_eq!(of_token.event().await?.name, "outcome");
    assert_eq!(of_session.block().await?, None, "the session is over");
    Ok(())
}
