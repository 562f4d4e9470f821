//! The model holds with all mechanisms, breaks without each, and `docs/model.md` says what came out.

use canary_model::report::{Whole, check, shortest};
use canary_model::scope::{BREAKS, SCOPES};

const PAGE: &str = include_str!("../../../../docs/model.md");

/// Two at a time: a check has one thread, so that its shortest ways are the same in every run.
#[test]
fn the_invariants_hold_over_the_whole_space_and_what_should_happen_can() {
    for scope in SCOPES {
        let Whole { states, depth, wrong } = check(scope);
        assert_eq!(wrong, Vec::<&str>::new(), "{}", scope.name);
        let line = format!("| {} | {states} | {depth} |\n", scope.name);
        assert!(
            PAGE.contains(&line),
            "docs/model.md lacks this line; `cargo run -p canary-model` writes it:\n{line}"
        );
    }
}

#[test]
fn each_mechanism_that_is_left_out_breaks_what_it_keeps() {
    for case in &BREAKS {
        let way =
            shortest(case).unwrap_or_else(|| panic!("{} ({}) breaks nothing", case.what, case.scope.name));
        let steps = way.iter().enumerate().map(|(number, action)| format!("{}. {action}\n", number + 1));
        let text =
            format!("**Without {}** ({}):\n\n{}", case.what, case.scope.name, steps.collect::<String>());
        assert!(
            PAGE.contains(&text),
            "docs/model.md lacks this; `cargo run -p canary-model` writes it:\n{text}"
        );
    }
}
