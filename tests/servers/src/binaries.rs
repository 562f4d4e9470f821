//! Finds the servers' programs, and knows which Debian package brings them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context;

const REDIS_PACKAGE: &str = "redis-server";
const POSTGRES_PACKAGE: &str = "postgresql";
const VICTORIA_METRICS: &str = "victoria-metrics";
const PROMETHEUS: &str = "prometheus";
/// Brings `amtool`, too.
const ALERTMANAGER: &str = "prometheus-alertmanager";
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

/// The Debian packages that tests need and this machine lacks.
pub fn missing_packages() -> Vec<&'static str> {
    let redis = redis_server().err().map(|_| REDIS_PACKAGE);
    let postgres = postgres_folder().err().map(|_| POSTGRES_PACKAGE);
    redis.into_iter().chain(postgres).chain(missing_monitoring_packages()).collect()
}

/// Those of them that bring the monitoring servers.
pub fn missing_monitoring_packages() -> Vec<&'static str> {
    let missing = [
        victoria_metrics().err().map(|_| VICTORIA_METRICS),
        prometheus().err().map(|_| PROMETHEUS),
        alertmanager().err().map(|_| ALERTMANAGER),
    ];
    missing.into_iter().flatten().collect()
}

/// The Redis server, or Valkey under its own name.
pub(crate) fn redis_server() -> anyhow::Result<PathBuf> {
    in_path("redis-server")
        .or_else(|| in_path("valkey-server"))
        .with_context(|| not_found("Redis", REDIS_PACKAGE))
}

/// VictoriaMetrics, under the name of the package or of its own releases.
pub(crate) fn victoria_metrics() -> anyhow::Result<PathBuf> {
    in_path(VICTORIA_METRICS)
        .or_else(|| in_path("victoria-metrics-prod"))
        .with_context(|| not_found("VictoriaMetrics", VICTORIA_METRICS))
}

/// Prometheus.
pub(crate) fn prometheus() -> anyhow::Result<PathBuf> {
    in_path(PROMETHEUS).with_context(|| not_found("Prometheus", PROMETHEUS))
}

/// Alertmanager, under the name of the package or of its own releases.
pub(crate) fn alertmanager() -> anyhow::Result<PathBuf> {
    in_path(ALERTMANAGER)
        .or_else(|| in_path("alertmanager"))
        .with_context(|| not_found("Alertmanager", ALERTMANAGER))
}

/// The folder of `initdb`, `postgres` and their clients: Debian's newest, else the one in `PATH`.
pub(crate) fn postgres_folder() -> anyhow::Result<PathBuf> {
    let debian = std::fs::read_dir(DEBIAN_POSTGRES)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| is_complete(folder))
        .max();
    debian
        .map(|(_, folder)| folder)
        .or_else(|| {
            let initdb = in_path("initdb")?.canonicalize().ok()?;
            initdb.parent().map(PathBuf::from).filter(|folder| is_complete(folder))
        })
        .with_context(|| not_found("PostgreSQL", POSTGRES_PACKAGE))
}

fn is_complete(folder: &std::path::Path) -> bool {
    ["initdb", "postgres", "createdb", "pg_isready"].iter().all(|program| folder.join(program).is_file())
}

fn in_path(program: &str) -> Option<PathBuf> {
    let output = Command::new("/bin/sh")
        .args(["-c", r#"command -v "$1""#, "sh", program])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && path.starts_with('/')).then(|| PathBuf::from(path.trim_end()))
}

fn not_found(what: &str, package: &str) -> String {
    format!("{what} is not installed: `apt-get install {package}`, or `cargo xtask test` as root")
}
