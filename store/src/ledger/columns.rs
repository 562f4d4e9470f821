//! The columns of `canary_test_results`, named once. Every list of columns in SQL is made from this table.

use std::fmt::Write as _;
use std::sync::LazyLock;

use self::Kind::{Amount, Flag, Id, Json, Real, Small, Text, Time, Whole, Words};
use self::Once::{Fixed, Grows};
use super::briefs::BriefRow;

/// What a column holds, in the words of neither database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text,
    Whole,
    Small,
    Real,
    Flag,
    Time,
    Amount,
    Json,
    Words,
}

/// Whether a column may change after its row was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    /// Written with the row: which slot it is, and its place among the pages.
    Fixed,
    /// Written again with what was learned.
    Grows,
}

/// The columns in the order of the table (design §5, then §13 and what facts need beyond).
pub(super) const COLUMNS: [(&str, Kind, Once); 46] = [
    ("test_id", Id, Fixed),
    ("canary", Text, Fixed),
    ("path", Text, Fixed),
    ("backend", Text, Grows),
    ("source_frame", Text, Grows),
    ("dest_frame", Text, Grows),
    ("cycle", Whole, Fixed),
    ("term", Whole, Grows),
    ("sender", Text, Grows),
    ("receiver", Text, Grows),
    ("amount", Amount, Grows),
    ("transfer_id", Text, Grows),
    ("registered_at", Time, Fixed),
    ("fired_at", Time, Grows),
    ("accepted_at", Time, Grows),
    ("fire_status", Text, Grows),
    ("fire_code", Small, Grows),
    ("tokens_xfer_seen_at", Time, Grows),
    ("fee_collected_seen_at", Time, Grows),
    ("cf_initiated_seen_at", Time, Grows),
    ("cf_settled_local_seen_at", Time, Grows),
    ("cf_settled_remote_seen_at", Time, Grows),
    ("cf_refunded_seen_at", Time, Grows),
    ("stamps", Json, Grows),
    ("completed_at", Time, Grows),
    ("deadline_at", Time, Grows),
    ("decided_as_of", Time, Grows),
    ("judged_at", Time, Grows),
    ("outcome", Text, Grows),
    ("failure_signal", Text, Grows),
    ("missing_stages", Words, Grows),
    ("total_latency_ms", Real, Grows),
    ("latency_basis", Text, Grows),
    ("clock_error_ms", Real, Grows),
    ("revision", Small, Grows),
    ("origin", Text, Fixed),
    ("period_ms", Whole, Fixed),
    ("deadline_ms", Whole, Grows),
    ("watch_ms", Whole, Grows),
    ("fired_error_us", Whole, Grows),
    ("answered_at", Time, Grows),
    ("fire_error", Json, Grows),
    ("withheld", Json, Grows),
    ("mismatch", Json, Grows),
    ("landed", Flag, Grows),
    ("judge_term", Whole, Grows),
];

fn listed(item: impl Fn(&str, Kind) -> String) -> String {
    COLUMNS.iter().map(|(name, kind, _)| item(name, *kind)).collect::<Vec<_>>().join(", ")
}

fn assigned(value: impl Fn(&str) -> String) -> String {
    let mut list = String::new();
    for (name, _, _) in COLUMNS.iter().filter(|(_, _, once)| *once == Grows) {
        let comma = if list.is_empty() { "" } else { ", " };
        write!(list, "{comma}{name} = {}", value(name)).expect("writing to a text never fails");
    }
    list
}

/// What is read of many rows; the number of the change is no column of a record.
fn brief(item: impl Fn(&str, Kind) -> String) -> String {
    let brief = COLUMNS.iter().filter(|(name, _, _)| BriefRow::COLUMNS.contains(name));
    brief.map(|(name, kind, _)| item(name, *kind) + ", ").collect::<String>() + "change_id"
}

/// PostgreSQL's statements.
///
/// Those that write verdicts number the changes among them: `told` counts them backwards, and `block` moves the
/// deployment's last number on by as many, whose row stays locked until the transaction ends.
pub(super) mod postgres {
    use super::{Kind, LazyLock, assigned, brief, listed};

    fn sql_type(kind: Kind) -> &'static str {
        match kind {
            Kind::Id => "uuid",
            Kind::Text => "text",
            Kind::Whole => "bigint",
            Kind::Small => "integer",
            Kind::Real => "double precision",
            Kind::Flag => "boolean",
            Kind::Time => "timestamptz",
            Kind::Amount => "numeric",
            Kind::Json => "jsonb",
            Kind::Words => "text[]",
        }
    }

    fn read(name: &str, kind: Kind) -> String {
        match kind {
            Kind::Id | Kind::Amount => format!("{name}::text AS {name}"),
            Kind::Words => format!("to_jsonb({name}) AS {name}"),
            Kind::Text | Kind::Whole | Kind::Small | Kind::Real | Kind::Flag | Kind::Time | Kind::Json => {
                name.to_owned()
            }
        }
    }

    /// `SELECT` of whole rows, in the forms that [`Record`](super::super::record::Record) reads.
    pub(in super::super) static SELECT: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM canary_test_results", listed(read)));

    /// `SELECT` of what is told in brief.
    pub(in super::super) static BRIEF: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM canary_test_results", brief(read)));

    fn given() -> String {
        format!(
            "jsonb_to_recordset($1::jsonb) AS given({})",
            listed(|name, kind| format!("{name} {}", sql_type(kind)))
        )
    }

    /// `given`, those of them that are `told` of, and the `block` of their numbers; `$2` is the deployment.
    fn numbered(told: &str) -> String {
        format!(
            "WITH given AS MATERIALIZED (SELECT * FROM {}), told AS MATERIALIZED (
                SELECT given.test_id,
                    row_number() OVER (ORDER BY given.registered_at DESC, given.test_id DESC) AS place
                FROM given {told}
            ), block AS (
                INSERT INTO canary_change_feed AS feed (canary, last_change)
                SELECT $2, count(*) FROM told HAVING count(*) > 0
                ON CONFLICT (canary) DO UPDATE SET last_change = feed.last_change + excluded.last_change
                RETURNING last_change
            )",
            given()
        )
    }

    /// Inserts `$1`, an array of pending records, where nothing stands in the way; answers the ids of those inserted.
    pub(in super::super) static CLAIM: LazyLock<String> = LazyLock::new(|| {
        let names = listed(|name, _| name.to_owned());
        format!(
            "INSERT INTO canary_test_results ({names}) SELECT {names} FROM {} \
             ON CONFLICT DO NOTHING RETURNING test_id::text",
            given()
        )
    });

    /// Inserts `$1`, an array of records, as [`CLAIM`] does. The judged ones get a number each; for those that are there
    /// it isn't even tried, or the trigger would number them that is there for writers of an older version. One whose
    /// slot has the row of another id loses its number. To look for that costs more: as long as PostgreSQL has no
    /// statistics of the table it reads all rows of a path for each.
    pub(in super::super) static INSERT: LazyLock<String> = LazyLock::new(|| {
        let names = listed(|name, _| name.to_owned());
        let values = listed(|name, _| format!("given.{name}"));
        format!(
            "{} INSERT INTO canary_test_results ({names}, change_id)
             SELECT {values}, block.last_change - told.place + 1
             FROM given LEFT JOIN told ON told.test_id = given.test_id LEFT JOIN block ON true
             WHERE given.revision = 0 OR told.test_id IS NOT NULL
             ON CONFLICT DO NOTHING RETURNING test_id::text",
            numbered(
                "WHERE given.revision > 0
                    AND NOT EXISTS (SELECT FROM canary_test_results AS there WHERE there.test_id = given.test_id)"
            )
        )
    });

    /// Writes `$1`, an array of records, over the rows that are there. Those whose revision rises get a number each.
    pub(in super::super) static UPDATE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{} UPDATE canary_test_results AS kept
             SET {}, change_id = coalesce(block.last_change - told.place + 1, kept.change_id)
             FROM given LEFT JOIN told ON told.test_id = given.test_id LEFT JOIN block ON true
             WHERE kept.test_id = given.test_id AND kept.canary = given.canary",
            numbered(
                "JOIN canary_test_results AS kept ON kept.test_id = given.test_id AND kept.canary = given.canary
                 WHERE given.revision > kept.revision"
            ),
            assigned(|name| format!("given.{name}"))
        )
    });
}

/// SQLite's statements. The file's one writer has them all to itself: it counts on from the last number, and notes the
/// highest it gave.
pub(super) mod sqlite {
    use super::{LazyLock, assigned, brief, listed};

    fn given(name: &str) -> String {
        format!("json_extract(given.value, '$.{name}')")
    }

    /// The given records, with a place each.
    fn placed() -> String {
        format!(
            "(SELECT value, row_number() OVER (ORDER BY {}, {}) AS place FROM json_each($1) AS given) AS given",
            given("registered_at"),
            given("test_id")
        )
    }

    /// The number of the record at its place; `$2` is the deployment.
    const NUMBER: &str =
        "coalesce((SELECT last_change FROM canary_change_feed WHERE canary = $2), 0) + given.place";

    /// `SELECT` of whole rows.
    pub(in super::super) static SELECT: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM canary_test_results", listed(|name, _| name.to_owned())));

    /// `SELECT` of what is told in brief.
    pub(in super::super) static BRIEF: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM canary_test_results", brief(|name, _| name.to_owned())));

    /// Inserts `$1`, an array of records, where nothing stands in the way; answers the ids of those inserted. The judged
    /// ones get a number each.
    pub(in super::super) static INSERT: LazyLock<String> = LazyLock::new(|| {
        // SQLite takes an ON after a SELECT without WHERE for a join's.
        format!(
            "INSERT INTO canary_test_results ({}, change_id)
             SELECT {}, CASE WHEN {} > 0 THEN {NUMBER} END FROM {} WHERE true
             ON CONFLICT DO NOTHING RETURNING test_id",
            listed(|name, _| name.to_owned()),
            listed(|name, _| given(name)),
            given("revision"),
            placed()
        )
    });

    /// Writes `$1`, an array of records, over the rows that are there. Those whose revision rises get a number each.
    pub(in super::super) static UPDATE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "UPDATE canary_test_results AS kept
             SET {}, change_id = CASE WHEN {} > kept.revision THEN {NUMBER} ELSE kept.change_id END
             FROM {} WHERE kept.test_id = {} AND kept.canary = {}",
            assigned(given),
            given("revision"),
            placed(),
            given("test_id"),
            given("canary")
        )
    });

    /// Notes the highest number that was given to a row of the deployment `$1`.
    pub(in super::super) const NOTE: &str = "INSERT INTO canary_change_feed (canary, last_change)
         SELECT $1, max(change_id) FROM canary_test_results WHERE canary = $1 AND change_id >
             coalesce((SELECT last_change FROM canary_change_feed WHERE canary = $1), 0)
         HAVING max(change_id) IS NOT NULL
         ON CONFLICT (canary) DO UPDATE SET last_change = excluded.last_change";
}
