//! A result as the API shows it: the fields bear the names of the ledger's columns (design §5, §13).

use std::borrow::Cow;
use std::collections::BTreeMap;

use canary_domain::{
    Amount, Backend, FireError, FireStatus, LatencyBasis, Mismatch, Moment, Origin, Outcome, Reason, Stage,
    Stamp, TestId, Via, Withheld, iso, parse_iso,
};
use canary_store::ResultRow;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::words;

/// A moment, RFC 3339 in UTC with microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Moment);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let problem = || Error::custom(format!("`{text}` is no RFC 3339 time, like 2026-11-21T01:22:33Z"));
        parse_iso(&text).map(Self).ok_or_else(problem)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment, RFC 3339; answers have it in UTC with microseconds."))
            .into()
    }
}

impl ToSchema for Time {
    fn name() -> Cow<'static, str> {
        "Time".into()
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&iso(self.0))
    }
}

/// A result.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Row)]
pub(crate) struct ApiRow {
    #[schema(value_type = words::TestId)]
    test_id: TestId,
    canary: String,
    path: String,
    #[schema(value_type = words::Backend)]
    backend: Backend,
    #[schema(value_type = words::Origin)]
    origin: Origin,
    source_frame: String,
    dest_frame: String,
    cycle: Option<i64>,
    period_ms: Option<i64>,
    term: i64,
    sender: String,
    receiver: String,
    #[schema(value_type = words::Amount)]
    amount: Amount,
    transfer_id: Option<String>,
    registered_at: Time,
    fired_at: Option<Time>,
    accepted_at: Option<Time>,
    answered_at: Option<Time>,
    #[schema(value_type = Option<words::FireStatus>)]
    fire_status: Option<FireStatus>,
    fire_code: Option<u16>,
    fire_error: Option<ApiFireError>,
    withheld: Option<ApiWithheld>,
    mismatch: Option<ApiMismatch>,
    tokens_xfer_seen_at: Option<Time>,
    fee_collected_seen_at: Option<Time>,
    cf_initiated_seen_at: Option<Time>,
    cf_settled_local_seen_at: Option<Time>,
    cf_settled_remote_seen_at: Option<Time>,
    cf_refunded_seen_at: Option<Time>,
    #[schema(value_type = BTreeMap<words::Stage, ApiStamp>)]
    stamps: BTreeMap<Stage, ApiStamp>,
    completed_at: Option<Time>,
    deadline_at: Option<Time>,
    decided_as_of: Option<Time>,
    judged_at: Option<Time>,
    #[schema(value_type = words::Outcome)]
    outcome: Outcome,
    #[schema(value_type = Option<words::Reason>)]
    failure_signal: Option<Reason>,
    missing_stages: Vec<String>,
    total_latency_ms: Option<f64>,
    #[schema(value_type = Option<words::LatencyBasis>)]
    latency_basis: Option<LatencyBasis>,
    clock_error_ms: Option<f64>,
    landed: Option<bool>,
    revision: i32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stamp)]
struct ApiStamp {
    seen: Time,
    occurred: Time,
    #[schema(value_type = words::Via)]
    via: Via,
    frame: String,
    position: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FireError)]
struct ApiFireError {
    code: Option<String>,
    detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Withheld)]
struct ApiWithheld {
    at: Time,
    #[schema(value_type = words::Reason)]
    reason: Reason,
    code: Option<u16>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mismatch)]
struct ApiMismatch {
    at: Time,
    what: String,
}

impl From<Stamp> for ApiStamp {
    fn from(stamp: Stamp) -> Self {
        let Stamp { seen, via, occurred, frame, position, error_us: _ } = stamp;
        Self { seen: Time(seen), occurred: Time(occurred), via, frame, position }
    }
}

impl From<FireError> for ApiFireError {
    fn from(FireError { code, detail }: FireError) -> Self {
        Self { code, detail }
    }
}

impl From<Withheld> for ApiWithheld {
    fn from(Withheld { at, reason, code }: Withheld) -> Self {
        Self { at: Time(at), reason, code }
    }
}

impl From<Mismatch> for ApiMismatch {
    fn from(Mismatch { at, what }: Mismatch) -> Self {
        Self { at: Time(at), what }
    }
}

impl From<ResultRow> for ApiRow {
    fn from(row: ResultRow) -> Self {
        let seen = |stage| row.facts.stamps.get(stage).map(|stamp| Time(stamp.seen));
        let facts = &row.facts;
        let test = facts.test.clone();
        let answer = facts.answer.clone();
        let accepted = answer.as_ref().filter(|answer| answer.status == FireStatus::Accepted);
        Self {
            test_id: test.test_id,
            canary: test.canary,
            path: test.path,
            backend: test.backend,
            origin: test.origin,
            source_frame: test.source_frame,
            dest_frame: test.dest_frame,
            cycle: test.cycle,
            period_ms: test.period_ms,
            term: test.term,
            sender: test.sender,
            receiver: test.receiver,
            amount: test.amount,
            transfer_id: facts.transfer_id().map(str::to_owned),
            registered_at: Time(test.registered_at),
            fired_at: facts.fired_at.map(Time),
            accepted_at: accepted.map(|answer| Time(answer.at)),
            answered_at: answer.as_ref().map(|answer| Time(answer.at)),
            fire_status: facts.fire_status(),
            fire_code: answer.as_ref().and_then(|answer| answer.code),
            fire_error: answer.and_then(|answer| answer.error).map(ApiFireError::from),
            withheld: facts.withheld.clone().map(ApiWithheld::from),
            mismatch: facts.mismatch.clone().map(ApiMismatch::from),
            tokens_xfer_seen_at: seen(Stage::TokensXfer),
            fee_collected_seen_at: seen(Stage::FeeCollected),
            cf_initiated_seen_at: seen(Stage::CfInitiated),
            cf_settled_local_seen_at: seen(Stage::CfSettledLocal),
            cf_settled_remote_seen_at: seen(Stage::CfSettledRemote),
            cf_refunded_seen_at: seen(Stage::CfRefunded),
            stamps: facts.stamps.iter().map(|(stage, stamp)| (stage, stamp.clone().into())).collect(),
            completed_at: row.completed_at.map(Time),
            deadline_at: row.deadline_at.map(Time),
            decided_as_of: row.decided_as_of.map(Time),
            judged_at: row.judged_at.map(Time),
            outcome: row.outcome,
            failure_signal: row.reason,
            missing_stages: row.missing,
            total_latency_ms: row.latency_ms,
            latency_basis: row.latency_basis,
            clock_error_ms: row.clock_error_ms,
            landed: row.landed,
            revision: row.revision,
        }
    }
}
