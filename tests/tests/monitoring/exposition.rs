//! What a real instance serves is what Prometheus' own tool accepts, and what the reference was made from.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use canary_test_servers::Shipped;
use canary_tests::{Deployment, Metrics, Plan, run, until_some};

use crate::{KEY_FILE, everything};

/// An instance of which all metrics are there; nobody has to receive what it sends.
async fn served() -> String {
    let more = everything("http://127.0.0.1:1");
    let stage = Deployment::start(Plan { more, ..Plan::default() }).await;
    stage.write(KEY_FILE, "a key of sixteen bytes");
    let canary = stage.launch_ready().await;
    until_some("the export's metrics", 20, async || {
        let text = canary.get("/metrics").await?.text().await.ok()?;
        text.contains("role=\"export\"").then_some(text)
    })
    .await
}

/// The names, types and meanings in a text, and the labels of each name's series.
fn declared(text: &str) -> BTreeSet<String> {
    let metrics = Metrics::parse(text);
    let labelled = metrics.labels().map(|(name, labels)| format!("{name} {:?}", labels.keys()));
    text.lines().filter(|line| line.starts_with("# ")).map(str::to_owned).chain(labelled).collect()
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics_and_the_reference_was_made_from_these() {
    run(async {
        let text = served().await;
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let ended = promtool.wait_with_output().unwrap();
        let said = [ended.stdout, ended.stderr].map(|output| String::from_utf8(output).unwrap()).concat();
        assert!(ended.status.success() && said.is_empty(), "{}\n{said}", ended.status);

        let metrics = Metrics::parse(&text);
        for result in ["accepted", "repeated", "set_aside"] {
            assert_eq!(
                metrics.sum("canary_export_samples_total", &[("result", result)]),
                Some(0.0),
                "{result}"
            );
        }
        let captured = std::fs::read_to_string(Shipped::folder().join("test/fixtures/metrics.txt")).unwrap();
        assert_eq!(declared(&text), declared(&captured), "take monitoring/test/fixtures/metrics.txt anew");
    });
}
