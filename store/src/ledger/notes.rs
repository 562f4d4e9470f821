//! What is kept beside the rows (slot key, holds, audit trail, annotations): the same SQL for both databases.

use canary_domain::{Hold, HoldKind, Moment, SlotKey};
use sqlx::FromRow;

use super::Annotation;
use super::values::{Time, Word};

pub(super) const KEEP_KEY: &str =
    "INSERT INTO canary_slot_key (canary, key) VALUES ($1, $2) ON CONFLICT (canary) DO NOTHING";

/// A statement of its own, so that it sees the key of whoever won.
pub(super) const KEY: &str = "SELECT key FROM canary_slot_key WHERE canary = $1";

/// Holds as they really were or are to be, their `until_at` the earlier of the planned and the real end. Those that
/// were taken back before they began are none.
macro_rules! held {
    ($rest:literal) => {
        concat!(
            "SELECT kind, path, from_at, until_at, actor, reason FROM (
                SELECT id, kind, path, from_at, actor, reason,
                    CASE WHEN until_at IS NULL OR ended_at < until_at THEN ended_at ELSE until_at END AS until_at
                FROM canary_holds WHERE canary = $1 AND (until_at IS NULL OR until_at > $2)
             ) AS held
             WHERE (until_at IS NULL OR until_at > $2 AND until_at > from_at)",
            $rest,
            " ORDER BY from_at, id"
        )
    };
}

/// Those that end after `$2`, or don't.
pub(super) const HOLDS: &str = held!("");

/// Of those, maintenance.
pub(super) const WINDOWS: &str = held!(" AND kind = 'maintenance'");

/// Ends the windows that are on at `$2`, or to come; what was planned stays.
pub(super) const END: &str = "UPDATE canary_holds SET ended_at = $2 \
     WHERE canary = $1 AND kind = 'maintenance' AND ended_at IS NULL AND (until_at IS NULL OR until_at > $2)";

/// A path that has an open pause gets no second one; but one that would begin later begins now.
pub(super) const PLACE: &str = "INSERT INTO canary_holds (canary, kind, path, from_at, until_at, actor, reason) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (canary, path) WHERE kind = 'pause' AND until_at IS NULL \
     DO UPDATE SET from_at = excluded.from_at WHERE excluded.from_at < canary_holds.from_at";

/// Ends the pauses of the path `$2` at `$3`. One that an instance ahead in time placed for a moment to come
/// ends as it begins, and holds nothing.
pub(super) const LIFT: &str = "UPDATE canary_holds SET until_at = CASE WHEN from_at > $3 THEN from_at ELSE $3 END \
     WHERE canary = $1 AND kind = 'pause' AND path = $2 \
     AND (until_at IS NULL OR until_at > $3 AND until_at > from_at)";

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

/// A row of `canary_holds`, as it is given.
#[derive(Debug, FromRow)]
pub(super) struct HoldRow {
    kind: Word<HoldKind>,
    path: Option<String>,
    from_at: Time,
    until_at: Option<Time>,
    actor: String,
    reason: String,
}

impl From<HoldRow> for PlacedHold {
    fn from(row: HoldRow) -> Self {
        let hold = Hold {
            kind: row.kind.0,
            path: row.path,
            from: row.from_at.into(),
            until: row.until_at.map(Moment::from),
        };
        Self { hold, actor: row.actor, reason: row.reason }
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
