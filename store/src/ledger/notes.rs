//! What is kept beside the rows (slot key, holds, audit trail, annotations): the same SQL for both databases.

use canary_domain::{Hold, HoldKind, Moment, SlotKey};
use sqlx::FromRow;

use super::values::{Time, Word};

pub(super) const KEEP_KEY: &str =
    "INSERT INTO canary_slot_key (canary, key) VALUES ($1, $2) ON CONFLICT (canary) DO NOTHING";

/// A statement of its own, so that it sees the key of whoever won.
pub(super) const KEY: &str = "SELECT key FROM canary_slot_key WHERE canary = $1";

/// Those that end after `$2`, or don't.
pub(super) const HOLDS: &str = "SELECT kind, path, from_at, until_at FROM canary_holds \
     WHERE canary = $1 AND (until_at IS NULL OR until_at > $2) ORDER BY from_at, id";

pub(super) const PLACE: &str = "INSERT INTO canary_holds (canary, kind, path, from_at, until_at, actor, reason) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

pub(super) const LIFT: &str = "UPDATE canary_holds SET until_at = $3 WHERE canary = $1 AND kind = 'pause' \
     AND path = $2 AND from_at <= $3 AND (until_at IS NULL OR until_at > $3)";

pub(super) const AUDIT: &str = "INSERT INTO canary_audit (canary, at, actor, role, action, path, detail, remote) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(super) const ANNOTATE: &str =
    "INSERT INTO canary_annotations (canary, at, kind, text, node) VALUES ($1, $2, $3, $4, $5)";

/// A row of `canary_holds`.
#[derive(Debug, FromRow)]
pub(super) struct HoldRow {
    kind: Word<HoldKind>,
    path: Option<String>,
    from_at: Time,
    until_at: Option<Time>,
}

impl From<HoldRow> for Hold {
    fn from(row: HoldRow) -> Self {
        Self {
            kind: row.kind.0,
            path: row.path,
            from: row.from_at.into(),
            until: row.until_at.map(Moment::from),
        }
    }
}

/// The key that is kept; its bytes are never named in an error (I8).
pub(super) fn slot_key(bytes: Vec<u8>) -> sqlx::Result<SlotKey> {
    SlotKey::new(bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}
