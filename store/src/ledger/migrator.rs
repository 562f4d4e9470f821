//! The migrations, embedded.
//!
//! Migrations are only added, so a program works with a newer schema than its own (`ignore_missing`): during a rolling
//! upgrade old and new instances share one. Which ones ran is kept in a table of our own, since other
//! programs may use sqlx in the same database.

use std::borrow::Cow;

use sqlx::migrate::Migrator;

/// Where it is kept which migrations ran.
const TABLE: &str = "canary_migrations";

/// Asks for the newest migration that ran.
pub(super) const VERSION: &str = "SELECT max(version) FROM canary_migrations WHERE success";

pub(super) fn postgres() -> Migrator {
    ours(sqlx::migrate!("../migrations/postgres"))
}

pub(super) fn sqlite() -> Migrator {
    ours(sqlx::migrate!("../migrations/sqlite"))
}

fn ours(migrator: Migrator) -> Migrator {
    Migrator { ignore_missing: true, table_name: Cow::Borrowed(TABLE), ..migrator }
}

/// Whether a schema at this version has everything that this program uses.
pub(super) fn suffices(version: Option<i64>, migrator: &Migrator) -> Result<(), String> {
    let needed = migrator.iter().map(|migration| migration.version).max();
    if version >= needed {
        return Ok(());
    }
    let is = version.map_or("has no canary schema".to_owned(), |version| format!("has schema {version}"));
    let needs = needed.unwrap_or_default();
    Err(format!("it {is}, this program needs {needs}: run `canary migrate`"))
}
