//! Closed rows get to a real receiver, each once in effect, whoever pushes them and however often.

use std::time::Duration;

use canary_store::wall;
use canary_test_servers::VictoriaMetrics;
use canary_tests::exported::{Stored, stored, wanted};
use canary_tests::{Deployment, Ended, Instance, Metrics, Plan, Route, Row, run, until};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// As short as deadline and `blind_after` let it be.
const WATCH: Duration = Duration::from_secs(12);

fn plan(more: String) -> Plan {
    let seconds = Duration::from_secs;
    Plan {
        routes: Route::named(&["a-intra", "a-2pc"]),
        watch: WATCH,
        blind_after: seconds(5),
        more,
        ..Plan::default()
    }
}

fn section(url: &str) -> String {
    format!("[export]\nremote_write = \"{url}\"\nevery = \"1s\"\n")
}

/// A deployment that exports to this server, with a user's password in its address.
async fn exporting(server: &VictoriaMetrics) -> Deployment {
    let url = format!("http://ann:hunter2@127.0.0.1:{}/api/v1/write", server.port());
    Deployment::start(plan(section(&url))).await
}

fn newest(rows: &[Row]) -> DateTime<Utc> {
    rows.iter().filter_map(|row| row.fired_at).max().unwrap()
}

/// Whether it contends for the export and doesn't lead it.
async fn follows(canary: &Instance) -> bool {
    canary.metrics().await.sum("canary_leader", &[("role", "export")]) == Some(0.0)
}

/// Who leads the export, as its console says.
async fn exporter(canary: &Instance) -> Option<String> {
    let board: Value = canary.get("/api/v1/canaries").await?.json().await.ok()?;
    let leader = board["leaders"].as_array()?.iter().find(|leader| leader["role"] == "export")?;
    leader["node"].as_str().map(str::to_owned)
}

async fn accepted(canary: &Instance) -> f64 {
    let metrics = canary.metrics().await;
    metrics.sum("canary_export_samples_total", &[("result", "accepted")]).unwrap_or_default()
}

#[test]
fn rows_become_samples_once_their_watch_is_over_and_two_instances_export_each_once_in_effect() {
    run(async {
        let server = VictoriaMetrics::start().unwrap();
        let stage = exporting(&server).await;
        let mut first = stage.launch_ready().await;
        let second = stage.launch_ready().await;
        first.takes_the_lead().await;
        until("an instance that exports", 30, async || first.leads("export").await).await;
        until("a follower", 10, async || follows(&second).await).await;
        until("the leader on the other's page", 10, async || exporter(&second).await.is_some()).await;

        until("samples", 60, async || accepted(&first).await >= 6.0).await;
        // Every sample's test is over, and more are not.
        let open = wall() - WATCH;
        let there = stored(&server, stage.name()).await;
        assert!(
            !there.is_empty() && there.keys().all(|(_, at)| *at <= open.timestamp_millis() + 5_000),
            "{there:?}"
        );
        assert!(newest(&stage.rows().await) > open, "rows are still watched");

        // The other goes on where the first was killed; what that had pushed is pushed again.
        first.kill().await;
        until("the other's export", 40, async || second.leads("export").await).await;
        let killed = wall();
        let done = |rows: &[Row]| newest(rows) > killed + WATCH + Duration::from_secs(4);
        let rows = stage.rows_when("rows beyond the takeover's watch", 60, done).await;
        let closed = || rows.iter().filter(|row| row.registered_at < killed && row.judged());
        let mut there = Stored::new();
        until("every closed row's samples", 30, async || {
            there = stored(&server, stage.name()).await;
            wanted(closed()).keys().all(|key| there.contains_key(key))
        })
        .await;
        let wanted = wanted(closed());
        there.retain(|key, _| wanted.contains_key(key));
        assert_eq!(there, wanted, "each once, and with its value");
        assert!(
            second.metrics().await.sum("canary_export_samples_total", &[("result", "repeated")]).is_some()
        );
        assert!(!(first.log() + &second.log()).contains("hunter2"));
    });
}

#[test]
fn past_results_are_pushed_on_order_and_verified_to_be_exactly_there() {
    run(async {
        let server = VictoriaMetrics::start().unwrap();
        let url = format!("http://ann:hunter2@127.0.0.1:{}/api/v1/write", server.port());
        // The running canary exports nothing.
        let stage = Deployment::start(plan(String::new())).await;
        let canary = stage.launch_ready().await;
        let over = |rows: &[Row]| rows.iter().any(|row| row.registered_at < wall() - 2 * WATCH);
        stage.rows_when("rows whose watch is over", 60, over).await;
        assert_eq!(canary.metrics().await.sum("canary_leader", &[("role", "export")]), None);
        let leaders = canary.json("/api/v1/canaries").await["leaders"].clone();
        assert_eq!(leaders.as_array().unwrap().len(), 2, "{leaders}");

        for _ in 0..2 {
            let ended = stage.canary(&["export", "--since", "1h", "--to", &url, "--verify"]).await;
            assert_eq!(ended.code(), Some(0), "{ended:?}");
            assert!(ended.stdout.contains("samples are there, exact"), "{}", ended.stdout);
            assert!(ended.stdout.contains("rows whose watch is not over"), "{}", ended.stdout);
            assert!(ended.stderr.contains("100 %  pushed"), "{}", ended.stderr);
            assert!(!format!("{ended:?}").contains("hunter2"));
        }
        let there = stored(&server, stage.name()).await;
        let rows = stage.rows().await;
        let wanted = wanted(rows.iter().filter(|row| row.judged()));
        assert!(there.len() >= 12, "{there:?}");
        assert!(there.iter().all(|(key, values)| wanted.get(key) == Some(values)), "{there:?}\n{wanted:?}");

        // A sample that no row gave is a difference.
        let line = format!(
            "canary_test_passed{{canary=\"{}\",path=\"a-intra\",backend=\"intra\",source_frame=\"a\",dest_frame=\"a\"}} 1 {}",
            stage.name(),
            rows[0].registered_at.timestamp_millis() + 1
        );
        import(&server, line).await;
        let ended = stage.canary(&["export", "--since", "1h", "--to", &url, "--verify"]).await;
        assert_eq!(ended.code(), Some(1), "{ended:?}");
        assert!(ended.stdout.contains("1 unknown"), "{}", ended.stdout);
    });
}

#[test]
fn an_order_that_can_t_be_carried_out_says_why_at_once_without_the_password() {
    run(async {
        let stage = Deployment::start(plan(String::new())).await;
        assert_eq!(stage.canary(&["migrate"]).await.code(), Some(0));
        let refused = async |arguments: &[&str], code, why: &str| {
            let ended = stage.canary(&[&["export"], arguments].concat()).await;
            assert_eq!(ended.code(), Some(code), "{ended:?}");
            assert!(
                ended.stderr.contains(why) && !ended.stderr.contains("hunter2"),
                "{why}: {}",
                ended.stderr
            );
        };
        refused(&["--since", "30d"], 64, "no [export]: say where to push with --to").await;
        refused(&["--since", "91d"], 64, "rows are kept for 90 days").await;
        refused(&["--since", "soon"], 64, "that is no length of time").await;
        let to = |url| ["--since", "1h", "--to", url];
        refused(&to("http://ann:hunter2@vm:port"), 64, "--to: this is no address").await;
        refused(&to("ftp://ann:hunter2@vm/api/v1/write"), 64, "not an http or https URL").await;
        refused(&to("http://ann:hunter2@127.0.0.1:1/api/v1/write"), 1, "Connection refused").await;
        let elsewhere = ["--since", "1h", "--to", "http://127.0.0.1:1/push", "--verify"];
        refused(&elsewhere, 64, "does not end with /api/v1/write").await;
    });
}

#[test]
fn check_speaks_of_the_receiver_and_of_samples_that_it_drops_silently() {
    run(async {
        let mut server = VictoriaMetrics::start().unwrap();
        let stage = exporting(&server).await;
        assert_eq!(stage.canary(&["migrate"]).await.code(), Some(0));
        let check = async |code: i32, what: &[&str]| {
            let ended: Ended = stage.canary(&["check"]).await;
            assert_eq!(ended.code(), Some(code), "{ended:?}");
            for what in what {
                assert!(ended.stdout.contains(what), "{what}: {}", ended.stdout);
            }
            assert!(!format!("{ended:?}").contains("hunter2"));
            ended.stdout
        };
        let taken = format!("ok      receiver: {}/api/v1/write takes what is pushed\n", server.url());
        let well = check(0, &[&taken]).await;
        assert!(!well.contains("silently"), "{well}");
        let old = (wall() - Duration::from_secs(100 * 86_400)).timestamp_millis();
        import(&server, format!("canary_test_passed 1 {old}")).await;
        until("the receiver's own count", 30, async || dropped(&server).await == Some(1.0)).await;
        let dropping = "warning receiver: since it started it dropped 1 samples silently (small_timestamp)";
        check(0, &[&taken, dropping, "-retentionPeriod=60d"]).await;
        server.stop().unwrap();
        check(1, &["failed  receiver: asking", "ok      event store"]).await;
    });
}

async fn dropped(server: &VictoriaMetrics) -> Option<f64> {
    let text = reqwest::get(format!("{}/metrics", server.url())).await.unwrap().text().await.unwrap();
    Metrics::parse(&text).sum("vm_rows_ignored_total", &[("reason", "small_timestamp")])
}

async fn import(server: &VictoriaMetrics, line: String) {
    let url = format!("{}/api/v1/import/prometheus", server.url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.post(url).body(line).send().await.unwrap().error_for_status().unwrap();
}
