//! End-to-end tests of the real binary against the sandbox, Redis and PostgreSQL: the harness that they stand on.
//!
//! ```no_run
//! # use canary_tests::{Deployment, Plan, run};
//! run(async {
//!     let stage = Deployment::start(Plan::default()).await;   // sandbox, Redis prefix, database, canary.toml
//!     let mut canary = stage.launch_ready().await;            // `canary run`, 200 on /readyz
//!     let rows = stage.rows_when("a row", 30, |rows| !rows.is_empty()).await;
//!     assert_eq!(rows[0].canary, stage.name());
//!     assert_eq!(canary.terminate().await.code(), Some(0));
//! });
//! ```
//!
//! The sandbox runs in the test's process, so a test reads its record and sets its faults directly. The canary runs as
//! the processes that production runs. What can't be set up panics, with the reason: a test has no use for an error there.
//!
//! Races it lives with: a test process can end in any way, SIGKILL among them, so each deployment's processes and folder
//! belong to a guardian (`guardian.sh`) that outlives it; a port may be taken between its choice and its use, so each is
//! chosen once a process and below those that the kernel gives to clients.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod binary;
pub mod chaos;
mod deployment;
mod detour;
pub mod exported;
mod guardian;
mod instance;
pub mod invariants;
mod metrics;
mod plan;
mod port;
mod process;
mod proxy;
mod row;
mod stepping;
mod stores;
mod wait;

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

pub use binary::{Ended, canary, canary_with};
pub use deployment::Deployment;
pub use detour::{Detour, launch_through};
pub use instance::Instance;
pub use metrics::Metrics;
pub use plan::{Plan, Route};
pub use process::{Process, Signal};
pub use proxy::{Network, Proxy, Rewrite};
pub use row::Row;
pub use stepping::SteppingClock;
pub use wait::{until, until_some, within};

/// Runs a test on the one runtime of its binary, so that tests may share a deployment and its connections.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        rustls::crypto::ring::default_provider().install_default().ok();
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });
    runtime.block_on(test)
}
