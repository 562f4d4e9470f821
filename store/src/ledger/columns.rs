//! The columns of `canary_test_results`, named once. Every list of columns in SQL is made from this table.

use std::fmt::Write as _;
use std::sync::LazyLock;

use self::Kind::{Amount, Flag, Id, Json, Real, Small, Text, Time, Whole, Words};
use self::Once::{Fixed, Grows};

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

/// PostgreSQL's statements.
pub(super) mod postgres {
    use super::{Kind, LazyLock, assigned, listed};

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

    /// `SELECT` of whole rows, in the forms that [`Record`](super::super::record::Record) reads.
    pub(in super::super) static SELECT: LazyLock<String> = LazyLock::new(|| {
        let list = listed(|name, kind| match kind {
            Kind::Id | Kind::Amount => format!("{name}::text AS {name}"),
            Kind::Words => format!("to_jsonb({name}) AS {name}"),
            Kind::Text | Kind::Whole | Kind::Small | Kind::Real | Kind::Flag | Kind::Time | Kind::Json => {
                name.to_owned()
            }
        });
        format!("SELECT {list} FROM canary_test_results")
    });

    fn given() -> String {
        format!(
            "jsonb_to_recordset($1::jsonb) AS given({})",
            listed(|name, kind| format!("{name} {}", sql_type(kind)))
        )
    }

    /// Inserts `$1`, an array of records, where nothing stands in the way; answers the ids of those inserted.
    pub(in super::super) static INSERT: LazyLock<String> = LazyLock::new(|| {
        let names = listed(|name, _| name.to_owned());
        format!(
            "INSERT INTO canary_test_results ({names}) SELECT {names} FROM {} \
             ON CONFLICT DO NOTHING RETURNING test_id::text",
            given()
        )
    });

    /// Writes `$1`, an array of records, over the rows that are there.
    pub(in super::super) static UPDATE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "UPDATE canary_test_results AS kept SET {} FROM {} \
             WHERE kept.test_id = given.test_id AND kept.canary = given.canary",
            assigned(|name| format!("given.{name}")),
            given()
        )
    });
}

/// SQLite's statements.
pub(super) mod sqlite {
    use super::{LazyLock, assigned, listed};

    fn given(name: &str) -> String {
        format!("json_extract(given.value, '$.{name}')")
    }

    /// `SELECT` of whole rows.
    pub(in super::super) static SELECT: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM canary_test_results", listed(|name, _| name.to_owned())));

    /// Inserts `$1`, an array of records, where nothing stands in the way; answers the ids of those inserted.
    pub(in super::super) static INSERT: LazyLock<String> = LazyLock::new(|| {
        // SQLite takes an ON after a SELECT without WHERE for a join's.
        format!(
            "INSERT INTO canary_test_results ({}) SELECT {} FROM json_each($1) AS given WHERE true \
             ON CONFLICT DO NOTHING RETURNING test_id",
            listed(|name, _| name.to_owned()),
            listed(|name, _| given(name))
        )
    });

    /// Writes `$1`, an array of records, over the rows that are there.
    pub(in super::super) static UPDATE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "UPDATE canary_test_results AS kept SET {} FROM json_each($1) AS given \
             WHERE kept.test_id = {} AND kept.canary = {}",
            assigned(given),
            given("test_id"),
            given("canary")
        )
    });
}
