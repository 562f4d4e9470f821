//! The samples of a row (design §13), and the series they belong to.
//!
//! A closed row gives the same samples whoever reads it and whenever: nothing here knows the time, or what was sent before.

use std::collections::HashMap;

use canary_domain::{Moment, Outcome};
use canary_store::{ExportRow, Route};
use canary_telemetry::remote_write::{Point, Series};

/// 1, with the outcome as a label.
pub(crate) const OUTCOME: &str = "canary_test_outcome";
/// 1 for passed, 0 for late and failed.
pub(crate) const PASSED: &str = "canary_test_passed";
/// Milliseconds from firing to completion.
pub(crate) const LATENCY: &str = "canary_test_latency_ms";

/// The series of one deployment, as far as they have occurred.
#[derive(Debug)]
pub(crate) struct Samples {
    canary: String,
    table: Vec<Series>,
    /// Where the series of each route begin in the table: the latency, `passed`, then the outcomes.
    routes: HashMap<Route, usize>,
}

impl Samples {
    pub fn new(canary: &str) -> Self {
        Self { canary: canary.to_owned(), table: Vec::new(), routes: HashMap::new() }
    }

    /// The series that points name by their places.
    pub fn table(&self) -> &[Series] {
        &self.table
    }

    /// Adds the samples of a row.
    pub fn add(&mut self, row: &ExportRow, points: &mut Vec<Point>) {
        let first = self.places(&row.route);
        let at_ms = stamped_at(row).timestamp_millis();
        if let Some(value) = row.latency_ms {
            points.push(Point { series: first, at_ms, value });
        }
        if row.outcome.tells() {
            let value = if row.outcome == Outcome::Passed { 1.0 } else { 0.0 };
            points.push(Point { series: first + 1, at_ms, value });
        }
        let outcome = Outcome::ALL.iter().position(|outcome| *outcome == row.outcome).unwrap_or_default();
        points.push(Point { series: first + 2 + outcome, at_ms, value: 1.0 });
    }

    fn places(&mut self, route: &Route) -> usize {
        if let Some(first) = self.routes.get(route) {
            return *first;
        }
        let first = self.table.len();
        let labels = [
            ("canary", self.canary.as_str()),
            ("path", &route.path),
            ("backend", route.backend.as_str()),
            ("source_frame", &route.source_frame),
            ("dest_frame", &route.dest_frame),
        ];
        self.table.push(Series::new(LATENCY, &labels));
        self.table.push(Series::new(PASSED, &labels));
        for outcome in Outcome::ALL {
            let labels: Vec<_> = labels.into_iter().chain([("outcome", outcome.as_str())]).collect();
            self.table.push(Series::new(OUTCOME, &labels));
        }
        self.routes.insert(route.clone(), first);
        first
    }
}

/// The moment a row's samples bear: its firing; its cycle's begin where there was none, or none was noted.
pub(crate) fn stamped_at(row: &ExportRow) -> Moment {
    match row.outcome {
        Outcome::Skipped | Outcome::Missed => row.cycle_at,
        Outcome::Pending | Outcome::Passed | Outcome::Late | Outcome::Failed | Outcome::Inconclusive => {
            row.fired_at.unwrap_or(row.cycle_at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::{Backend, TestId, parse_iso};

    fn row(outcome: Outcome) -> ExportRow {
        let at = |text: &str| parse_iso(text).unwrap();
        ExportRow {
            test_id: TestId::random(),
            route: Route {
                path: "a-intra".into(),
                backend: Backend::Intra,
                source_frame: "a".into(),
                dest_frame: "b".into(),
            },
            cycle_at: at("2026-11-21T01:22:00Z"),
            registered_at: at("2026-11-21T01:22:02Z"),
            fired_at: Some(at("2026-11-21T01:22:02.345678Z")),
            watched_until: at("2026-11-21T01:32:02.345678Z"),
            judged_at: at("2026-11-21T01:22:07Z"),
            outcome,
            latency_ms: None,
            change: Some(1),
        }
    }

    fn told(row: &ExportRow) -> Vec<String> {
        let mut samples = Samples::new("prod");
        let mut points = Vec::new();
        samples.add(row, &mut points);
        points
            .iter()
            .map(|point| {
                let series = samples.table()[point.series].to_string();
                let series = series.replace(r#"backend="intra",canary="prod",dest_frame="b","#, "");
                format!("{series} {} {}", point.at_ms % 1_000_000, point.value)
            })
            .collect()
    }

    #[test]
    fn a_passed_row_gives_latency_passed_and_outcome_when_it_was_fired() {
        let passed = ExportRow { latency_ms: Some(45.678), ..row(Outcome::Passed) };
        assert_eq!(
            told(&passed),
            [
                r#"canary_test_latency_ms{path="a-intra",source_frame="a"} 122345 45.678"#,
                r#"canary_test_passed{path="a-intra",source_frame="a"} 122345 1"#,
                r#"canary_test_outcome{outcome="passed",path="a-intra",source_frame="a"} 122345 1"#,
            ]
        );
    }

    #[test]
    fn late_and_failed_are_not_passed_and_only_late_has_a_latency() {
        let late = told(&ExportRow { latency_ms: Some(31_000.0), ..row(Outcome::Late) });
        assert_eq!(late.len(), 3);
        assert!(late[1].starts_with("canary_test_passed") && late[1].ends_with(" 0"), "{late:?}");
        let failed = told(&row(Outcome::Failed));
        assert_eq!(failed.len(), 2);
        assert!(failed[0].ends_with(" 0") && failed[1].contains(r#"outcome="failed""#), "{failed:?}");
    }

    #[test]
    fn what_says_nothing_of_the_platform_has_an_outcome_alone() {
        assert_eq!(told(&row(Outcome::Inconclusive)).len(), 1);
        let unfired = ExportRow { fired_at: None, ..row(Outcome::Skipped) };
        assert_eq!(
            told(&unfired),
            [r#"canary_test_outcome{outcome="skipped",path="a-intra",source_frame="a"} 120000 1"#],
            "at its cycle's time"
        );
        let lost = ExportRow { fired_at: None, ..row(Outcome::Inconclusive) };
        assert!(told(&lost)[0].contains(" 120000 "), "its firing was never noted");
    }
}
