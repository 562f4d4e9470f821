//! What an operator orders: fired once, by nobody's lease, or not at all.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{
    Clock as _, Coverage, Facts, FireStatus, Origin, Outcome, Patience, Reason, Stage, Stamp,
};
use canary_domain::{Sighting, TestId, Via, judge};
use canary_runner::{OrderDesk, OrderError, Orders};
use canary_store::{FactsRow, Filter, PostgresLedger, RedisBoard, ResultRow};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;
use crate::platform::Reply;

/// A desk at work; it stops when told to.
struct AtWork {
    orders: Orders,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

fn orders(bench: &Bench) -> (Orders, OrderDesk) {
    Orders::new(bench.settings.clone(), bench.firer(), Arc::clone(&bench.ledger))
}

fn at_work(bench: &Bench) -> AtWork {
    let (orders, desk) = orders(bench);
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(desk.run(stop.clone()));
    AtWork { orders, stop, tasks }
}

impl AtWork {
    async fn stop(self) -> Orders {
        self.stop.cancel();
        self.tasks.join_all().await;
        self.orders
    }
}

fn redis_away() -> Arc<RedisBoard> {
    Arc::new(RedisBoard::connect(&"redis://127.0.0.1:1".to_owned().into(), String::new()).unwrap())
}

fn postgres_away() -> Arc<PostgresLedger> {
    let url = "postgres://canary@127.0.0.1:1/canary".to_owned();
    Arc::new(PostgresLedger::connect(&url.into(), "prod").unwrap())
}

async fn rows(bench: &Bench) -> Vec<ResultRow> {
    bench.ledger.results(&Filter::default(), None, 100).await.unwrap().rows
}

async fn answered(bench: &Bench, test_id: TestId) -> Facts {
    let is_it = |facts: &&Facts| facts.test.test_id == test_id && facts.answer.is_some();
    let all = bench.facts_when(|all| all.iter().any(|facts| is_it(&facts))).await;
    all.iter().find(is_it).unwrap().clone()
}

/// What the validators and the judge do.
async fn judged(bench: &Bench, facts: &Facts) -> ResultRow {
    let now = bench.clock.now();
    let stamp =
        Stamp { seen: now, via: Via::Live, occurred: now, frame: "a".into(), position: 7, error_us: 10 };
    let sighting = Sighting { test_id: facts.test.test_id, stage: Stage::TokensXfer, stamp };
    assert_eq!(bench.board.stamp(&[sighting]).await.unwrap(), []);
    let facts = answered(bench, facts.test.test_id).await;
    let patience = Patience { blind_after: Duration::from_secs(60), look_again: Duration::from_secs(1) };
    let verdict = judge(&facts, &Coverage::default(), &patience, now).verdict;
    let test_id = facts.test.test_id;
    bench.ledger.record(&[FactsRow { facts, verdict, judged_at: now, judge_term: 1 }]).await.unwrap();
    bench.ledger.rows(&[test_id]).await.unwrap().pop().unwrap()
}

async fn is_fired_once_and_passes(bench: Bench) {
    let desk = at_work(&bench);
    let test_id = desk.orders.fire("p").await.unwrap();
    let row = bench.ledger.rows(&[test_id]).await.unwrap().pop().expect("it has a row from the start");
    assert_eq!((row.outcome, row.revision), (Outcome::Pending, 0));
    let facts = answered(&bench, test_id).await;
    let row = judged(&bench, &facts).await;
    assert_eq!((row.outcome, row.revision), (Outcome::Passed, 1));
    let test = &row.facts.test;
    assert_eq!((test.origin, test.cycle, test.period_ms, test.term), (Origin::Fire, None, None, 0));
    desk.stop().await;
    let [call] = bench.platform.calls().try_into().unwrap();
    assert_eq!(call.key, Some(test_id.to_string()));
    let accounting = bench.ledger.accounting().await.unwrap();
    assert!(accounting.paths.iter().all(|path| path.slots == 0 && path.passed == 0), "{accounting:?}");
    assert_eq!((accounting.residual, rows(&bench).await.len()), (0, 1));
}

#[tokio::test]
async fn an_ordered_test_is_fired_once_and_passes_outside_the_accounting() {
    is_fired_once_and_passes(Bench::new().await).await;
}

#[tokio::test]
async fn an_ordered_test_is_fired_once_and_passes_on_redis_and_postgres() {
    is_fired_once_and_passes(Bench::on_servers().await).await;
}

#[tokio::test]
async fn an_order_while_the_board_is_away_sends_nothing_and_leaves_nothing() {
    let bench = Bench { board: redis_away(), ..Bench::new().await };
    let desk = at_work(&bench);
    let error = desk.orders.fire("p").await.unwrap_err();
    assert_eq!(error.to_string(), "the board is away, and nothing was sent");
    desk.stop().await;
    assert!(bench.platform.calls().is_empty());
    assert!(rows(&bench).await.is_empty(), "no row waits for a test that nobody knows");
}

#[tokio::test]
async fn an_order_while_the_ledger_is_away_sends_nothing_and_leaves_nothing() {
    let bench = Bench { ledger: postgres_away(), ..Bench::new().await };
    let desk = at_work(&bench);
    let error = desk.orders.fire("p").await.unwrap_err();
    assert_eq!(error.to_string(), "the ledger is away, and nothing was sent");
    desk.stop().await;
    assert!(bench.platform.calls().is_empty() && bench.facts().await.is_empty());
}

/// The ledger answers, but can't be written to: the board knows the test by then.
#[tokio::test]
async fn an_order_that_the_ledger_does_not_take_is_withheld() {
    let bench = Bench::new().await;
    let file = bench.folder.path().join("canary.db");
    let mut other = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let desk = at_work(&bench);
    assert_eq!(desk.orders.fire("p").await, Err(OrderError::Away("the ledger")));
    desk.stop().await;
    assert!(bench.platform.calls().is_empty());
    let withheld = bench.facts().await.pop().unwrap().withheld.unwrap();
    assert_eq!(withheld.reason, Reason::Overrun);
}

/// The process stands still between the order and its beginning.
#[tokio::test]
async fn an_order_that_lay_for_a_minute_sends_nothing() {
    let bench = Bench::new().await;
    let (orders, desk) = orders(&bench);
    let stop = CancellationToken::new();
    let fire = orders.fire("p");
    let stand_still = async {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(60)).await;
        tokio::time::resume();
        desk.run(stop.clone()).await;
    };
    let ordered = async {
        let answer = fire.await;
        stop.cancel();
        answer
    };
    let (answer, ()) = tokio::join!(ordered, stand_still);
    assert_eq!(answer, Err(OrderError::NotBegun));
    assert!(bench.platform.calls().is_empty() && bench.facts().await.is_empty());
    assert!(rows(&bench).await.is_empty());
}

#[tokio::test]
async fn more_orders_than_may_be_at_once_are_refused_until_one_has_ended() {
    let bench = Bench::new().await;
    let (orders, desk) = orders(&bench);
    let mut eight: Vec<_> = (0..8).map(|_| Box::pin(orders.fire("p"))).collect();
    for order in &mut eight {
        assert_eq!(order.as_mut().now_or_never(), None, "it waits for the desk");
    }
    assert_eq!(orders.fire("p").await, Err(OrderError::Busy));
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(desk.run(stop.clone()));
    assert!(join_all(eight).await.iter().all(Result::is_ok));
    bench.facts_when(|all| all.iter().filter(|facts| facts.answer.is_some()).count() == 8).await;
    let desk = AtWork { orders, stop, tasks };
    while desk.orders.fire("p").await == Err(OrderError::Busy) {
        tokio::task::yield_now().await;
    }
    desk.stop().await;
    assert_eq!(bench.platform.calls().len(), 9);
}

#[tokio::test]
async fn an_order_whose_giver_hung_up_before_it_was_begun_leaves_nothing() {
    let bench = Bench::new().await;
    let (orders, desk) = orders(&bench);
    assert_eq!(orders.fire("p").now_or_never(), None);
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(desk.run(stop.clone()));
    let desk = AtWork { orders, stop, tasks };
    let next = desk.orders.fire("p").await.unwrap();
    answered(&bench, next).await;
    desk.stop().await;
    assert_eq!(
        (bench.platform.calls().len(), rows(&bench).await.len(), bench.facts().await.len()),
        (1, 1, 1)
    );
}

/// Whoever hears nothing orders again: the first test may not be sent beside the second.
#[tokio::test]
async fn a_test_whose_id_nobody_took_is_withheld() {
    let (bench, url) = Bench::on_servers_at().await;
    let desk = at_work(&bench);
    // It is connected by now, and the order's time is not spent on that.
    bench.ledger.ping().await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    let lock = "BEGIN; LOCK TABLE canary_test_results IN EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let mut order = Box::pin(desk.orders.fire("p"));
    assert_eq!(order.as_mut().now_or_never(), None, "it waits for the desk");
    let facts = bench.facts_when(|all| !all.is_empty()).await;
    drop(order);
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    let test_id = facts[0].test.test_id;
    let withheld = |all: &[Facts]| all.iter().any(|f| f.test.test_id == test_id && f.withheld.is_some());
    let facts = bench.facts_when(withheld).await.pop().unwrap();
    assert_eq!((facts.withheld.unwrap().reason, facts.fired_at), (Reason::Overrun, None));
    let again = desk.orders.fire("p").await.unwrap();
    answered(&bench, again).await;
    desk.stop().await;
    let [call] = bench.platform.calls().try_into().unwrap();
    assert_eq!(call.key, Some(again.to_string()), "one transfer moved");
}

#[tokio::test]
async fn stores_that_hang_are_away_before_whoever_ordered_gives_up() {
    for (table, on_the_board) in [("canary_migrations", 0), ("canary_test_results", 1)] {
        let (bench, url) = Bench::on_servers_at().await;
        let desk = at_work(&bench);
        let mut other = PgConnection::connect(&url).await.unwrap();
        let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut other).await.unwrap();
        let began = Instant::now();
        assert_eq!(desk.orders.fire("p").await, Err(OrderError::Away("the ledger")));
        assert!(began.elapsed() < Duration::from_secs(3), "it took {:?}", began.elapsed());
        let facts = bench.facts_when(|all| all.iter().all(|facts| facts.withheld.is_some())).await;
        assert_eq!(facts.len(), on_the_board);
        desk.stop().await;
        assert!(bench.platform.calls().is_empty());
    }
}

#[tokio::test]
async fn what_was_begun_is_seen_through_at_the_stop_and_nothing_begins_after_it() {
    let bench = Bench::new().await;
    bench.platform.transfers([Reply::Never]);
    let desk = at_work(&bench);
    let test_id = desk.orders.fire("p").await.unwrap();
    let orders = desk.stop().await;
    let facts = bench.facts().await.pop().unwrap();
    assert_eq!((facts.test.test_id, facts.fire_status()), (test_id, Some(FireStatus::Timeout)));
    assert_eq!(orders.fire("p").await, Err(OrderError::Stopping));
    assert_eq!(bench.platform.calls().len(), 1);
}

#[tokio::test]
async fn an_order_that_nobody_began_before_the_stop_is_refused() {
    let bench = Bench::new().await;
    let (orders, desk) = orders(&bench);
    let stop = CancellationToken::new();
    stop.cancel();
    let (answer, ()) = tokio::join!(orders.fire("p"), desk.run(stop));
    assert_eq!(answer, Err(OrderError::Stopping));
    assert!(bench.platform.calls().is_empty() && bench.facts().await.is_empty());
}

#[tokio::test]
async fn a_path_that_is_not_there_is_not_fired() {
    let bench = Bench::new().await;
    let desk = at_work(&bench);
    assert_eq!(desk.orders.fire("q").await, Err(OrderError::UnknownPath));
    desk.stop().await;
    assert!(bench.platform.calls().is_empty());
}

#[tokio::test]
async fn an_ordered_test_is_not_among_the_durations_of_its_path() {
    let bench = Bench::new().await;
    let registry = canary_telemetry::new_registry("prod").unwrap();
    let firer = bench.firer_on(&registry);
    let count = || {
        let families = registry.gather();
        let family = families.iter().find(|family| family.name() == "canary_fire_duration_seconds").unwrap();
        family.get_metric()[0].get_histogram().get_sample_count()
    };
    let lead = bench.lead().await;
    let slot = bench.registered(&lead).await;
    firer.fire(&(&lead).into(), bench.route(), slot).await;
    assert_eq!(count(), 1);
    let (orders, desk) = Orders::new(bench.settings.clone(), firer, Arc::clone(&bench.ledger));
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(desk.run(stop.clone()));
    answered(&bench, orders.fire("p").await.unwrap()).await;
    AtWork { orders, stop, tasks }.stop().await;
    assert_eq!((count(), bench.platform.calls().len()), (1, 2));
}
