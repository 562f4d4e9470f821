//! Contending, leading, losing and handing back.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{NodeId, Role};
use canary_store::{Board, Holder, Leadership, LeaseTimes, Leases, MemoryBoard, Seat};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::faulty::{Answers, Faulty};

/// One instance that contends for the runner's role. It stops when dropped.
pub struct Contender {
    pub seat: Seat,
    pub stopping: CancellationToken,
    pub stopped: CancellationToken,
    tasks: JoinSet<()>,
}

impl Contender {
    pub fn start(board: Arc<dyn Board>, node: &str, times: LeaseTimes) -> Self {
        let (leases, seat) = Leases::new(board, Role::Runner, NodeId::from(node), times);
        let (stopping, stopped) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(leases.run(stopping.clone(), stopped.clone()));
        Self { seat, stopping, stopped, tasks }
    }

    /// Waits until it leads.
    pub async fn leads(&mut self) -> Leadership {
        let seat = timeout(Duration::from_secs(60), self.seat.wait_for(Option::is_some)).await;
        seat.expect("a lease within a minute").unwrap().clone().unwrap()
    }

    /// Waits until it does not lead.
    pub async fn follows(&mut self) {
        let seat = timeout(Duration::from_secs(60), self.seat.wait_for(Option::is_none)).await;
        assert!(seat.expect("an end within a minute").is_ok());
    }

    pub fn now_leads(&self) -> bool {
        self.seat.borrow().is_some()
    }

    pub async fn ends(&mut self) {
        timeout(Duration::from_secs(60), self.tasks.join_next()).await.expect("an end").unwrap().unwrap();
    }
}

fn memory() -> Arc<dyn Board> {
    Arc::new(MemoryBoard::new())
}

/// Waits until the check fails and answers how long that took.
pub async fn check_fails(lead: &Leadership) -> Duration {
    let from = Instant::now();
    while lead.check().is_ok() {
        sleep(Duration::from_millis(1)).await;
    }
    from.elapsed()
}

#[tokio::test(start_paused = true)]
async fn of_two_contenders_one_leads_and_goes_on_leading() {
    let board = memory();
    let mut one = Contender::start(Arc::clone(&board), "n1", LeaseTimes::default());
    let lead = one.leads().await;
    let two = Contender::start(Arc::clone(&board), "n2", LeaseTimes::default());
    for _ in 0..600 {
        sleep(Duration::from_secs(1)).await;
        assert!(one.now_leads() && !two.now_leads());
        assert_eq!(lead.check(), Ok(()));
    }
    assert_eq!(board.holder(Role::Runner).await.unwrap(), Some(lead.holder()));
    assert_eq!(lead.role(), Role::Runner);
}

#[tokio::test(start_paused = true)]
async fn a_lease_handed_back_lets_the_other_in_on_its_next_ask() {
    let board = memory();
    let times = LeaseTimes::default();
    let mut one = Contender::start(Arc::clone(&board), "n1", times);
    let first = one.leads().await;
    let mut two = Contender::start(Arc::clone(&board), "n2", times);
    sleep(Duration::from_secs(7)).await;
    one.stopping.cancel();
    sleep(Duration::from_secs(30)).await;
    assert_eq!(first.check(), Ok(()), "until its last act has ended, the lease is kept");
    assert!(!two.now_leads());
    let handed = Instant::now();
    one.stopped.cancel();
    one.ends().await;
    assert!(first.check().is_err());
    let second = two.leads().await;
    assert!(handed.elapsed() <= times.renew_every, "{:?}", handed.elapsed());
    assert!(second.term() > first.term());
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_board_falls_silent_stops_before_its_lease_can_expire() {
    for answers in [Answers::Never, Answers::WithErrors, Answers::After([Duration::from_secs(60)].into())] {
        let board = memory();
        let line = Faulty::new(Arc::clone(&board));
        let mut one = Contender::start(Arc::clone(&line) as Arc<dyn Board>, "n1", LeaseTimes::default());
        let lead = one.leads().await;
        let mut two = Contender::start(Arc::clone(&board), "n2", LeaseTimes::default());
        sleep(Duration::from_secs(21)).await;
        line.answer(answers.clone());
        check_fails(&lead).await;
        assert_eq!(
            board.holder(Role::Runner).await.unwrap(),
            Some(lead.holder()),
            "the lease is there still"
        );
        one.follows().await;
        assert!(!two.now_leads(), "{answers:?}");
        let successor = two.leads().await;
        assert!(successor.term() > lead.term());
        assert!(lead.check().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_absence_of_the_board_costs_no_term() {
    let board = memory();
    let line = Faulty::new(Arc::clone(&board));
    let mut one = Contender::start(Arc::clone(&line) as Arc<dyn Board>, "n1", LeaseTimes::default());
    let lead = one.leads().await;
    for _ in 0..5 {
        line.answer(Answers::WithErrors);
        sleep(Duration::from_secs(6)).await;
        line.answer(Answers::Promptly);
        sleep(Duration::from_secs(6)).await;
    }
    assert_eq!(lead.check(), Ok(()));
    assert!(one.now_leads());
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_lease_is_gone_stops_at_the_next_renewal_and_contends_again() {
    let board = memory();
    let mut one = Contender::start(Arc::clone(&board), "n1", LeaseTimes::default());
    let lead = one.leads().await;
    board.release(Role::Runner, &lead.holder()).await.unwrap();
    let thief = "n2".to_owned();
    board.acquire(Role::Runner, &thief, Duration::from_secs(30)).await.unwrap().unwrap();
    one.follows().await;
    assert!(lead.check().is_err());
    let again = one.leads().await;
    assert!(again.term() > lead.term());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_stood_still_beyond_its_lease_fails_its_first_check() {
    let board = memory();
    let mut one = Contender::start(Arc::clone(&board), "n1", LeaseTimes::default());
    let lead = one.leads().await;
    // Nothing else in this process runs before the check: so it is for one that was stopped and goes on.
    advance(Duration::from_secs(12)).await;
    assert!(lead.check().is_err());
    timeout(Duration::ZERO, lead.ended()).await.expect("it has ended");
    let again = one.seat.wait_for(|seat| seat.as_ref().is_some_and(|now| now.term() > lead.term()));
    timeout(Duration::from_secs(60), again).await.expect("a new term").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_leadership_counts_from_before_it_was_asked_for() {
    let line = Faulty::new(memory());
    line.answer(Answers::After([Duration::from_secs(4)].into()));
    let mut one = Contender::start(Arc::clone(&line) as Arc<dyn Board>, "n1", LeaseTimes::default());
    let lead = one.leads().await;
    line.answer(Answers::Never);
    let lasted = check_fails(&lead).await;
    assert!(lasted <= Duration::from_secs(8), "12 s less the 4 s that the answer took, not {lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn ended_is_told_when_the_time_is_over_and_not_before_however_often_it_was_prolonged() {
    let board = memory();
    let mut one = Contender::start(Arc::clone(&board), "n1", LeaseTimes::default());
    let lead = one.leads().await;
    assert!(timeout(Duration::from_secs(100), lead.ended()).await.is_err(), "it is prolonged");
    one.stopping.cancel();
    one.stopped.cancel();
    timeout(Duration::from_secs(1), lead.ended()).await.expect("an end that comes with the handing back");
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_stop_while_it_asks_does_not_lead_and_leaves_no_lease_behind() {
    let board = memory();
    let line = Faulty::new(Arc::clone(&board));
    line.answer(Answers::After([Duration::from_secs(2), Duration::ZERO].into()));
    let mut one = Contender::start(Arc::clone(&line) as Arc<dyn Board>, "n1", LeaseTimes::default());
    sleep(Duration::from_secs(1)).await;
    one.stopping.cancel();
    one.ends().await;
    assert!(!one.now_leads());
    assert_eq!(board.holder(Role::Runner).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_contender_that_waits_ends_at_once_when_told_to_stop() {
    let board = memory();
    board.acquire(Role::Runner, &"n2".to_owned(), Duration::from_secs(600)).await.unwrap().unwrap();
    let mut one = Contender::start(Arc::clone(&board), "n1", LeaseTimes::default());
    sleep(Duration::from_secs(12)).await;
    let told = Instant::now();
    one.stopping.cancel();
    one.ends().await;
    assert!(told.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_board_that_is_away_at_first_is_asked_until_it_is_there() {
    let line = Faulty::new(memory());
    line.answer(Answers::WithErrors);
    let mut one = Contender::start(Arc::clone(&line) as Arc<dyn Board>, "n1", LeaseTimes::default());
    sleep(Duration::from_secs(120)).await;
    assert!(!one.now_leads());
    line.answer(Answers::Promptly);
    one.leads().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_names_the_role_and_the_term() {
    let holder = Holder { node: "n1".to_owned(), term: 7 };
    let lead = Leadership::new(Role::Judge, holder, Instant::now());
    assert_eq!(lead.check().unwrap_err().to_string(), "no longer leading as judge in term 7");
}
