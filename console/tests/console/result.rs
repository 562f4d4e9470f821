//! `GET /results/{test_id}`.

use canary_domain::{Backend, TestId};
use serde_json::Value;

use crate::on_both_ledgers;
use crate::stand::{API, Stand};

on_both_ledgers! {
    a_result_shows_every_moment_in_order_and_says_what_it_means
    a_failure_shows_how_the_observers_were_and_what_the_logs_say
}

async fn a_result_shows_every_moment_in_order_and_says_what_it_means(stand: Stand) -> anyhow::Result<()> {
    let passed = stand.write(Backend::Async, Some(500)).await?;
    let refunded = stand.write(Backend::Async, None).await?;

    let row = stand.json(&format!("{API}/results/{passed}"), 200).await?;
    assert_eq!(row["test_id"], passed.to_string());
    let timeline = row["timeline"].as_array().unwrap();
    let told: Vec<&str> = timeline.iter().map(|event| event["what"].as_str().unwrap()).collect();
    let in_order =
        ["registered", "fired", "cf_initiated", "accepted", "cf_settled_remote", "judged", "deadline"];
    assert_eq!(told, in_order);
    assert!(timeline.is_sorted_by_key(|event| event["at"].as_str().unwrap().to_owned()));
    assert_eq!((&timeline[2]["via"], timeline[0]["via"].is_null()), (&"live".into(), true));
    assert!(row["explanation"].as_str().unwrap().starts_with("Passed: done 500.0 ms after firing"));

    let row = stand.json(&format!("{API}/results/{refunded}"), 200).await?;
    assert_eq!(row["failure_signal"], "refunded");
    assert!(row["explanation"].as_str().unwrap().starts_with("Failed: the platform gave the money back"));
    Ok(())
}

async fn a_failure_shows_how_the_observers_were_and_what_the_logs_say(stand: Stand) -> anyhow::Result<()> {
    let passed = stand.write(Backend::Async, Some(500)).await?;
    let row = stand.json(&format!("{API}/results/{passed}"), 200).await?;
    assert!(row["evidence"].is_null() && row.as_object().unwrap().contains_key("evidence"));

    let failed = stand.failure(Backend::Async).await?;
    let row = stand.json(&format!("{API}/results/{failed}"), 200).await?;
    let evidence = &row["evidence"];
    assert_eq!((&evidence["observed_at"], &evidence["log"]), (&row["judged_at"], &Value::Null));
    let reactors = evidence["reactors"].as_array().unwrap();
    let covers: Vec<_> = reactors.iter().map(|one| (one["node"].as_str().unwrap(), &one["covers"])).collect();
    let [looked, late, short] = [true, false, false].map(Value::from);
    assert_eq!(covers, [("looked", &looked), ("began-late", &late), ("ended-early", &short)]);
    assert_eq!(reactors[0]["covered_until"], row["deadline_at"]);
    assert_eq!((&reactors[0]["connected"], &reactors[0]["position"]), (&true.into(), &77.into()));
    Ok(())
}

#[tokio::test]
async fn a_test_that_is_not_there_is_a_404_that_says_so() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let stranger = TestId::random().to_string();
    for name in [stranger.as_str(), "7", "not-a-uuid", "%00", "..%2f..%2fetc"] {
        let problem = stand.problem(&format!("{API}/results/{name}"), 404).await?;
        assert_eq!(problem["type"], "urn:canary:problem:not-found");
    }
    Ok(())
}
