//! The board's clock as an instance knows it, while the board's wall clock is moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use canary_domain::{Clock as _, Moment, parse_iso};
use canary_store::{BoardClock, Finding, MemoryBoard};
use chrono::TimeDelta;
use tokio::time::{Instant, advance};

use crate::faulty::{Answers, Faulty};

/// A board whose wall clock runs true, and jumps when told to.
struct Wall {
    board: Arc<Faulty>,
    ahead_us: Arc<AtomicI64>,
}

impl Wall {
    fn new() -> Self {
        let ahead_us = Arc::new(AtomicI64::new(0));
        let (epoch, start, ahead) = (Instant::now(), start(), Arc::clone(&ahead_us));
        let now = move || start + epoch.elapsed() + TimeDelta::microseconds(ahead.load(Ordering::Relaxed));
        Self { board: Faulty::new(Arc::new(MemoryBoard::with_wall(now))), ahead_us }
    }

    fn jump(&self, by: TimeDelta) {
        self.ahead_us.fetch_add(by.num_microseconds().unwrap(), Ordering::Relaxed);
    }

    async fn clock(&self) -> BoardClock {
        BoardClock::start(&*self.board).await.unwrap()
    }

    async fn compare(&self, clock: &BoardClock) -> Finding {
        clock.compare(&*self.board).await.unwrap().finding
    }
}

fn start() -> Moment {
    parse_iso("2026-11-21T01:22:33.000007Z").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_agrees_is_steady() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    for second in 1..=10 {
        advance(Duration::from_secs(1)).await;
        let comparison = clock.compare(&*wall.board).await.unwrap();
        assert_eq!((comparison.finding, comparison.offset), (Finding::Steady, TimeDelta::zero()));
        assert_eq!(clock.now(), start() + TimeDelta::seconds(second));
    }
    assert_eq!(clock.steps(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slewed_clock_is_followed_without_a_step() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    wall.jump(TimeDelta::milliseconds(40));
    assert_eq!(wall.compare(&clock).await, Finding::Steady);
    assert_eq!(clock.now(), start() + TimeDelta::milliseconds(40));
    wall.jump(TimeDelta::milliseconds(-40));
    assert_eq!(wall.compare(&clock).await, Finding::Steady);
    assert_eq!((clock.now(), clock.steps()), (start(), 0));
}

#[tokio::test(start_paused = true)]
async fn a_step_is_followed_and_counted_once_two_comparisons_agree() {
    for by in [TimeDelta::seconds(10), TimeDelta::seconds(-10)] {
        let wall = Wall::new();
        let clock = wall.clock().await;
        wall.jump(by);
        let suspect = clock.compare(&*wall.board).await.unwrap();
        assert_eq!((suspect.finding, suspect.offset), (Finding::Suspect, by));
        assert_eq!((clock.now(), clock.steps()), (start(), 0), "not followed yet");
        assert!(clock.error_bound() >= Duration::from_secs(10), "but it may be that far off");
        advance(Duration::from_secs(1)).await;
        assert_eq!(wall.compare(&clock).await, Finding::Stepped);
        assert_eq!((clock.now(), clock.steps()), (start() + by + TimeDelta::seconds(1), 1));
        assert!(clock.error_bound() < Duration::from_millis(1));
        assert_eq!(wall.compare(&clock).await, Finding::Steady);
        assert_eq!(clock.steps(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_jump_that_is_taken_back_is_no_step() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    wall.jump(TimeDelta::seconds(10));
    assert_eq!(wall.compare(&clock).await, Finding::Suspect);
    wall.jump(TimeDelta::seconds(-10));
    assert_eq!(wall.compare(&clock).await, Finding::Steady);
    assert!(clock.error_bound() < Duration::from_millis(1));
    wall.jump(TimeDelta::seconds(10));
    assert_eq!(wall.compare(&clock).await, Finding::Suspect, "the old suspicion does not count");
    assert_eq!((clock.now(), clock.steps()), (start(), 0));
}

#[tokio::test(start_paused = true)]
async fn comparisons_that_disagree_about_a_jump_stay_suspect() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    for _ in 0..3 {
        wall.jump(TimeDelta::seconds(10));
        assert_eq!(wall.compare(&clock).await, Finding::Suspect);
    }
    assert_eq!(wall.compare(&clock).await, Finding::Stepped);
    assert_eq!((clock.now(), clock.steps()), (start() + TimeDelta::seconds(30), 1));
}

#[tokio::test(start_paused = true)]
async fn between_comparisons_no_jump_is_seen() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    wall.jump(TimeDelta::days(1));
    advance(Duration::from_secs(5)).await;
    assert_eq!(clock.now(), start() + TimeDelta::seconds(5));
}

#[tokio::test(start_paused = true)]
async fn the_error_bound_grows_with_the_time_since_the_last_comparison() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    assert_eq!(clock.error_bound(), Duration::ZERO);
    advance(Duration::from_secs(1_000)).await;
    assert_eq!(clock.error_bound(), Duration::from_millis(200));
    wall.compare(&clock).await;
    assert_eq!(clock.error_bound(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_the_clock_may_have_drifted_is_no_jump() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    advance(Duration::from_secs(1_000)).await;
    wall.jump(TimeDelta::milliseconds(240));
    assert_eq!(wall.compare(&clock).await, Finding::Steady);
    wall.jump(TimeDelta::milliseconds(240));
    assert_eq!(wall.compare(&clock).await, Finding::Suspect, "no time has passed since");
}

#[tokio::test(start_paused = true)]
async fn the_shortest_round_trip_is_taken_and_half_of_it_bounds_the_error() {
    let wall = Wall::new();
    let delays = [90, 70, 20, 80, 60].map(Duration::from_millis);
    wall.board.answer(Answers::After(delays.into()));
    let clock = wall.clock().await;
    let passed = TimeDelta::milliseconds(320);
    // The board read its clock at the very end of the round trip, as far from the middle as can be.
    assert_eq!(clock.now(), start() + passed + TimeDelta::milliseconds(10));
    assert!(
        clock.error_bound() >= Duration::from_millis(10) && clock.error_bound() < Duration::from_millis(11)
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_comparison_does_not_move_a_clock_that_knows_better() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    let begun = Instant::now();
    wall.board.answer(Answers::After([Duration::from_millis(500)].into()));
    for _ in 0..3 {
        assert_eq!(wall.compare(&clock).await, Finding::Steady);
        assert_eq!(clock.now(), start() + begun.elapsed());
    }
    assert!(clock.error_bound() < Duration::from_millis(2), "{:?}", clock.error_bound());
    wall.jump(TimeDelta::seconds(10));
    assert_eq!(wall.compare(&clock).await, Finding::Suspect);
    wall.jump(TimeDelta::seconds(-10));
    assert_eq!(wall.compare(&clock).await, Finding::Steady);
    assert!(clock.error_bound() < Duration::from_millis(3), "what was suspected is taken back");
    wall.board.answer(Answers::Promptly);
    wall.compare(&clock).await;
    assert_eq!(clock.error_bound(), Duration::ZERO, "a better one is followed");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_slewed_is_followed_by_a_slower_comparison_too() {
    let wall = Wall::new();
    let clock = wall.clock().await;
    wall.board.answer(Answers::After([Duration::from_millis(2)].into()));
    wall.jump(TimeDelta::milliseconds(40));
    let begun = Instant::now();
    assert_eq!(wall.compare(&clock).await, Finding::Steady);
    let truth = start() + TimeDelta::milliseconds(40) + begun.elapsed();
    assert!((clock.now() - truth).abs() <= TimeDelta::from_std(clock.error_bound()).unwrap());
    assert!(clock.error_bound() >= Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn instants_before_and_after_a_comparison_have_their_moments() {
    let wall = Wall::new();
    let before = Instant::now();
    advance(Duration::from_secs(3)).await;
    let clock = wall.clock().await;
    advance(Duration::from_secs(4)).await;
    assert_eq!(clock.at(before), start());
    assert_eq!(clock.at(Instant::now()), start() + TimeDelta::seconds(7));
    let exact = clock.at(before + Duration::from_nanos(1_999));
    assert_eq!(exact, start() + TimeDelta::microseconds(1), "cut to microseconds");
}

#[tokio::test(start_paused = true)]
async fn a_clock_needs_the_board_to_start_and_runs_on_without_it() {
    let wall = Wall::new();
    wall.board.answer(Answers::WithErrors);
    assert!(BoardClock::start(&*wall.board).await.is_err());
    wall.board.answer(Answers::Promptly);
    let clock = wall.clock().await;
    wall.board.answer(Answers::WithErrors);
    advance(Duration::from_secs(60)).await;
    assert!(clock.compare(&*wall.board).await.is_err());
    assert_eq!(clock.now(), start() + TimeDelta::seconds(60));
    assert_eq!(clock.error_bound(), Duration::from_millis(12));
}
