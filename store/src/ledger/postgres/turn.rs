//! One at a time: writers of many rows take turns, or two of them would wait for each other's rows in a circle.

use sqlx::PgConnection;

/// Those who write results.
pub(super) const RESULTS: &str = "canary_test_results";
/// Those who compute rollups.
pub(super) const HOURLY: &str = "canary_hourly";

/// Waits until no other transaction of this deployment has the turn, and keeps it until this one ends.
pub(super) async fn take_turn(c: &mut PgConnection, table: &str, canary: &str) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))")
        .bind(table)
        .bind(canary)
        .execute(c)
        .await?;
    Ok(())
}
