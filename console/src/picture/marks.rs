//! The marks of the trend: what the processes noted, and the maintenance that there really was.
//!
//! A window may be ended early or taken back after it was placed, so its marks are made from the windows as they are now.

use std::collections::BTreeMap;

use canary_domain::Moment;
use canary_store::{Annotation, Ledger, PlacedHold, Result};

/// The newest marks that are shown.
const MOST: usize = 500;
const MAINTENANCE: &str = "maintenance";

/// Reads all marks from `since` until `now`, oldest first.
pub(super) async fn read(ledger: &dyn Ledger, since: Moment, now: Moment) -> Result<Vec<Annotation>> {
    let noted = ledger.annotations(since, i64::try_from(MOST).unwrap_or(i64::MAX)).await?;
    let windows = ledger.windows(since).await?;
    Ok(marks(noted, &windows, since, now))
}

fn marks(noted: Vec<Annotation>, windows: &[PlacedHold], since: Moment, now: Moment) -> Vec<Annotation> {
    let mut marks: Vec<Annotation> = noted.into_iter().filter(|mark| mark.kind != MAINTENANCE).collect();
    for (Window { from, until, reason }, paths) in windows_of(windows) {
        let whose = if paths.contains(&None) {
            "all paths".to_owned()
        } else {
            paths.into_iter().flatten().collect::<Vec<_>>().join(", ")
        };
        let begin = (from, format!("maintenance of {whose}: {reason}"));
        let end = until.map(|until| (until, format!("end of the maintenance of {whose}: {reason}")));
        let both = [Some(begin), end].into_iter().flatten();
        let kind = || MAINTENANCE.to_owned();
        marks.extend(both.map(|(at, text)| Annotation { at, kind: kind(), text, node: None }));
    }
    marks.retain(|mark| since <= mark.at && mark.at <= now);
    marks.sort_by_key(|mark| mark.at);
    marks.split_off(marks.len().saturating_sub(MOST))
}

/// Windows of several paths that were placed as one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Window<'a> {
    from: Moment,
    until: Option<Moment>,
    reason: &'a str,
}

fn windows_of(windows: &[PlacedHold]) -> BTreeMap<Window<'_>, Vec<Option<&str>>> {
    let mut together: BTreeMap<Window<'_>, Vec<Option<&str>>> = BTreeMap::new();
    for PlacedHold { hold, reason, .. } in windows {
        let window = Window { from: hold.from, until: hold.until, reason };
        together.entry(window).or_default().push(hold.path.as_deref());
    }
    together
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::{Hold, HoldKind};
    use chrono::TimeDelta;

    fn at(minute: i64) -> Moment {
        Moment::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn window(path: Option<&str>, from: i64, until: i64) -> PlacedHold {
        let (from, until) = (at(from), Some(at(until)));
        let hold = Hold { kind: HoldKind::Maintenance, path: path.map(str::to_owned), from, until };
        PlacedHold { hold, actor: "ann".into(), reason: "a switch".into() }
    }

    #[test]
    fn maintenance_is_marked_as_it_was_and_not_as_it_was_planned() {
        let noted = |kind: &str, minute| Annotation {
            at: at(minute),
            kind: kind.into(),
            text: "noted".into(),
            node: None,
        };
        let noted = vec![noted("process_start", 5), noted(MAINTENANCE, 6), noted(MAINTENANCE, 90)];
        let windows =
            [window(None, 0, 4), window(Some("p"), 7, 20), window(Some("q"), 7, 20), window(None, 12, 30)];
        let told = marks(noted, &windows, at(1), at(10));
        let told: Vec<_> =
            told.iter().map(|mark| ((mark.at - at(0)).num_minutes(), mark.text.as_str())).collect();
        assert_eq!(
            told,
            [
                (4, "end of the maintenance of all paths: a switch"),
                (5, "noted"),
                (7, "maintenance of p, q: a switch")
            ]
        );
    }
}
