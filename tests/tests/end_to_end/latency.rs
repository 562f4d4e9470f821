//! I4: the observer is never in the latency.

use std::time::Duration;

use canary_tests::{Deployment, Plan, Route, Row, run};

/// Slots of each path that are compared.
const SLOTS: usize = 12;
/// Between the medians of two deployments that are alike but for the sweep.
const APART_MS: f64 = 5.0;

#[test]
fn the_latency_is_the_same_for_a_sweep_of_1_s_and_one_of_10_s() {
    run(async {
        let plan = |seconds| Plan { sweep_every: Duration::from_secs(seconds), ..Plan::default() };
        let often = Deployment::start(plan(1)).await;
        let seldom = often.beside(plan(10)).await;
        let _canaries = tokio::join!(often.launch_ready(), seldom.launch_ready());
        let (often, seldom) = tokio::join!(rows(&often), rows(&seldom));
        for route in Route::MATRIX {
            let medians =
                [&often, &seldom].map(|rows| median(rows, route.name, |row| row.total_latency_ms.unwrap()));
            let apart = (medians[0] - medians[1]).abs();
            assert!(apart <= APART_MS, "{}: medians {medians:?} ms are {apart} ms apart", route.name);
        }
        // Else nothing was compared.
        let [soon, late] = [&often, &seldom].map(|rows| median(rows, "a-intra", waited));
        assert!(soon < 2_000.0 && late > 2_500.0, "verdicts took {soon} and {late} ms");
    });
}

/// All rows, once there are enough passed ones of each path.
async fn rows(stage: &Deployment) -> Vec<Row> {
    let enough = |rows: &[Row]| Route::MATRIX.iter().all(|route| passed(rows, route.name).count() >= SLOTS);
    stage.rows_when("enough passed rows of every path", 90, enough).await
}

fn passed<'a>(rows: &'a [Row], path: &str) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(move |row| row.path == path && row.outcome == "passed")
}

fn median(rows: &[Row], path: &str, of: impl Fn(&Row) -> f64) -> f64 {
    let mut values: Vec<f64> = passed(rows, path).map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// From completion to the verdict.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a test's length are exact")]
fn waited(row: &Row) -> f64 {
    (row.judged_at.unwrap() - row.completed_at.unwrap()).num_milliseconds() as f64
}
