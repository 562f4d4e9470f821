//! Holds a run's history against the invariants of design §3.4: a file each, a pure function each.

mod accounted;
mod blame;
#[cfg(test)]
mod doctored;
mod kept;
mod latency;
mod once;
mod rejudged;
mod secrets;
mod strangers;

use super::{History, Violation};

/// All that must not be.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let checks = [
        once::check,
        accounted::check,
        rejudged::check,
        latency::check,
        blame::check,
        kept::check,
        strangers::check,
        secrets::check,
    ];
    let noticed = history.noticed.iter().cloned();
    noticed.chain(checks.into_iter().flat_map(|check| check(history))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_history_has_no_violation_and_what_was_noticed_is_told() {
        let mut history = doctored::sound();
        assert_eq!(check(&history), []);
        let noticed = Violation::of(super::super::Invariant::Recovery, "it never came back", Vec::new());
        history.noticed.push(noticed.clone());
        assert_eq!(check(&history), [noticed]);
    }
}
