//! What is told, whoever leads.

use chrono::TimeDelta;
use serde_json::Value;

use crate::stand::{Stand, endpoint, until};
use crate::web::{Mood, Web};

fn kinds(web: &Web) -> Vec<String> {
    let bodies = web.asked().into_iter().map(|asked| serde_json::from_str::<Value>(&asked.body).unwrap());
    bodies.map(|body| body["type"].as_str().unwrap().to_owned()).collect()
}

const FAILING: &str = "canary.path.failing";
const RECOVERED: &str = "canary.path.recovered";

#[tokio::test]
async fn changes_while_nobody_leads_are_told_in_order_by_whoever_leads_next() {
    let (stand, web) = (Stand::new().await, Web::start(Mood::Answers("200 OK")).await);
    stand.slots("ff").await;
    let first = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.followed().await;
    // The third after two of before anybody was told.
    stand.slots("f").await;
    until("the first message", async || web.asked().len() == 1).await;
    drop(first);
    stand.slots("fpfpfff").await;
    let second = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.caught_up().await;
    until("what had happened", async || web.asked().len() >= 3).await;
    let last: Value = serde_json::from_str(&web.asked()[2].body).unwrap();
    assert_eq!(last["data"]["consecutive_failures"], 3);
    let back: Value = serde_json::from_str(&web.asked()[1].body).unwrap();
    assert_eq!(back["data"]["consecutive_failures"], 4, "those that the pass ended");
    assert_eq!(kinds(&web), [FAILING, RECOVERED, FAILING]);
    second.stop().await;
}

#[tokio::test]
async fn two_that_lead_at_once_tell_each_change_once() {
    let (stand, web) = (Stand::new().await, Web::start(Mood::Answers("200 OK")).await);
    let both = [(); 2].map(|()| stand.telling(vec![endpoint("pager", web.url("/"))]));
    stand.followed().await;
    for round in 1..=5 {
        stand.slots("fffp").await;
        stand.caught_up().await;
        until("both messages", async || web.asked().len() >= 2 * round).await;
    }
    let told = kinds(&web);
    assert_eq!(told, [FAILING, RECOVERED].repeat(5));
    assert_eq!(both.iter().map(|one| one.deliveries("delivered")).sum::<f64>(), 10.0);
}

#[tokio::test]
async fn what_is_long_past_is_told_by_its_result_alone() {
    let (stand, web) = (Stand::new().await, Web::start(Mood::Answers("200 OK")).await);
    let first = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.followed().await;
    first.stop().await;
    stand.slots("fffpfff").await;
    stand.clock.skip(TimeDelta::hours(25));
    let second = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.caught_up().await;
    stand.slots("f").await;
    until("a message", async || !web.asked().is_empty()).await;
    let told: Value = serde_json::from_str(&web.asked()[0].body).unwrap();
    assert_eq!(told["data"]["consecutive_failures"], 4);
    assert_eq!(kinds(&web), [FAILING]);
    second.stop().await;
}
