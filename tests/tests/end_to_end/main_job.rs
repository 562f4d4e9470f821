//! Fire, stamp, judge: what stands in PostgreSQL and in Redis afterwards, held against the platform's own record.

use std::collections::BTreeMap;

use canary_sandbox::{EmittedEvent, EventFault, EventType, Fault, FaultSet, Record, TransferCall};
use canary_tests::{Deployment, Plan, Route, Row, run};
use chrono::{DateTime, TimeDelta, Utc};
use redis::AsyncCommands as _;

use crate::healthy::{columns, healthy, is_whole, seen, stages_of};

/// Of a latency, against what the platform's record says: the two differ by the request's and the frame's way.
const MEDIAN_WAY_MS: f64 = 8.0;

#[test]
fn every_path_passes_and_its_rows_have_every_column_of_the_design() {
    run(async {
        let healthy = healthy().await;
        let rows = healthy.rows().await;
        let record = healthy.stage.sandbox().record();
        for row in rows.iter().filter(|row| is_whole(row)) {
            who_and_when(row, healthy.stage.name());
            verdict(row);
            stamps(row, &record);
            the_call(row, &record);
        }
    });
}

fn who_and_when(row: &Row, name: &str) {
    let route = Route::MATRIX.iter().find(|route| route.name == row.path).unwrap();
    assert_eq!((row.canary.as_str(), row.backend.as_str()), (name, route.backend), "{}", row.told());
    let home = |agent: &str| if agent == "charlie" { "b" } else { "a" };
    assert_eq!((row.source_frame.as_str(), row.dest_frame.as_str()), (home(route.from), home(route.to)));
    assert_eq!(row.sender, format!("did:avt:agent-{}", route.from));
    assert_eq!(row.receiver, format!("did:avt:agent-{}", route.to));
    assert_eq!(row.amount.to_string(), "0.01");
    assert_eq!(row.origin, "schedule");
    assert!(row.term > 0, "{}", row.told());
    // The cycle is absolute: that of the moment it was due, which is within the spread of firing.
    let cycle = row.cycle.unwrap();
    let fired = row.fired_at.unwrap();
    let since_edge = fired.timestamp_millis() - cycle * 2_000;
    assert!(
        (0..2_000).contains(&since_edge),
        "fired {since_edge} ms after the edge of its cycle: {}",
        row.told()
    );
    assert!(row.registered_at <= fired);
    assert!(fired <= row.accepted_at.unwrap());
    assert_eq!(row.fire_status.as_deref(), Some("accepted"));
    assert_eq!(row.fire_code, Some(if row.backend == "async" { 202 } else { 200 }));
}

fn verdict(row: &Row) {
    let (fired, completed) = (row.fired_at.unwrap(), row.completed_at.unwrap());
    assert_eq!(
        completed,
        done_at(row),
        "the latest that an AND needs, the earliest of an OR: {}",
        row.told()
    );
    let took = millis(completed - fired);
    assert!((row.total_latency_ms.unwrap() - took).abs() < 0.001, "{took} ms: {}", row.told());
    assert_eq!(row.latency_basis.as_deref(), Some("observed"));
    assert_eq!(row.deadline_at, Some(fired + TimeDelta::seconds(5)));
    assert_eq!(row.decided_as_of, Some(completed), "as of what decided it, not of the sweep");
    assert!(row.judged_at.unwrap() >= completed);
    assert_eq!((row.failure_signal.as_deref(), row.missing_stages.len()), (None, 0));
    let error = row.clock_error_ms.unwrap();
    assert!(error > 0.0 && error < 1_000.0, "a clock error of {error} ms");
    assert!(row.revision >= 1);
    assert_eq!((&row.fire_error, &row.mismatch, row.landed), (&None, &None, None));
}

/// When the done rule of §3.1 became true, by the columns.
fn done_at(row: &Row) -> DateTime<Utc> {
    let settled = row.cf_settled_local_seen_at.into_iter().chain(row.cf_settled_remote_seen_at).min();
    let done = match row.backend.as_str() {
        "intra" => row.tokens_xfer_seen_at,
        "async" => row.cf_initiated_seen_at.max(settled),
        "2pc" => row.tokens_xfer_seen_at.into_iter().chain(settled).min(),
        other => panic!("no backend {other}"),
    };
    done.unwrap()
}

fn stamps(row: &Row, record: &Record) {
    let stamps = row.stamps.as_object().unwrap();
    let mut named: Vec<&str> = stamps.keys().map(String::as_str).collect();
    let mut wanted = stages_of(&row.path);
    named.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(named, wanted);
    for (stage, column) in columns(row).into_iter().filter_map(|(stage, at)| Some((stage, at?))) {
        let stamp = &stamps[stage];
        let event = event(row, stage, record);
        assert_eq!(moment(&stamp["seen"]), column, "{stage} of {}", row.told());
        assert_eq!(moment(&stamp["occurred"]), event.occurred_at);
        assert_eq!(stamp["via"], "live");
        assert_eq!(stamp["frame"], event.source_frame);
        assert_eq!(stamp["position"].as_u64(), event.position);
        assert!(
            column + clock_error(row) >= event.at,
            "{stage} was seen before it was in the store: {}",
            row.told()
        );
    }
}

/// The event that a stage was stamped from, as frame a's EventStore has it.
fn event<'a>(row: &Row, stage: &str, record: &'a Record) -> &'a EmittedEvent {
    let event_type = match stage {
        "tokens_xfer" => EventType::TokensTransferred,
        "fee_collected" => EventType::TransactionFeeCollected,
        "cf_initiated" => EventType::CrossFrameTransferInitiated,
        "cf_settled_local" | "cf_settled_remote" => EventType::CrossFrameTransferSettled,
        other => panic!("no event of a healthy platform stamps {other}"),
    };
    let transfer = row.transfer_id.as_deref().unwrap();
    let fits = |event: &&EmittedEvent| {
        event.frame == "a" && event.event_type == event_type && event.data.transfer_id == transfer
    };
    record.events.iter().find(fits).unwrap()
}

/// Its memo, its idempotency key, its transfer id: as the platform has them.
fn the_call(row: &Row, record: &Record) {
    let call = call(row, record);
    assert_eq!(call.message, Some(format!("canary-{}", row.test_id)));
    assert_eq!(call.transfer_id, row.transfer_id);
    assert_eq!((call.sender.as_ref(), call.receiver.as_ref()), (Some(&row.sender), Some(&row.receiver)));
    assert_eq!(call.amount, Some(row.amount));
    assert_eq!(call.frame, row.source_frame);
    assert!(call.moved());
    let early = row.fired_at.unwrap() - clock_error(row);
    assert!(early <= call.at, "fired_at is read before the request leaves: {}", row.told());
}

/// The one call with this row's idempotency key.
fn call<'a>(row: &Row, record: &'a Record) -> &'a TransferCall {
    let key = Some(row.test_id.to_string());
    let calls: Vec<&TransferCall> = record.calls.iter().filter(|call| call.idempotency_key == key).collect();
    assert_eq!(calls.len(), 1, "calls of {}", row.told());
    calls[0]
}

#[test]
fn the_latency_is_what_the_platforms_own_record_says() {
    run(async {
        let healthy = healthy().await;
        let rows = healthy.rows().await;
        let record = healthy.stage.sandbox().record();
        let mut ways: Vec<f64> =
            rows.iter().filter(|row| is_whole(row)).map(|row| way(row, &record)).collect();
        assert!(
            ways.iter().all(|way| *way > -MEDIAN_WAY_MS),
            "nothing is faster than the platform: {ways:?}"
        );
        ways.sort_by(f64::total_cmp);
        let median = ways[ways.len() / 2];
        assert!(median <= MEDIAN_WAY_MS, "the median differs by {median} ms: {ways:?}");
    });
}

/// Total latency less the platform's part: from the call's arrival to the completing event's entry into the store.
fn way(row: &Row, record: &Record) -> f64 {
    let completing = columns(row).into_iter().find(|(_, at)| *at == row.completed_at).unwrap();
    let entered = event(row, completing.0, record).at;
    row.total_latency_ms.unwrap() - millis(entered - call(row, record).at)
}

#[test]
fn the_board_holds_each_test_as_the_design_lays_it_out_and_forgets_it_by_itself() {
    run(async {
        let healthy = healthy().await;
        let rows = healthy.rows().await;
        // The newest are certainly within their watch.
        for route in Route::MATRIX {
            let row = rows.iter().rev().find(|row| row.path == route.name && is_whole(row)).unwrap();
            let hash = healthy.stage.hash(&format!("canary:{}", row.test_id)).await;
            assert_eq!(told_by_the_row(row), told_by_the_board(&hash), "{}", row.told());
            expiring(&healthy.stage, row).await;
        }
    });
}

/// The hash's fields of §4 as the row has them; what has no part in the row is left out.
fn told_by_the_row(row: &Row) -> BTreeMap<String, String> {
    let fields = [
        ("path", row.path.clone()),
        ("backend", row.backend.clone()),
        ("cycle", row.cycle.unwrap().to_string()),
        ("term", row.term.to_string()),
        ("source_frame", row.source_frame.clone()),
        ("dest_frame", row.dest_frame.clone()),
        ("sender", row.sender.clone()),
        ("receiver", row.receiver.clone()),
        ("amount", row.amount.to_string()),
        ("registered_iso", row.registered_at.to_string()),
        ("fired_iso", row.fired_at.unwrap().to_string()),
        ("accepted_iso", row.accepted_at.unwrap().to_string()),
        ("transfer_id", row.transfer_id.clone().unwrap()),
        ("fire_status", row.fire_status.clone().unwrap()),
        ("fire_code", row.fire_code.unwrap().to_string()),
    ];
    let mut owned: BTreeMap<String, String> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for stage in seen(row) {
        let stamp = &row.stamps[stage];
        owned.insert(format!("{stage}_seen_iso"), moment(&stamp["seen"]).to_string());
        owned.insert(format!("{stage}_occurred_iso"), moment(&stamp["occurred"]).to_string());
        owned.insert(format!("{stage}_via"), stamp["via"].as_str().unwrap().to_owned());
    }
    owned
}

/// The hash's fields of §4, moments in one notation.
fn told_by_the_board(hash: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    const PLAIN: [&str; 12] = [
        "path",
        "backend",
        "cycle",
        "term",
        "source_frame",
        "dest_frame",
        "sender",
        "receiver",
        "amount",
        "transfer_id",
        "fire_status",
        "fire_code",
    ];
    let of_design = |name: &str| {
        let more = name.ends_with("_iso") || name.ends_with("_via");
        PLAIN.contains(&name) || (more && name != "answered_iso")
    };
    let told = hash.iter().filter(|(name, _)| of_design(name)).map(|(name, value)| {
        let moment = value.parse::<DateTime<Utc>>().ok().filter(|_| name.ends_with("_iso"));
        (name.clone(), moment.map_or_else(|| value.clone(), |moment| moment.to_string()))
    });
    told.collect()
}

/// Test, reverse index and claim lead to each other, and expire after the watch and an hour.
async fn expiring(stage: &Deployment, row: &Row) {
    let mut board = stage.board().await;
    let test = stage.key(&format!("canary:{}", row.test_id));
    let transfer = stage.key(&format!("canary_xfer:{}", row.transfer_id.as_ref().unwrap()));
    let claim = stage.key(&format!("canary:slot:{}:{}", row.path, row.cycle.unwrap()));
    for key in [&transfer, &claim] {
        let held: String = board.get(key).await.unwrap();
        assert_eq!(held, row.test_id.to_string(), "{key}");
    }
    for key in [&test, &transfer, &claim] {
        let left: i64 = board.ttl(key).await.unwrap();
        assert!((3_000..=3_660).contains(&left), "{key} expires in {left} s");
    }
}

#[test]
fn a_platform_that_drops_the_settled_event_fails_the_async_paths_by_name_and_no_other() {
    run(async {
        let routes = Route::named(&["a-intra", "a-async-b", "b-async-a"]);
        let stage = Deployment::start(Plan { routes, ..Plan::default() }).await;
        let lost = Fault::from(EventFault::Lost).of_type(EventType::CrossFrameTransferSettled);
        stage.sandbox().faults().set(FaultSet::of([lost]));
        let _canary = stage.launch_ready().await;
        let enough =
            |rows: &[Row]| rows.iter().filter(|row| row.backend == "async" && row.judged()).count() >= 4;
        let rows = stage.rows_when("judged async rows", 60, enough).await;
        for row in rows.iter().filter(|row| row.judged()) {
            if row.backend == "intra" {
                assert_eq!(row.verdict(), "passed", "{}", row.told());
                continue;
            }
            assert_eq!(row.verdict(), "failed/timeout", "{}", row.told());
            assert_eq!(row.missing_stages, ["cf_settled"]);
            assert_eq!((row.completed_at, row.total_latency_ms), (None, None));
            assert_eq!(row.decided_as_of, row.deadline_at, "as of the deadline, not of the sweep");
            assert!(row.cf_initiated_seen_at.is_some(), "what was seen is kept");
        }
        assert!(rows.iter().any(|row| row.verdict() == "passed"), "the other path goes on");
    });
}

/// How far the row's moments may be from the platform's clock, by its own account.
fn clock_error(row: &Row) -> TimeDelta {
    #[expect(clippy::cast_possible_truncation, reason = "some microseconds")]
    TimeDelta::microseconds((row.clock_error_ms.unwrap() * 1e3) as i64)
}

fn moment(value: &serde_json::Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a test's length are exact")]
fn millis(span: TimeDelta) -> f64 {
    span.num_microseconds().unwrap() as f64 / 1e3
}
