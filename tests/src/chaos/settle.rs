//! The end of a run: everything is sound again, and the canary has to find its feet.

use canary_store::wall;

use super::fleet::Fleet;
use super::history::Moment;
use super::observer::residual;
use super::{Invariant, Told, Violation};
use crate::{Deployment, Row, until, within};

/// A clock that went back is caught up with, leases run out, reactors come back.
const RECOVERS_WITHIN: u64 = 75;
/// From a firing to the verdict, blindness included.
const JUDGED_WITHIN: u64 = 40;

/// Waits until each path passes again and everything before is judged; answers since when that holds.
pub(super) async fn settle(stage: &Deployment, fleet: &Fleet) -> (Moment, Vec<Violation>) {
    let mut noticed = Vec::new();
    let rows = rows(stage).await;
    let newest = rows.iter().map(|row| row.registered_at).max();
    let paths = paths(&rows);
    let passes = |rows: &[Row], path: &str| {
        rows.iter().any(|row| row.path == path && Some(row.registered_at) > newest && row.outcome == "passed")
    };
    let again = async || {
        let rows = stage.rows().await;
        paths.iter().all(|path| passes(&rows, path)).then_some(())
    };
    if within(RECOVERS_WITHIN, again).await.is_none() {
        let rows = stage.rows().await;
        let lame = paths.iter().filter(|path| !passes(&rows, path)).cloned().collect();
        let what = format!("paths that do not pass {RECOVERS_WITHIN} s after the last fault");
        noticed.push(Violation::of(Invariant::Recovery, what, lame));
    }
    let settled = wall();
    let open = |rows: &[Row]| -> Vec<String> {
        rows.iter().filter(|row| !row.judged() && row.registered_at < settled).map(Row::told).collect()
    };
    if within(JUDGED_WITHIN, async || open(&stage.rows().await).is_empty().then_some(())).await.is_none() {
        let what = format!("rows that are not judged {JUDGED_WITHIN} s after everything was well");
        noticed.push(Violation::of(Invariant::Recovery, what, open(&stage.rows().await)));
    }
    if within(JUDGED_WITHIN, async || uneven(fleet).await.is_empty().then_some(())).await.is_none() {
        let what = format!("the slots do not add up {JUDGED_WITHIN} s after everything was well");
        noticed.push(Violation::of(Invariant::I2, what, uneven(fleet).await));
    }
    (settled, noticed)
}

/// The instances that do not say that all slots are accounted for.
async fn uneven(fleet: &Fleet) -> Vec<String> {
    let mut uneven = Vec::new();
    for (number, instance) in fleet.instances().enumerate() {
        let told = residual(instance.request("/api/v1/canaries/accounting")).await;
        if told != Some(0) {
            uneven.push(format!("instance {number}: residual {told:?}"));
        }
    }
    uneven
}

/// All rows, once there are some: the table is there from the start.
async fn rows(stage: &Deployment) -> Vec<Row> {
    until("rows", 20, async || !stage.rows().await.is_empty()).await;
    stage.rows().await
}

fn paths(rows: &[Row]) -> Vec<String> {
    let mut paths: Vec<String> = rows.iter().map(|row| row.path.clone()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// What the consoles say to everybody.
pub(super) async fn answers(fleet: &Fleet) -> Vec<Told> {
    let mut answers = Vec::new();
    for (number, instance) in fleet.instances().enumerate() {
        for path in ["/metrics", "/readyz", "/status.json", "/api/v1/canaries/results?limit=500"] {
            let Some(answer) = instance.get(path).await else { continue };
            let text = answer.text().await.unwrap_or_default();
            answers.push(Told { by: format!("{path} of instance {number}"), text });
        }
    }
    answers
}
