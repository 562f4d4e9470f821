//! What is kept beside the rows (slot key, holds, audit trail, annotations): the same SQL for both databases.

use canary_domain::{Hold, HoldKind, Moment, SlotKey};
use sqlx::FromRow;

use super::Annotation;
use super::values::{Time, Word};

pub(super) const KEEP_KEY: &str =
    "INSERT INTO canary_slot_key (canary, key) VALUES ($1, $2) ON CONFLICT (canary) DO NOTHING";

/// A statement of its own, so that it sees the key of whoever won.
pub(super) const KEY: &str = "SELECT key FROM canary_slot_key WHERE canary = $1";

/// Those that end after `$2`, or don't.
pub(super) const HOLDS: &str = "SELECT kind, path, from_at, until_at FROM canary_holds \
     WHERE canary = $1 AND (until_at IS NULL OR until_at > $2) ORDER BY from_at, id";

/// As [`HOLDS`], with who placed them.
pub(super) const PLACED: &str = "SELECT kind, path, from_at, until_at, actor, reason FROM canary_holds \
     WHERE canary = $1 AND (until_at IS NULL OR until_at > $2) ORDER BY from_at, id";

/// Ends the windows that are on at `$2`. Those to come are left as windows of no length, which hold nothing.
pub(super) const END: &str = "UPDATE canary_holds SET until_at = $2, \
     from_at = CASE WHEN from_at > $2 THEN $2 ELSE from_at END \
     WHERE canary = $1 AND kind = 'maintenance' AND (until_at IS NULL OR until_at > $2)";

pub(super) const PLACE: &str = "INSERT INTO canary_holds (canary, kind, path, from_at, until_at, actor, reason) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

pub(super) const LIFT: &str = "UPDATE canary_holds SET until_at = $3 WHERE canary = $1 AND kind = 'pause' \
     AND path = $2 AND from_at <= $3 AND (until_at IS NULL OR until_at > $3)";

pub(super) const AUDIT: &str = "INSERT INTO canary_audit (canary, at, actor, role, action, path, detail, remote) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(super) const ANNOTATE: &str =
    "INSERT INTO canary_annotations (canary, at, kind, text, node) VALUES ($1, $2, $3, $4, $5)";

/// The newest `$3` marks at or after `$2`, newest first.
pub(super) const ANNOTATIONS: &str = "SELECT at, kind, text, node FROM canary_annotations \
     WHERE canary = $1 AND at >= $2 ORDER BY at DESC, id DESC LIMIT $3";

/// A hold, and who placed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedHold {
    /// What is held, and when.
    pub hold: Hold,
    /// Who placed it, by the name of the token.
    pub actor: String,
    /// Why, in the operator's words.
    pub reason: String,
}

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

/// A row of `canary_holds` as a whole.
#[derive(Debug, FromRow)]
pub(super) struct PlacedRow {
    #[sqlx(flatten)]
    hold: HoldRow,
    actor: String,
    reason: String,
}

impl From<PlacedRow> for PlacedHold {
    fn from(row: PlacedRow) -> Self {
        Self { hold: row.hold.into(), actor: row.actor, reason: row.reason }
    }
}

/// A row of `canary_annotations`.
#[derive(Debug, FromRow)]
pub(super) struct AnnotationRow {
    at: Time,
    kind: String,
    text: String,
    node: Option<String>,
}

impl From<AnnotationRow> for Annotation {
    fn from(row: AnnotationRow) -> Self {
        Self { at: row.at.into(), kind: row.kind, text: row.text, node: row.node }
    }
}

/// The key that is kept; its bytes are never named in an error (I8).
pub(super) fn slot_key(bytes: Vec<u8>) -> sqlx::Result<SlotKey> {
    SlotKey::new(bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}
