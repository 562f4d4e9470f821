//! A path that fails is told once, signed, whoever leads; and when it has recovered.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canary_sandbox::{Backend, Call, CallFault, Fault, FaultSet};
use canary_tests::{Deployment, Plan, Route, Row, run, until};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::web::{Asked, Mood, Web};

const KEY: &str = "hunter2-key-of-the-pager";

/// HMAC as RFC 2104 has it, from the hash alone.
fn hmac(key: &[u8], message: &[u8]) -> String {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    STANDARD.encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}

/// A message's content, once its signature has been checked.
fn opened(message: &Asked) -> Value {
    let header = |name: &str| message.headers[name].as_str();
    let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), message.body);
    assert_eq!(header("webhook-signature"), format!("v1,{}", hmac(KEY.as_bytes(), signed.as_bytes())));
    let age = canary_store::wall().timestamp() - header("webhook-timestamp").parse::<i64>().unwrap();
    assert!(age.abs() < 300, "the timestamp is that of the sending");
    serde_json::from_str(&message.body).unwrap()
}

fn plan(receiver: &Web) -> Plan {
    let url = receiver.url("/hooks?token=hunter2");
    Plan {
        routes: Route::named(&["a-intra", "a-2pc"]),
        more: format!(
            "[webhooks]\nfailing_after = 3\nconsole_url = \"https://canary.example\"\n\
             [[webhooks.endpoints]]\nname = \"pager\"\nurl = \"{url}\"\nsecret_file = \"pager.key\"\n"
        ),
        ..Plan::default()
    }
}

fn failing(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.path == "a-intra" && row.outcome == "failed").count()
}

#[test]
fn a_failing_path_is_told_once_and_signed_over_a_change_of_leaders_and_so_is_its_recovery() {
    run(async {
        let receiver = Web::start(Mood::Answers("200 OK")).await;
        let stage = Deployment::start(plan(&receiver)).await;
        stage.write("pager.key", KEY);
        let mut first = stage.launch_ready().await;
        first.takes_the_lead().await;
        let second = stage.launch_ready().await;
        let told = async || -> bool {
            let cursor = sqlx::query_scalar("SELECT count(*) FROM canary_webhook_cursor");
            cursor.fetch_one(stage.sql()).await.is_ok_and(|count: i64| count == 1)
        };
        until("a leader that follows the feed", 30, told).await;
        let down = Fault::from(CallFault::answers(Call::Transfer, 503)).by(Backend::Intra);
        stage.sandbox().faults().set(FaultSet::of([down]));
        until("a message", 60, async || !receiver.asked().is_empty()).await;
        let message = opened(&receiver.asked()[0]);
        let data = &message["data"];
        assert_eq!(
            (&message["type"], &data["canary"]),
            (&"canary.path.failing".into(), &stage.name().into())
        );
        assert_eq!((&data["path"], &data["backend"]), (&"a-intra".into(), &"intra".into()));
        assert_eq!((&data["from"], &data["to"]), (&"passing".into(), &"failing".into()));
        assert_eq!((&data["outcome"], &data["failure_signal"]), (&"failed".into(), &"unavailable".into()));
        assert_eq!(data["consecutive_failures"], 3);
        let decided = data["test_id"].as_str().unwrap();
        assert_eq!(data["link"], format!("https://canary.example/ui#/admin/canaries?test={decided}"));
        let rows = stage.rows().await;
        assert!(rows.iter().any(|row| row.test_id.to_string() == decided && row.outcome == "failed"));

        // The other goes on where the first was killed.
        let before = failing(&rows);
        first.kill().await;
        second.takes_the_lead().await;
        let more = |rows: &[Row]| failing(rows) >= before + 3;
        stage.rows_when("failures that the other has judged", 60, more).await;
        assert_eq!(receiver.asked().len(), 1, "it is failing still, and that was told");
        stage.sandbox().faults().clear();
        until("its recovery", 60, async || receiver.asked().len() > 1).await;
        let message = opened(&receiver.asked()[1]);
        let data = &message["data"];
        assert_eq!((&message["type"], &data["to"]), (&"canary.path.recovered".into(), &"passing".into()));
        assert_eq!((&data["path"], &data["outcome"]), (&"a-intra".into(), &"passed".into()));
        assert!(data["consecutive_failures"].as_u64().unwrap() >= 6, "{data}");
        let passed = |rows: &[Row]| rows.iter().filter(|row| row.outcome == "passed").count();
        let before = passed(&stage.rows().await);
        stage.rows_when("more that pass", 30, |rows| passed(rows) >= before + 4).await;
        let ids: Vec<String> =
            receiver.asked().iter().map(|asked| asked.headers["webhook-id"].clone()).collect();
        assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
        let metrics = second.metrics().await;
        let delivered = [("endpoint", "pager"), ("result", "delivered")];
        assert_eq!(metrics.sum("canary_webhook_deliveries_total", &delivered), Some(1.0));
        assert!(!(first.log() + &second.log()).contains("hunter2"));
    });
}

#[test]
fn a_trial_is_sent_on_order_alone_and_check_sends_nothing() {
    run(async {
        let receiver = Web::start(Mood::Says("thanks".into())).await;
        let stage = Deployment::start(plan(&receiver)).await;
        stage.write("pager.key", KEY);
        assert_eq!(stage.canary(&["migrate"]).await.code(), Some(0));
        let checked = stage.canary(&["check"]).await;
        assert_eq!(checked.code(), Some(0), "{checked:?}");
        assert!(checked.stdout.contains("ok      webhook pager: address and key can be used"), "{checked:?}");
        assert_eq!(receiver.asked().len(), 0);
        let sent = stage.canary(&["webhooks"]).await;
        assert_eq!(
            (sent.code(), sent.stdout.as_str()),
            (Some(0), "ok      webhook pager: took a message for a trial\n")
        );
        let message = opened(&receiver.asked()[0]);
        assert_eq!(
            (&message["type"], &message["data"]["canary"]),
            (&"canary.test".into(), &stage.name().into())
        );
        receiver.is_in_the_mood(Mood::Answers("302 Found"));
        let refused = stage.canary(&["webhooks", "--endpoint", "pager"]).await;
        assert_eq!(refused.code(), Some(1));
        assert!(refused.stdout.contains("redirects are not followed"), "{refused:?}");
        assert_eq!(stage.canary(&["webhooks", "--endpoint", "nobody"]).await.code(), Some(64));
        stage.write("pager.key", "hunter2");
        let short = stage.canary(&["check"]).await;
        assert_eq!(short.code(), Some(78));
        assert!(short.stderr.contains("a key needs at least 16 bytes") && !short.stderr.contains("hunter2"));
    });
}

/// Every time limit is longer than the test takes: what hangs is still hanging at its end.
#[test]
fn a_receiver_and_a_log_server_that_hang_delay_no_verdict() {
    run(async {
        let (receiver, logs) = tokio::join!(Web::start(Mood::Hangs), Web::start(Mood::Hangs));
        let minute = Duration::from_secs(60).as_secs();
        let more = format!(
            "[webhooks]\nfailing_after = 1\n[[webhooks.endpoints]]\nname = \"pager\"\nurl = \"{}\"\n\
             secret_file = \"pager.key\"\ntimeout = \"{minute}s\"\n\
             [evidence]\nlog_url = \"{}\"\nlog_after = \"0s\"\nlog_timeout = \"{minute}s\"\n",
            receiver.url("/"),
            logs.url("/{transfer_id}")
        );
        let stage = Deployment::start(Plan { more, ..plan(&receiver) }).await;
        stage.write("pager.key", KEY);
        let mut canary = stage.launch_ready().await;
        let down = Fault::from(CallFault::answers(Call::Transfer, 503)).by(Backend::Intra);
        stage.sandbox().faults().set(FaultSet::of([down]));
        until("both to be asked", 60, async || !receiver.asked().is_empty() && !logs.asked().is_empty())
            .await;
        let asked = (receiver.asked().len(), stage.rows().await);
        let count = |rows: &[Row]| rows.iter().filter(|row| row.judged()).count();
        let before = count(&asked.1);
        stage.rows_when("verdicts while both hang", 40, |rows| count(rows) >= before + 6).await;
        assert_eq!(receiver.asked().len(), asked.0, "the first message is still on its way");
        let delays = "SELECT count(*) FROM canary_evidence WHERE log IS NOT NULL";
        let searched: i64 = sqlx::query_scalar(delays).fetch_one(stage.sql()).await.unwrap();
        assert_eq!(searched, 0, "and so are the searches");
        assert_eq!(canary.terminate().await.code(), Some(0), "nor do they hold up the end");
    });
}
