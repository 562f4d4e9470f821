//! The admin API, against the same rows by SQL.

use std::collections::BTreeSet;

use canary_tests::{Row, run};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::accounts::accounting_agrees;
use crate::healthy::{columns, healthy, is_whole};

#[test]
fn results_are_the_rows_newest_first_page_by_page() {
    run(async {
        let healthy = healthy().await;
        let rows = healthy.rows().await;
        let end = rows.iter().filter(|row| is_whole(row)).map(|row| row.registered_at).max().unwrap();
        let wanted: Vec<&Row> = rows
            .iter()
            .rev()
            .filter(|row| row.path == "b-async-a" && row.registered_at < end && is_whole(row))
            .collect();
        let mut got = Vec::new();
        let mut cursor = String::new();
        loop {
            let to = end.to_rfc3339_opts(SecondsFormat::Micros, true);
            let question = format!("path=b-async-a&outcome=passed&limit=1&to={to}&cursor={cursor}");
            let page = healthy.canary.json(&format!("/api/v1/canaries/results?{question}")).await;
            got.extend(page["results"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            next.clone_into(&mut cursor);
        }
        let ids = |id: &Value| id.as_str().unwrap().to_owned();
        let told: Vec<String> = got.iter().map(|result| ids(&result["test_id"])).collect();
        assert_eq!(told, wanted.iter().map(|row| row.test_id.to_string()).collect::<Vec<_>>());
        for (result, row) in got.iter().zip(wanted) {
            same(result, row);
        }
    });
}

#[test]
fn one_result_is_its_row_with_a_timeline_in_order_and_a_sentence() {
    run(async {
        let healthy = healthy().await;
        let rows = healthy.rows().await;
        let row = rows.iter().find(|row| row.path == "a-async-b" && is_whole(row)).unwrap();
        let result = healthy.canary.json(&format!("/api/v1/canaries/results/{}", row.test_id)).await;
        same(&result, row);
        let timeline = result["timeline"].as_array().unwrap();
        let moments: Vec<DateTime<Utc>> =
            timeline.iter().map(|event| moment(&event["at"]).unwrap()).collect();
        assert!(moments.is_sorted(), "{timeline:#?}");
        let told: BTreeSet<&str> = timeline.iter().map(|event| event["what"].as_str().unwrap()).collect();
        let stages = ["tokens_xfer", "fee_collected", "cf_initiated", "cf_settled_remote"];
        for what in ["registered", "fired", "accepted", "judged"].iter().chain(&stages) {
            assert!(told.contains(what), "{what} is not in {told:?}");
        }
        assert!(result["explanation"].as_str().unwrap().ends_with('.'), "{}", result["explanation"]);
    });
}

#[test]
fn accounting_is_what_the_rows_add_up_to() {
    run(async {
        let healthy = healthy().await;
        healthy.rows().await;
        accounting_agrees(&healthy.stage, &healthy.canary).await;
    });
}

#[test]
fn what_is_not_there_or_not_understood_is_a_problem_document() {
    run(async {
        let healthy = healthy().await;
        for (path, status) in [
            ("/api/v1/canaries/results/00000000-0000-4000-8000-000000000000", 404),
            ("/api/v1/canaries/results?outcome=broken", 422),
            ("/api/v1/canaries/nothing", 404),
        ] {
            let answer = healthy.canary.get(path).await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["status"], status, "{problem}");
        }
    });
}

/// Every field bears its column's name and value.
fn same(result: &Value, row: &Row) {
    let texts = [
        ("test_id", Some(row.test_id.to_string())),
        ("canary", Some(row.canary.clone())),
        ("path", Some(row.path.clone())),
        ("backend", Some(row.backend.clone())),
        ("origin", Some(row.origin.clone())),
        ("source_frame", Some(row.source_frame.clone())),
        ("dest_frame", Some(row.dest_frame.clone())),
        ("sender", Some(row.sender.clone())),
        ("receiver", Some(row.receiver.clone())),
        ("amount", Some(row.amount.to_string())),
        ("transfer_id", row.transfer_id.clone()),
        ("fire_status", row.fire_status.clone()),
        ("outcome", Some(row.outcome.clone())),
        ("failure_signal", row.failure_signal.clone()),
        ("latency_basis", row.latency_basis.clone()),
    ];
    for (name, text) in texts {
        assert_eq!(result[name].as_str().map(str::to_owned), text, "{name} of {}", row.told());
    }
    for (name, number) in [
        ("cycle", json!(row.cycle)),
        ("term", json!(row.term)),
        ("fire_code", json!(row.fire_code)),
        ("total_latency_ms", json!(row.total_latency_ms)),
        ("clock_error_ms", json!(row.clock_error_ms)),
        ("missing_stages", json!(row.missing_stages)),
        ("revision", json!(row.revision)),
    ] {
        assert_eq!(result[name], number, "{name} of {}", row.told());
    }
    let seen = columns(row).map(|(stage, at)| (format!("{stage}_seen_at"), at));
    let others = [
        ("registered_at", Some(row.registered_at)),
        ("fired_at", row.fired_at),
        ("accepted_at", row.accepted_at),
        ("completed_at", row.completed_at),
        ("deadline_at", row.deadline_at),
        ("decided_as_of", row.decided_as_of),
        ("judged_at", row.judged_at),
    ];
    for (name, at) in others.map(|(name, at)| (name.to_owned(), at)).into_iter().chain(seen) {
        assert_eq!(moment(&result[&name]), at, "{name} of {}", row.told());
    }
}

fn moment(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().map(|text| text.parse().unwrap())
}
