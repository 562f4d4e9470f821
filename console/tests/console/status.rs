//! `/status`, `/status.json`, `/badge`: what everybody may know.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Backend, Outcome, Role};
use canary_store::{AgentState, Board, MemoryBoard};
use reqwest::Response;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::past::{Past, ago, now, test, until};
use crate::stand::{Stand, local};

const PUBLIC: [&str; 3] = ["/status", "/status.json", "/badge/p-intra.svg"];

#[tokio::test]
async fn the_hour_is_told_in_twelve_parts() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    use Outcome::{Failed, Inconclusive, Late, Missed, Passed, Pending, Skipped};
    for (minutes, outcome) in [
        (0, Passed),
        (1, Late),
        (5, Failed),
        (55, Skipped),
        (54, Missed),
        (53, Inconclusive),
        (56, Passed),
        (4, Pending),
    ] {
        past.slot(Backend::Intra, ago(minutes), outcome).await?;
    }
    let stand = past.console().await?;
    let status = stand.json("/status.json", 200).await?;
    assert_eq!(status["at"], "2026-11-21T01:30:00.000000Z");
    assert_eq!(status["state"], "unknown", "the other paths have nothing to tell: {status}");
    let path = &status["paths"][0];
    assert_eq!((&path["path"], &path["state"]), (&json!("p-intra"), &json!("passing")));
    let hour = path["hour"].as_array().unwrap();
    assert_eq!(hour.len(), 12);
    let part = |from: &str, counts: [i64; 5]| {
        let [passed, late, failed, inconclusive, not_fired] = counts;
        json!({ "from": format!("2026-11-21T{from}:00.000000Z"), "passed": passed, "late": late, "failed": failed,
                "inconclusive": inconclusive, "not_fired": not_fired })
    };
    assert_eq!(hour[11], part("01:30", [1, 0, 0, 0, 0]));
    assert_eq!(hour[10], part("01:25", [0, 1, 1, 0, 0]));
    assert_eq!(hour[0], part("00:35", [0, 0, 0, 1, 2]));
    let fields: Vec<&String> =
        status.as_object().unwrap().keys().chain(path.as_object().unwrap().keys()).collect();
    assert_eq!(fields, ["at", "paths", "state", "hour", "path", "state"], "and nothing else is told");
    Ok(())
}

#[tokio::test]
async fn the_page_says_it_in_words_and_marks_without_any_script() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(3), Outcome::Failed).await?;
    past.slot(Backend::Intra, ago(0), Outcome::Passed).await?;
    let stand = past.console().await?;
    let answer = stand.get("/status").await?;
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers()["content-security-policy"].to_str()?.to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("script"),
        "{policy}"
    );
    let page = answer.text().await?;
    for told in [
        "<html lang=\"en\">",
        "<title>Canary: unknown</title>",
        "<caption>",
        "<th scope=\"row\">p-intra</th>",
        "<td class=\"state passing\">passing</td>",
        "01:25 to 01:30: 1 failed",
        "<td class=\"mark passed\" title=\"01:30 to 01:35: 1 passed\">",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert!(!page.contains("<script") && !page.contains(" style="), "{page}");
    let style = stand.get("/status.css").await?;
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
    Ok(())
}

#[tokio::test]
async fn a_badge_shows_the_state_of_a_path_of_the_plan_alone() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(1), Outcome::Passed).await?;
    let stand = past.console().await?;
    let answer = stand.get("/badge/p-intra.svg").await?;
    assert_eq!(answer.headers()["content-type"], "image/svg+xml");
    assert!(answer.text().await?.contains("<title>p-intra: passing</title>"));
    for name in ["nothing.svg", "p-intra", "p-intra.png", ".svg", "%3Cb%3E.svg"] {
        stand.problem(&format!("/badge/{name}"), 404).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(1), Outcome::Passed).await?;
    let stand = past.console().await?;
    let mut tags = Vec::new();
    for path in PUBLIC {
        let answer = stand.get(path).await?;
        assert_eq!(answer.headers()["cache-control"], "public, max-age=15", "{path}");
        let tag = answer.headers()["etag"].clone();
        let again = ask_again(&stand, path, &tag).await?;
        assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag), "{path}");
        assert_eq!(again.headers()["cache-control"], "public, max-age=15", "{path}");
        tags.push(tag);
    }
    past.slot(Backend::Intra, ago(0), Outcome::Failed).await?;
    until(&stand, "/status.json", |status| status["paths"][0]["state"] == "degraded").await?;
    for (path, tag) in PUBLIC.iter().zip(&tags) {
        assert_eq!(ask_again(&stand, path, tag).await?.status(), 200, "{path}");
    }
    Ok(())
}

async fn ask_again(stand: &Stand, path: &str, tag: &HeaderValue) -> anyhow::Result<Response> {
    let request = stand.client.get(format!("http://{}{path}", stand.address));
    Ok(request.header("if-none-match", tag).send().await?)
}

/// I8: whatever the ledger and the board hold, the public pages show none of it.
#[tokio::test]
async fn nothing_that_is_secret_is_public() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let fired = test(Backend::Intra, ago(1));
    past.test(fired.clone(), Outcome::Failed).await?;
    let hold = canary_domain::Hold {
        kind: canary_domain::HoldKind::Pause,
        path: Some("p-2pc".into()),
        from: ago(9),
        until: None,
    };
    past.ledger.place_hold(&hold, "secret-operator", "secret-reason").await?;
    let board = Arc::new(MemoryBoard::new());
    board.acquire(Role::Runner, &"secret-node".into(), Duration::from_secs(60)).await?;
    let agent = AgentState { agent: "alpha".into(), balance: "987.65".parse()?, runway: None, at: now() };
    board.save_agent(&agent).await?;
    let stand = Stand::over(board, past.ledger, local(), tempfile::tempdir()?).await?;
    until(&stand, "/status.json", |status| status["paths"][0]["state"] == "degraded").await?;
    let id = fired.test_id.to_string();
    let secrets = [
        id.as_str(),
        "secret",
        "did:",
        "0.0123",
        "0.01",
        "987.65",
        "alpha",
        "bravo",
        "127.0.0.1",
        "\"test\"",
        "node",
    ];
    for path in PUBLIC {
        let answer = stand.get(path).await?;
        let headers = format!("{:?}", answer.headers());
        let told = headers + &answer.text().await?;
        assert!(told.contains("p-intra"), "{told}");
        for secret in secrets {
            assert!(!told.contains(secret), "{path} tells {secret}: {told}");
        }
    }
    let status: Value = stand.json("/status.json", 200).await?;
    assert_eq!(status["paths"][2]["state"], "paused");
    Ok(())
}
