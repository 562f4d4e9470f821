//! What an operator asks first of a failure is there: the answer, the observers, and what the platform's logs say.

use canary_sandbox::{AnswerBody, Backend, Call, CallFault, EventFault, Fault, FaultSet};
use canary_tests::{Deployment, Plan, Route, Row, run, until, until_some};
use serde_json::Value;

use crate::web::{Mood, Web};

const AUTH: &str = "Bearer hunter2-of-the-logs";

fn failed<'a>(rows: &'a [Row], path: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.path == path && row.outcome == "failed")
}

/// `intra` is answered 503, and of `2pc` no event is ever there.
fn refused_and_silent() -> FaultSet {
    let down = CallFault::Answers {
        call: Call::Transfer,
        status: 503,
        body: AnswerBody::Json,
        error_code: Some("injected".into()),
        retry_after_s: None,
        after_ms: 0,
        lands: false,
    };
    FaultSet::of([Fault::from(down).by(Backend::Intra), Fault::from(EventFault::Lost).by(Backend::TwoPhase)])
}

#[test]
fn a_failure_shows_the_answer_the_observers_and_the_platforms_logs_without_secrets() {
    run(async {
        let logs = Web::start(Mood::Hangs).await;
        let more = format!(
            "[evidence]\nlog_url = \"{}\"\nlog_auth_file = \"logs.auth\"\nlog_after = \"0s\"\nlog_timeout = \"2s\"\n",
            logs.url("/search?q={transfer_id}&test={test_id}&from={from}&to={to}")
        );
        let routes = Route::named(&["a-intra", "a-2pc"]);
        let stage = Deployment::start(Plan { routes, more, ..Plan::default() }).await;
        stage.write("logs.auth", AUTH);
        let canary = stage.launch_ready().await;
        stage.sandbox().faults().set(refused_and_silent());
        let both = |rows: &[Row]| failed(rows, "a-intra").is_some() && failed(rows, "a-2pc").is_some();
        let rows = stage.rows_when("a refusal and a silence", 60, both).await;
        let shown = async |row: &Row| canary.json(&format!("/api/v1/canaries/results/{}", row.test_id)).await;

        let silent = failed(&rows, "a-2pc").unwrap();
        let result = shown(silent).await;
        assert_eq!(result["failure_signal"], "timeout", "{result}");
        let evidence = &result["evidence"];
        let reactors = evidence["reactors"].as_array().unwrap();
        assert_eq!(reactors.len(), 5, "{evidence}");
        assert!(reactors.iter().all(|one| one["connected"] == true && one["frame"] == "a"), "{evidence}");
        let looked =
            |kind: &str| reactors.iter().any(|one| one["event_type"] == kind && one["covers"] == true);
        assert!(looked("TokensTransferred") && looked("CrossFrameTransferSettled"), "{evidence}");

        let refused = failed(&rows, "a-intra").unwrap();
        let result = shown(refused).await;
        assert_eq!((&result["fire_code"], &result["fire_error"]["code"]), (&503.into(), &"injected".into()));
        assert!(!result["evidence"]["reactors"].as_array().unwrap().is_empty());

        let searched = async |row: &Row| -> Option<Value> {
            let log = shown(row).await["evidence"]["log"].clone();
            (!log.is_null()).then_some(log)
        };
        let log =
            until_some("a search that hangs to be given up", 60, async || searched(refused).await).await;
        assert_eq!((&log["status"], &log["error"]), (&Value::Null, &"no answer in time".into()));

        logs.is_in_the_mood(Mood::Answers("200 OK"));
        let asked = logs.asked().len();
        until("another search", 60, async || logs.asked().len() > asked).await;
        let question = logs.asked()[asked].clone();
        assert_eq!(question.headers["authorization"], AUTH);
        let test = question.target.split("test=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let rows = stage.rows().await;
        let row = rows.iter().find(|row| row.test_id.to_string() == test).unwrap();
        let log = until_some("its answer", 30, async || searched(row).await).await;
        let body = log["body"].as_str().unwrap();
        assert_eq!((&log["status"], &log["error"]), (&200.into(), &Value::Null));
        assert!(
            body.contains(&question.target) && body.to_lowercase().contains("authorization: …"),
            "{body}"
        );
        assert_eq!(shown(row).await["revision"], row.revision, "evidence is no amendment");
        let kept: Vec<String> = sqlx::query_scalar("SELECT canary_evidence::text FROM canary_evidence")
            .fetch_all(stage.sql())
            .await
            .unwrap();
        assert!(!(kept.join("\n") + &canary.log()).contains("hunter2"));
    });
}
