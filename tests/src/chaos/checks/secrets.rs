//! I8: nothing that was logged or answered has a secret in it.

use super::super::{History, Invariant, Violation};

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut lines = Vec::new();
    for told in &history.told {
        let bad = |line: &&str| history.secrets.iter().any(|secret| line.contains(secret.as_str()));
        lines.extend(told.text.lines().filter(bad).map(|line| format!("{}: {line}", told.by)));
    }
    if history.told.iter().all(|told| told.text.is_empty()) || history.secrets.is_empty() {
        lines.push("nothing to look for, or nothing to look in".into());
    }
    let what = "a secret was told";
    if lines.is_empty() { Vec::new() } else { vec![Violation::of(Invariant::I8, what, lines)] }
}

#[cfg(test)]
mod tests {
    use super::super::doctored::found;
    use super::*;

    #[test]
    fn a_secret_in_a_log_is_found_and_so_is_a_run_without_logs() {
        let what = "I8: a secret was told";
        let tells = |history: &mut History| history.told[0].text.push_str("password=hidden\n");
        assert_eq!(found(check, tells), [what]);
        assert_eq!(found(check, |history| history.told.clear()), [what]);
    }
}
