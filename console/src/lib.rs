//! The HTTP surface: health, metrics and the admin API (design §8).
//!
//! Every answer of the admin API comes from the stores, so any instance can give it, leader or not, and an operator
//! may act on any. What is served without a token says nothing of agents, transfers or hosts (I8).

mod access;
mod api;
mod cached;
mod console;
mod guard;
mod limits;
mod listeners;
mod memo;
mod name;
mod openapi;
mod origin;
mod peer;
mod picture;
mod plan;
mod problem;
mod public;
mod seats;
mod server;
mod session;
mod tokens;
mod ui;
mod views;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use console::{BindError, Console, Fire, Parts};
pub use plan::{FireRefused, Plan, PlannedPath, Source};
pub use public::{NotReady, Readiness};
pub use tokens::TokensError;

/// Where the console listens, and whom it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where metrics, health and readiness are served; `None`: where everything else is.
    pub metrics_listen: Option<SocketAddr>,
    /// Names, roles and hashes of the admin API's tokens; re-read when it changes. `None` leaves the admin API open,
    /// which is allowed on loopback alone.
    pub admin_token_file: Option<PathBuf>,
}
