//! How messages get to a receiver, and what its answers mean.

use std::time::Duration;

use canary_outbound::{Endpoint, Keys};
use chrono::TimeDelta;

use crate::stand::{KEY, Stand, endpoint, until};
use crate::web::{Asked, Mood, Web};

fn is_signed(asked: &Asked) -> bool {
    let header = |name: &str| asked.headers[name].as_str();
    let timestamp = header("webhook-timestamp").parse().unwrap();
    let wanted = Keys::read(KEY).unwrap().sign(header("webhook-id"), timestamp, &asked.body);
    header("webhook-signature") == wanted && header("content-type") == "application/json"
}

#[tokio::test]
async fn a_message_is_tried_again_as_it_was_until_it_is_taken() {
    let (stand, web) = (Stand::new().await, Web::start(Mood::Answers("503 Service Unavailable")).await);
    let telling = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.followed().await;
    stand.slots("fff").await;
    for tries in 1..=2 {
        until("a try", async || telling.deliveries("refused") >= f64::from(tries)).await;
        stand.clock.skip(TimeDelta::seconds(60));
    }
    web.is_in_the_mood(Mood::Answers("204 No Content"));
    until("a delivery", async || telling.deliveries("delivered") == 1.0).await;
    let asked = web.asked();
    assert!(asked.iter().all(is_signed) && asked.len() >= 3, "{asked:?}");
    let same = |asked: &Asked| (asked.headers["webhook-id"].clone(), asked.body.clone());
    assert!(asked.iter().all(|one| same(one) == same(&asked[0])), "{asked:?}");
    assert_ne!(asked[0].headers["webhook-timestamp"], asked.last().unwrap().headers["webhook-timestamp"]);
    until("nothing that waits", async || stand.outbox().waiting_notices("pager").await.unwrap() == 0).await;
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_other() {
    let (stand, hanging, well) =
        (Stand::new().await, Web::start(Mood::Hangs).await, Web::start(Mood::Answers("200 OK")).await);
    let telling = stand.telling(vec![endpoint("hanging", hanging.url("/")), endpoint("well", well.url("/"))]);
    stand.followed().await;
    stand.slots("fff").await;
    until("both to be asked", async || !hanging.asked().is_empty() && !well.asked().is_empty()).await;
    stand.slots("pfffp").await;
    until("the other to be told all", async || well.asked().len() == 4).await;
    assert_eq!(hanging.asked().len(), 1, "it is still asked the first");
    assert_eq!(stand.outbox().waiting_notices("hanging").await.unwrap(), 4);
    telling.stop().await;
}

#[tokio::test]
async fn retry_after_is_heeded() {
    let mood = Mood::Answers("429 Too Many Requests\r\nretry-after: 600");
    let (stand, web) = (Stand::new().await, Web::start(mood).await);
    let telling = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.followed().await;
    stand.slots("fff").await;
    until("a try", async || telling.deliveries("refused") == 1.0).await;
    let now = canary_domain::Clock::now(&*stand.clock);
    let due = async |seconds| {
        let later = now + TimeDelta::seconds(seconds);
        stand.outbox().due_notices("pager", later, 9).await.unwrap().len()
    };
    until("its pause", async || due(500).await == 0 && due(610).await == 1).await;
    assert_eq!(web.asked().len(), 1);
}

#[tokio::test]
async fn who_is_gone_or_refuses_for_too_long_is_given_up() {
    let (stand, web) = (Stand::new().await, Web::start(Mood::Answers("410 Gone")).await);
    let short = Endpoint { give_up_after: Duration::from_secs(3_600), ..endpoint("pager", web.url("/")) };
    let telling = stand.telling(vec![short]);
    stand.followed().await;
    stand.slots("fff").await;
    until("an end at once", async || telling.deliveries("given_up") == 1.0).await;
    assert_eq!(web.asked().len(), 1);
    web.is_in_the_mood(Mood::Answers("400 Bad Request"));
    stand.slots("p").await;
    until("a first try", async || telling.deliveries("refused") == 2.0).await;
    until("another is due", async || {
        stand.clock.skip(TimeDelta::hours(1));
        telling.deliveries("given_up") == 2.0
    })
    .await;
    until("nothing that waits", async || stand.outbox().waiting_notices("pager").await.unwrap() == 0).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (stand, other) = (Stand::new().await, Web::start(Mood::Answers("200 OK")).await);
    let mood = format!("307 Temporary Redirect\r\nlocation: {}", other.url("/stolen"));
    let web = Web::start(Mood::Answers(Box::leak(mood.into_boxed_str()))).await;
    let telling = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.followed().await;
    stand.slots("fff").await;
    until("a try", async || telling.deliveries("refused") == 1.0).await;
    assert_eq!((web.asked().len(), other.asked().len()), (1, 0));
}

#[tokio::test]
async fn a_message_whose_sender_died_is_sent_again_by_its_successor() {
    let (stand, web) = (Stand::new().await, Web::start(Mood::Hangs).await);
    let first = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.followed().await;
    stand.slots("fff").await;
    until("a try", async || web.asked().len() == 1).await;
    drop(first);
    web.is_in_the_mood(Mood::Answers("200 OK"));
    let second = stand.telling(vec![endpoint("pager", web.url("/"))]);
    stand.caught_up().await;
    let outbox = stand.outbox();
    assert_eq!(outbox.waiting_notices("pager").await.unwrap(), 1, "it is claimed, and may be on its way");
    stand.clock.skip(TimeDelta::seconds(31));
    until("a delivery", async || second.deliveries("delivered") == 1.0).await;
    let asked = web.asked();
    assert_eq!(asked[0].headers["webhook-id"], asked[1].headers["webhook-id"]);
}
