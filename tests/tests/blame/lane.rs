//! A deployment that meets one fault after another: warm again, struck, watched until there are verdicts, healed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use canary_tests::{Route, Row, within};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;
use uuid::Uuid;

use crate::case::{Case, Class, Hold, Whose};
use crate::stand::{Setup, Stand, now};
use crate::verdict::{Word, said};

/// Between two looks at the rows: a dozen deployments share two processors.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// What was fired so shortly before a fault was under way when it struck.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(2);
/// Longer than a lease, the backoff of the reactors, and their sum.
const PATIENCE: u64 = 60;

/// Faults that one deployment meets, one after another.
pub struct Lane {
    /// What they have in common.
    pub title: &'static str,
    pub setup: Setup,
    pub cases: Vec<Case>,
}

/// What came of a lane.
pub struct Ran {
    pub found: Vec<Found>,
    /// Why it went no further.
    pub stuck: Option<String>,
}

impl Ran {
    /// Of a lane that panicked; why, was printed.
    pub fn broken(title: &str) -> Self {
        Self { found: Vec::new(), stuck: Some(format!("a deployment of `{title}` panicked, see above")) }
    }
}

/// What was said under one fault.
pub struct Found {
    pub title: &'static str,
    pub case: Case,
    /// By path.
    pub verdicts: BTreeMap<&'static str, Said>,
}

/// What was said of one path.
pub struct Said {
    /// The truth about it.
    pub truth: Class,
    /// What the verdict blamed in the end.
    pub blamed: Class,
    /// The verdict.
    pub text: String,
    /// What any verdict blamed at any time that it may not blame.
    pub wrongly: BTreeSet<Class>,
}

/// A test, and the path that it was of.
type Tests = Vec<(&'static str, Row)>;

impl Lane {
    /// About how long it takes, in the time of one fault of the platform's.
    pub fn weight(&self) -> usize {
        let own = self.cases.iter().filter(|case| case.whose == Whose::Canary).count();
        self.cases.len() + own
    }

    /// Meets all of its faults, one after another, as long as the canary gets over them.
    pub async fn run(self) -> Ran {
        let mut stand = Stand::ready(self.setup).await;
        let mut healed = now();
        let mut ran = Ran { found: Vec::new(), stuck: None };
        let mut spans = Vec::new();
        for case in self.cases {
            let from = healed;
            match meet(&mut stand, &case, &mut healed).await {
                Ok((struck, verdicts)) => {
                    spans.push((struck, healed));
                    ran.found.push(Found { title: self.title, case, verdicts });
                }
                Err(why) => {
                    let told: Vec<String> = rows(&stand, from).await.iter().map(Row::told).collect();
                    ran.stuck = Some(format!("around `{}` {why}; there are\n{}", case.name, told.join("\n")));
                    break;
                }
            }
        }
        for (found, (struck, healed)) in ran.found.iter_mut().zip(spans) {
            found.add_wrongs(&stand, struck, healed).await;
        }
        ran
    }
}

/// One fault: warm, struck, judged, healed. Answers since when it was struck, and what was said.
async fn meet(
    stand: &mut Stand,
    case: &Case,
    healed: &mut DateTime<Utc>,
) -> Result<(DateTime<Utc>, BTreeMap<&'static str, Said>), &'static str> {
    passes_again(stand, *healed).await?;
    let from = (*healed).max(now() - UNDER_WAY);
    let before = rows(stand, from).await;
    let fired: Vec<Uuid> =
        before.iter().filter(|row| row.fired_at.is_some()).map(|row| row.test_id).collect();
    let struck = stand.strike(case).await;
    let tests = match case.hold {
        Hold::Judged => {
            let tests = first_of_each(stand, case, struck).await;
            *healed = stand.heal(case).await;
            tests
        }
        Hold::Seconds(seconds) => {
            sleep(Duration::from_secs(seconds)).await;
            *healed = stand.heal(case).await;
            let again = passes_again(stand, *healed).await?;
            all_judged(stand, from, again, &fired).await?
        }
    };
    Ok((struck, verdicts(stand, case, &tests).await))
}

impl Found {
    /// Adds what was ever held against the platform of any test that was registered under a fault which is not its own (I5).
    async fn add_wrongs(&mut self, stand: &Stand, struck: DateTime<Utc>, healed: DateTime<Utc>) {
        if self.case.whose != Whose::Canary {
            return;
        }
        let tests = rows(stand, struck).await;
        let tests = tests.iter().filter(|row| row.registered_at < healed + stand.stepped());
        let paths: BTreeMap<Uuid, &str> = tests.map(|row| (row.test_id, row.path.as_str())).collect();
        let words = said(stand.stage.sql(), &paths.keys().copied().collect()).await;
        for (test_id, words) in words {
            let failed = words.iter().filter(|word| word.failed()).map(|word| word.class(&[]));
            if let Some(said) = self.verdicts.get_mut(paths[&test_id]) {
                said.wrongly.extend(failed);
            }
        }
    }
}

/// Waits until each path has passed a test that was registered since. Answers when the last path's first one was, on the
/// rows' clock.
async fn passes_again(stand: &Stand, since: DateTime<Utc>) -> Result<DateTime<Utc>, &'static str> {
    let passed = within(PATIENCE, async || {
        sleep(LOOK_EVERY).await;
        let rows = rows(stand, since).await;
        let first = |route: &Route| {
            let passed = rows.iter().find(|row| row.path == route.name && row.outcome == "passed");
            passed.map(|row| row.registered_at)
        };
        let firsts: Option<Vec<_>> = Route::MATRIX.iter().map(first).collect();
        firsts?.into_iter().max()
    });
    passed.await.ok_or("not every path passes")
}

async fn rows(stand: &Stand, since: DateTime<Utc>) -> Vec<Row> {
    let sql = "SELECT * FROM canary_test_results WHERE registered_at > $1 ORDER BY registered_at, path";
    // A ledger that is away has none.
    sqlx::query_as(sql).bind(since + stand.stepped()).fetch_all(stand.stage.sql()).await.unwrap_or_default()
}

/// Each path's first test that was registered since and started in time (a loaded machine may be late), once its verdict
/// blames what it should, or after a while whatever it says.
async fn first_of_each(stand: &Stand, case: &Case, since: DateTime<Utc>) -> Tests {
    let mut last = Tests::new();
    let right = within(PATIENCE / 2, async || {
        sleep(LOOK_EVERY).await;
        let rows = rows(stand, since).await;
        let in_time = |row: &&Row| row.failure_signal.as_deref() != Some("overrun");
        let first = |route: &Route| {
            let row = rows.iter().filter(in_time).find(|row| row.path == route.name);
            row.map(|row| (route.name, row.clone()))
        };
        last = Route::MATRIX.iter().filter_map(first).collect();
        let late = |row: &Row| row.outcome == "late";
        let done = |(path, row): &(&str, Row)| match case.truth_of(path, &row.backend) {
            Class::Platform(stage) if stage.ends_with(", late") => late(row),
            truth @ (Class::Platform(_) | Class::None | Class::Canary | Class::NoneOrCanary) => {
                row.judged() && Word::of(row).class(&[]) == truth
            }
        };
        (last.len() == Route::MATRIX.len() && last.iter().all(done)).then_some(())
    });
    right.await;
    last
}

/// Every test that was registered since and, on the rows' clock, until then, and those that were fired before the fault, once
/// all have verdicts: a store may have lost these for a while, but not for good.
async fn all_judged(
    stand: &Stand,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    fired: &[Uuid],
) -> Result<Tests, &'static str> {
    let judged = within(PATIENCE, async || {
        sleep(LOOK_EVERY).await;
        let mut rows: Vec<Row> = rows(stand, from).await;
        rows.retain(|row| row.registered_at <= until && !fired.contains(&row.test_id));
        let before = rows_of(stand, fired).await;
        let kept = before.len() == fired.len();
        let of = before.into_iter().chain(rows);
        let tests: Tests = of.filter_map(|row| Some((name(&row.path)?, row))).collect();
        let whole = Route::MATRIX.iter().all(|route| tests.iter().any(|(path, _)| *path == route.name));
        (kept && whole && tests.iter().all(|(_, row)| row.judged())).then_some(tests)
    });
    judged.await.ok_or("not every test is there and judged")
}

async fn rows_of(stand: &Stand, tests: &[Uuid]) -> Vec<Row> {
    let sql = "SELECT * FROM canary_test_results WHERE test_id = ANY($1)";
    sqlx::query_as(sql).bind(tests).fetch_all(stand.stage.sql()).await.unwrap_or_default()
}

fn name(path: &str) -> Option<&'static str> {
    Route::MATRIX.iter().map(|route| route.name).find(|name| *name == path)
}

async fn verdicts(stand: &Stand, case: &Case, tests: &Tests) -> BTreeMap<&'static str, Said> {
    let ids: BTreeSet<Uuid> = tests.iter().map(|(_, row)| row.test_id).collect();
    let words = said(stand.stage.sql(), &ids).await;
    let mut verdicts = BTreeMap::<&'static str, Said>::new();
    for (path, row) in tests {
        let truth = case.truth_of(path, &row.backend);
        let words = words.get(&row.test_id).map_or(&[][..], Vec::as_slice);
        let last = Word::of(row);
        let blamed = last.class(words);
        let blames = words.iter().map(|word| word.class(&[])).chain([blamed.clone()]);
        let wrongly = blames.filter(|blame| !may_blame(case.whose, &truth, blame));
        let said = verdicts.entry(path).or_insert_with(|| Said {
            truth: truth.clone(),
            blamed: Class::None,
            text: String::new(),
            wrongly: BTreeSet::new(),
        });
        said.wrongly.extend(wrongly);
        // Of several tests of a path, the one that is worst for whoever reads it.
        if said.text.is_empty() || blamed > said.blamed {
            (said.blamed, said.text) = (blamed, last.text());
        }
    }
    verdicts
}

/// What a verdict on a path may blame at any time: what it has to in the end, nothing yet, or, on the way to `late`, the
/// silence that it amends.
fn may_blame(whose: Whose, truth: &Class, blame: &Class) -> bool {
    match (truth, blame) {
        (Class::Platform(stage), Class::Platform(blamed)) => {
            stage == blamed || *stage == format!("{blamed}, late") || blamed == "late"
        }
        (Class::Platform(_), Class::None)
        | (Class::None | Class::Canary | Class::NoneOrCanary, Class::None) => true,
        (Class::Canary | Class::NoneOrCanary, Class::Canary) => true,
        // Blind for a moment, it may have waited for what it then saw.
        (Class::None, Class::Canary) => whose == Whose::Canary,
        (Class::Platform(_), Class::Canary | Class::NoneOrCanary)
        | (Class::None, Class::Platform(_) | Class::NoneOrCanary)
        | (Class::Canary | Class::NoneOrCanary, Class::Platform(_) | Class::NoneOrCanary) => false,
    }
}
