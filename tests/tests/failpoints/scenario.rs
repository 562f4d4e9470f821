//! One death: a healthy cycle, the end at the point, and what came of everything under whoever came next.

use std::fmt::{Display, Formatter};
use std::os::unix::process::ExitStatusExt as _;
use std::rc::Rc;
use std::time::Duration;

use canary_sandbox::TransferCall;
use canary_test_servers::VictoriaMetrics;
use canary_tests::invariants::{Moment, assert_fired_once, assert_not_blamed, no_gaps, now, residual};
use canary_tests::{Deployment, Instance, Plan, Route, Row, until, until_some};

use crate::cases::Case;
use crate::exporting::{assert_exported, section};
use crate::way::{Way, no_old_rows, one_passed};

/// In seconds: half of it is longer than a takeover.
const LONG: u64 = 12;
/// `std::process::abort`.
const SIGABRT: i32 = 6;
/// Nobody looked.
const BLIND: &str = "inconclusive/observer_blind";
/// What a slot comes to under a change of leaders that blames nobody.
const BLAMELESS: [&str; 7] = [
    BLIND,
    "passed",
    "missed/no_leader",
    "missed/overrun",
    "missed/lease_lost",
    "skipped/paused",
    "inconclusive/runner_lost",
];

/// A case, alone or beside an instance that takes over.
pub struct Scenario {
    pub case: &'static Case,
    pub beside: bool,
    pub receiver: Option<Rc<VictoriaMetrics>>,
}

impl Display for Scenario {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}, {}", self.case.point, if self.beside { "beside another" } else { "alone" })
    }
}

impl Scenario {
    pub async fn play(&self) {
        let Case { point, way, .. } = *self.case;
        let spare = if self.period() == LONG { 1 } else { self.case.spare };
        let stage = Deployment::start(self.plan()).await;
        way.prepare(&stage);
        let mut victim = way.launch(&stage, &format!("{}{point}={spare}*off->return", way.times())).await;
        let mut next = None;
        if self.beside {
            until("a leader", 40, async || victim.has_ended().is_some() || victim.leads("judge").await).await;
            next = Some(stage.launch_ready().await);
        }
        way.provoke(&stage, &victim).await;
        self.assert_died(&mut victim).await;
        let died = now(&stage).await;
        let before = stage.rows_when(&format!("{self}: a healthy cycle before"), 10, one_passed).await;
        expire_leases(&stage).await;
        let next = match next {
            Some(next) => next,
            None => {
                let mut next = stage.launch_armed(way.times());
                next.ready().await;
                next
            }
        };
        if way == Way::Prune {
            until("nothing that is too old", 20, async || no_old_rows(&stage).await).await;
        }
        let term = term_of(&victim);
        let rows = self.settled(&stage, died, term).await;
        self.assert_invariants(&stage, &before, &rows);
        self.assert_in_hand(&stage, &rows, term);
        let residual = until_some("the accounting", 20, async || residual(&next).await).await;
        assert_eq!(residual, 0, "{self}: I2");
        if let Some(receiver) = &self.receiver {
            assert_exported(&stage, receiver, &rows).await;
        }
    }

    /// In seconds. Whoever takes over from a runner finds slots that can still start, and were fired.
    fn period(&self) -> u64 {
        match self.case.part() {
            "runner" if self.beside => LONG,
            // As `exported::wanted` has it.
            "export" => 2,
            _ => 3,
        }
    }

    fn plan(&self) -> Plan {
        let seconds = Duration::from_secs;
        Plan {
            routes: Route::named(self.case.way.paths()),
            fire_every: seconds(self.period()),
            sweep_every: Duration::from_millis(500),
            watch: if self.case.way.closes() { seconds(12) } else { seconds(90) },
            call_timeout: seconds(5),
            blind_after: seconds(6),
            silence_after: seconds(6),
            deadlines: [seconds(6); 3],
            more: self.receiver.as_ref().map(|receiver| section(receiver)).unwrap_or_default(),
            ..Plan::default()
        }
    }

    async fn assert_died(&self, victim: &mut Instance) {
        let status = victim.end(60).await;
        let last = format!("failpoint {}: the process dies here", self.case.point);
        assert_eq!(status.signal(), Some(SIGABRT), "{self}: {status}");
        assert!(victim.log().lines().any(|line| line == last), "{self}: not there");
    }

    /// Rows of all slots, once some have passed since, nothing waits that was there by then, and what the reactors of the
    /// dead had not seen is amended. Of tests whose watch ends before that it stays unknown.
    async fn settled(&self, stage: &Deployment, since: Moment, term: Option<i64>) -> Vec<Row> {
        let way = self.case.way;
        let wanted = if self.period() == LONG { 1 } else { 2 };
        let fired = |row: &&Row| row.registered_at > since && row.path == way.goes_on();
        let fires =
            |rows: &[Row]| rows.iter().filter(fired).filter(|row| row.outcome == "passed").count() >= wanted;
        stage.rows_when(&format!("{self}: passes"), 60, fires).await;
        let resumed = now(stage).await;
        let is_settled = |row: &Row| row.judged() && (way.closes() || row.verdict() != BLIND);
        let done = |rows: &[Row]| {
            fires(rows)
                && (self.case.comes_to.is_empty() || self.in_hand(rows, term).is_some())
                && rows.iter().all(|row| is_settled(row) || row.registered_at > resumed)
        };
        stage.rows_when(&format!("{self}: no pending row"), 60, done).await;
        no_gaps(stage).await
    }

    fn assert_invariants(&self, stage: &Deployment, before: &[Row], rows: &[Row]) {
        assert_fired_once(stage, rows);
        assert_not_blamed(rows);
        for row in rows.iter().filter(|row| row.judged()) {
            let verdict = row.verdict();
            assert!(BLAMELESS.contains(&verdict.as_str()), "{self}: {verdict}: {row:#?}");
        }
        let kept = |row: &&Row| row.origin == "schedule";
        for was in before.iter().filter(kept) {
            let is = rows.iter().find(|row| row.test_id == was.test_id);
            let is = is.unwrap_or_else(|| panic!("{self}: I6: lost {was:#?}"));
            let same = is == was || !was.judged() && is.revision == 0;
            assert!(is.revision > was.revision || same, "{self}: I6: {was:#?} became {is:#?}");
        }
    }

    /// The test that the process was about: what was ordered, or what it registered last. Its row may be the judge's to write,
    /// when it looks at the test for the first time.
    fn in_hand<'a>(&self, rows: &'a [Row], term: Option<i64>) -> Option<&'a Row> {
        let ordered = self.case.way == Way::Order;
        let is_its = |row: &&Row| if ordered { row.origin == "fire" } else { Some(row.term) == term };
        rows.iter().filter(is_its).max_by_key(|row| row.registered_at)
    }

    fn assert_in_hand(&self, stage: &Deployment, rows: &[Row], term: Option<i64>) {
        let comes_to = self.case.comes_to;
        if comes_to.is_empty() {
            return;
        }
        let in_hand = self
            .in_hand(rows, term)
            .unwrap_or_else(|| panic!("{self}: no row of the test in hand, {term:?}"));
        let verdict = in_hand.verdict();
        assert!(comes_to.contains(&verdict.as_str()), "{self}: {verdict}: {in_hand:#?}");
        let key = in_hand.test_id.to_string();
        let landed = |call: &TransferCall| call.idempotency_key.as_ref() == Some(&key) && call.moved();
        let landed = stage.sandbox().record().calls.iter().any(landed);
        assert_eq!(in_hand.outcome == "passed", landed, "{self}: {verdict}: {in_hand:#?}");
    }
}

/// In which it led as runner at the end, by its log.
fn term_of(victim: &Instance) -> Option<i64> {
    let log = victim.log();
    let last = log.lines().rev().find_map(|line| line.split_once("leading role=runner term="))?;
    last.1.split(' ').next()?.parse().ok()
}

/// The dead hold no lease for longer than this process waits.
async fn expire_leases(stage: &Deployment) {
    let keys = ["runner", "judge", "export"].map(|role| stage.key(&format!("canary:lease:{role}")));
    let () = redis::cmd("DEL").arg(&keys).query_async(&mut stage.board().await).await.unwrap();
}
