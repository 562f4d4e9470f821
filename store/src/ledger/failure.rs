//! What sqlx says of a failure, as what the canary says of it: the place, the step and the cause on one line, never a
//! user or a password (I8); and whether another try may succeed.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use super::access::ACQUIRE;
use crate::StoreError;

/// What the SQLSTATEs of a refused login begin with.
const REFUSED: &str = "28";

/// Where a ledger is, in words for messages. Without `Debug`, for it knows the user.
#[derive(Clone)]
pub(super) struct Place {
    name: String,
    /// What the server may put into its messages and nobody should read; it grows when the login changes.
    users: Arc<RwLock<Vec<String>>>,
    kind: Make,
}

/// Whose error codes they are.
#[derive(Clone, Copy, Debug)]
enum Make {
    Postgres,
    Sqlite,
}

impl Place {
    pub(super) fn postgres(name: String, user: &str) -> Self {
        Self { name, users: Arc::new(RwLock::new(vec![user.to_owned()])), kind: Make::Postgres }
    }

    pub(super) fn sqlite(name: String) -> Self {
        Self { name, users: Arc::default(), kind: Make::Sqlite }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// There is another user now.
    pub(super) fn hide(&self, user: &str) {
        let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        if !users.iter().any(|known| known == user) {
            users.push(user.to_owned());
        }
    }

    /// The server said nothing in time.
    pub(super) fn silent(&self, step: &'static str, limit: Duration) -> StoreError {
        self.unavailable(step, format!("no answer within {} s", limit.as_secs()))
    }

    /// It can't be used, and another try will not help.
    pub(super) fn broken(&self, step: &'static str, cause: impl Into<String>) -> StoreError {
        StoreError::Broken { store: self.name.clone(), step, cause: cause.into() }
    }

    pub(super) fn unavailable(&self, step: &'static str, cause: impl Into<String>) -> StoreError {
        StoreError::Unavailable { store: self.name.clone(), step, cause: cause.into() }
    }

    /// What sqlx reported.
    pub(super) fn failed(&self, step: &'static str, error: &sqlx::Error) -> StoreError {
        let (passing, cause) = self.judge(error);
        let cause = cause.split_whitespace().collect::<Vec<_>>().join(" ");
        if passing { self.unavailable(step, cause) } else { self.broken(step, cause) }
    }

    /// Whether it may pass, and its cause.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "sqlx's errors are non-exhaustive; unknown ones don't pass"
    )]
    fn judge(&self, error: &sqlx::Error) -> (bool, String) {
        match error {
            sqlx::Error::Io(cause) => (true, cause.to_string()),
            sqlx::Error::Tls(cause) => (is_cut(cause.as_ref()), format!("TLS: {cause}")),
            sqlx::Error::PoolTimedOut => (true, format!("no connection within {} s", ACQUIRE.as_secs())),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => {
                (true, error.to_string())
            }
            sqlx::Error::Database(answer) => self.judge_answer(answer.as_ref()),
            sqlx::Error::Migrate(migration) => self.judge_migration(migration),
            other => (false, other.to_string()),
        }
    }

    fn judge_answer(&self, answer: &dyn DatabaseError) -> (bool, String) {
        let code = answer.code().unwrap_or_default();
        match self.kind {
            Make::Postgres if code.starts_with(REFUSED) => {
                (false, format!("the login was refused (SQLSTATE {code})"))
            }
            Make::Postgres => {
                (postgres_passes(&code), format!("{} (SQLSTATE {code})", self.without_user(answer.message())))
            }
            Make::Sqlite => (sqlite_passes(&code), format!("{} (SQLite code {code})", answer.message())),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "sqlx's errors are non-exhaustive; unknown ones don't pass"
    )]
    fn judge_migration(&self, error: &MigrateError) -> (bool, String) {
        match error {
            MigrateError::Execute(cause) => self.judge(cause),
            MigrateError::ExecuteMigration(cause, version) => {
                let (passing, cause) = self.judge(cause);
                (passing, format!("migration {version}: {cause}"))
            }
            other => (false, other.to_string()),
        }
    }

    fn without_user(&self, message: &str) -> String {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        users
            .iter()
            .fold(message.to_owned(), |message, user| message.replace(&format!("\"{user}\""), "\"…\""))
    }
}

/// Whether PostgreSQL refused the login.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code.starts_with(REFUSED))
}

/// The SQLSTATEs of a server that is away, starting, stopping, full or busy, and of transactions that lost against
/// another one.
fn postgres_passes(code: &str) -> bool {
    let classes = ["08", "53", "57P", "40"];
    // Canceled for its time, a lock not got in time, a standby that is not the primary any more.
    let codes = ["57014", "55P03", "25006", "25P03"];
    classes.iter().any(|class| code.starts_with(class)) || codes.contains(&code)
}

/// The codes of a file that is busy, locked, full, or out of reach for now; the extended ones have them in the last byte.
fn sqlite_passes(code: &str) -> bool {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const IOERR: i32 = 10;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    code.parse().is_ok_and(|code: i32| [BUSY, LOCKED, IOERR, FULL, CANTOPEN].contains(&(code & 0xff)))
}

/// Whether a TLS failure is that of a connection that broke, not of a certificate.
fn is_cut(error: &(dyn std::error::Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() != io::ErrorKind::InvalidData)
}
