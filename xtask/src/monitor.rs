//! `cargo xtask monitor`: the demo, watched by the natively installed Prometheus, Alertmanager and VictoriaMetrics on the
//! shipped configurations, which are changed in addresses, folders and the canary's name only.
//!
//! However this process ends, Ctrl-C among it, everything that it started ends too, and its folders go: each server has a
//! guardian, see tests/servers. vmalert has no part in it: Prometheus evaluates the rules.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use canary_test_servers::{Alertmanager, Demo, Prometheus, Shipped, VictoriaMetrics};

use crate::{cargo, packages, ui};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The name of the demo's deployment.
const CANARY: &str = "sandbox";

/// Starts everything, says where it is, and waits until the demo ends or Ctrl-C; `canary` is the binary, built if not given.
pub(crate) fn run(canary: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    if !packages::ensure_for_monitoring()? {
        return Ok(ExitCode::from(packages::EXIT_UNAVAILABLE));
    }
    let canary = match canary {
        Some(canary) => canary,
        None => build()?,
    };
    let stack = Stack::start(&canary)?;
    stack.greet();
    wait_for_the_end(&stack.demo);
    println!("the demo has ended:\n{}", stack.demo.log());
    Ok(ExitCode::FAILURE)
}

fn build() -> anyhow::Result<PathBuf> {
    ui::build_if_possible();
    let build = ["build", "--release", "--locked", "--package", "canary-service", "--bin", "canary"];
    ensure!(cargo::run(&build)?.success(), "the canary could not be built");
    cargo::program("release", "canary")
}

struct Stack {
    victoria_metrics: VictoriaMetrics,
    alertmanager: Alertmanager,
    demo: Demo,
    prometheus: Prometheus,
}

impl Stack {
    fn start(canary: &Path) -> anyhow::Result<Self> {
        let flags = Shipped::victoria_metrics_flags()?;
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let victoria_metrics = VictoriaMetrics::start_with(&flags)?;
        // Its secrets would be there; so nobody hears of a demo's alerts.
        let nobody = Shipped::read("alertmanager/alertmanager.yml")?
            .with("/etc/alertmanager/secrets/", "nobody-is-told/")?;
        let alertmanager = Alertmanager::start_with(nobody.text())?;
        let demo = Demo::start(canary, &format!("{}/api/v1/write", victoria_metrics.url()))?;
        let config = Shipped::prometheus(CANARY, &[demo.console()], alertmanager.port())?;
        // It knows no Alertmanager in its first seconds; without this, what it has to say then waits for a minute.
        let prometheus = Prometheus::start_with(config.text(), &["--rules.alert.resend-delay=5s"])?;
        Ok(Self { victoria_metrics, alertmanager, demo, prometheus })
    }

    fn greet(&self) {
        let Self { victoria_metrics, alertmanager, demo, prometheus } = self;
        println!("page:            http://{}/ui#/admin/canaries", demo.console());
        println!("metrics:         http://{}/metrics", demo.console());
        println!("faults:          POST {}", demo.control());
        println!("prometheus:      {}/alerts", prometheus.url());
        println!(
            "alertmanager:    {}/#/alerts  (its receivers' secrets are missing, so nobody is told)",
            alertmanager.url()
        );
        println!(
            "victoriametrics: {}/vmui  (results come a minute after they were fired)",
            victoria_metrics.url()
        );
        println!(
            "queries:         npm run ask --prefix monitoring -- --prometheus {} --trend {} --canary {CANARY}",
            prometheus.url(),
            victoria_metrics.url()
        );
        println!("Ctrl-C ends it all");
    }
}

#[expect(clippy::disallowed_methods, reason = "no runtime here, and the demo is its guardian's child")]
fn wait_for_the_end(demo: &Demo) {
    while !demo.has_ended() {
        std::thread::sleep(LOOK_EVERY);
    }
}
