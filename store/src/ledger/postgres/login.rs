//! How to log in, from a URL that may change while the canary runs (design §6).

use std::str::FromStr as _;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tracing::debug;

use super::super::access::{QUESTION, STATEMENT};
use super::super::failure::Place;
use crate::source::Source;

/// What is needed to log in otherwise from the next connection on.
pub(super) struct Renewal {
    pub(super) url: Source,
    /// Shared with the ledger, whose migrations connect by themselves.
    pub(super) login: Arc<RwLock<PgConnectOptions>>,
    pub(super) pool: PgPool,
    pub(super) place: Place,
}

impl Renewal {
    /// Reads the URL again. Another database would be another history, so that takes a restart.
    pub(super) fn renew(&self) {
        match read(&self.url) {
            Ok(options) if name(&options) == self.place.name() => {
                self.place.hide(options.get_username());
                self.pool.set_connect_options(bounded(&options));
                *self.login.write().unwrap_or_else(PoisonError::into_inner) = options;
            }
            Ok(_) => debug!("the URL names another database now: restart to follow it"),
            Err(cause) => debug!(cause, "the URL could not be read again"),
        }
    }
}

/// What the URL says as it is now. Any text that is none of ours would be taken for a URL of a server elsewhere; the
/// cause doesn't quote it.
pub(super) fn read(url: &Source) -> Result<PgConnectOptions, String> {
    let url = url.read()?;
    let url = url.expose_secret();
    let is_ours = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    let options = PgConnectOptions::from_str(url).ok().filter(|_| is_ours);
    let options = options.ok_or("write it like postgres://user:password@host:5432/database")?;
    Ok(options.application_name("canary"))
}

/// The database as messages name it.
pub(super) fn name(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or("its default database");
    format!("PostgreSQL {}:{}/{database}", options.get_host(), options.get_port())
}

/// With an end to all that the server does for one question.
pub(super) fn bounded(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("statement_timeout", STATEMENT.as_millis().to_string()),
        // Whose network is cut within a transaction must not keep others waiting for what it had locked.
        ("idle_in_transaction_session_timeout", QUESTION.as_millis().to_string()),
    ])
}
