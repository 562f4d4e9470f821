//! Starts private servers for tests (Redis, PostgreSQL, VictoriaMetrics, Prometheus, Alertmanager), and always stops them.
//!
//! Tests meet real servers, and a test process can end in any way: normally with statics that are never dropped,
//! by a panic, by SIGKILL. So no server belongs to the test process: each belongs to a small shell, the guardian,
//! whose standard input is a pipe that the test process holds. However the test process ends, the kernel
//! closes the pipe, and the guardian stops the server and removes its folder.
//!
//! Races it lives with: another process may take the chosen port first (another is chosen), and another server may
//! answer on it (a server is ready only once it has proved to be ours).

mod alertmanager;
mod binaries;
mod demo;
mod guardian;
mod port;
mod postgres;
mod prometheus;
mod redis;
mod server;
mod shipped;
mod victoria_metrics;
mod wait;
mod web;

use std::sync::OnceLock;

pub use alertmanager::Alertmanager;
pub use binaries::{missing_monitoring_packages, missing_packages};
pub use demo::Demo;
pub use postgres::Postgres;
pub use prometheus::Prometheus;
pub use redis::Redis;
pub use shipped::Shipped;
pub use victoria_metrics::VictoriaMetrics;

/// The one Redis of this test binary, started on first use. Tests share it, so each needs a key prefix of its own;
/// a test that stops or pauses its server starts its own.
///
/// # Panics
///
/// If Redis can't be started: the message says why, and which package is missing.
pub fn shared_redis() -> &'static Redis {
    static SHARED: OnceLock<Redis> = OnceLock::new();
    SHARED.get_or_init(|| Redis::start().unwrap_or_else(|error| panic!("{error:#}")))
}

/// The one PostgreSQL of this test binary, started on first use. Tests share it, each in a database of its own
/// ([`Postgres::create_database`]); a test that stops or pauses its server starts its own.
///
/// # Panics
///
/// If PostgreSQL can't be started: the message says why, and which package is missing.
pub fn shared_postgres() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(|| Postgres::start().unwrap_or_else(|error| panic!("{error:#}")))
}
