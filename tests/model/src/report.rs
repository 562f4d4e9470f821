//! Checks, and what they come to in words: the tables of `docs/model.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use stateright::{Checker, HasDiscoveries, Model as _};

use crate::action::Action;
use crate::model::Canary;
use crate::properties::Name;
use crate::scope::{BREAKS, Break, SCOPES, Scope};

/// What a scope's whole space came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Distinct states.
    pub states: usize,
    /// Steps of the longest of the shortest ways to a state.
    pub depth: usize,
    /// Invariants that don't hold, and what was not reached.
    pub wrong: Vec<Name>,
}

/// Checks the whole space of a scope.
#[must_use]
pub fn check(scope: Scope) -> Whole {
    let checker = Canary::new(scope).checker().spawn_bfs().join();
    let found = checker.discoveries();
    let wrong = checker.model().properties().into_iter();
    let wrong = wrong
        .filter(|property| property.expectation.discovery_is_failure() == found.contains_key(property.name))
        .map(|property| property.name)
        .collect();
    Whole { states: checker.unique_state_count(), depth: checker.max_depth() - 1, wrong }
}

/// The shortest way to what must not be; `None` if there is none.
#[must_use]
pub fn shortest(case: &Break) -> Option<Vec<Action>> {
    let (mut way, mut limit) = (None, None);
    // The checker finds one that is nearly the shortest; what is shorter is looked for below it.
    loop {
        let model = Canary { only: Some(case.property), ..Canary::new(case.scope) };
        let checker = model.checker().finish_when(HasDiscoveries::AllOf(BTreeSet::from([case.property])));
        let checker = match limit {
            Some(limit) => checker.target_max_depth(limit),
            None => checker,
        };
        let checker = checker.spawn_bfs().join();
        let Some(path) = checker.discovery(case.property) else { return way };
        let actions = path.into_actions();
        limit = Some(actions.len() + 1);
        way = Some(actions);
    }
}

/// The tables, as they stand in `docs/model.md`.
#[must_use]
pub fn tables() -> String {
    let mut text = String::from("| scope, all mechanisms on | states | longest way |\n|---|---|---|\n");
    for scope in SCOPES {
        let Whole { states, depth, wrong } = check(scope);
        let wrong = if wrong.is_empty() { String::new() } else { format!(" **{}**", wrong.join(", ")) };
        writeln!(text, "| {}{wrong} | {states} | {depth} |", scope.name).expect("a text takes all");
    }
    text += "\n| without | when | breaks | steps |\n|---|---|---|---|\n";
    let ways: Vec<Vec<Action>> = BREAKS.iter().map(|case| shortest(case).unwrap_or_default()).collect();
    for (case, way) in BREAKS.iter().zip(&ways) {
        let (name, steps) = (case.scope.name, way.len());
        writeln!(text, "| {} | {name} | {} | {steps} |", case.what, case.property).expect("a text takes all");
    }
    for (case, way) in BREAKS.iter().zip(&ways) {
        writeln!(text, "\n**Without {}** ({}):\n", case.what, case.scope.name).expect("a text takes all");
        for (number, action) in way.iter().enumerate() {
            writeln!(text, "{}. {action}", number + 1).expect("a text takes all");
        }
    }
    text
}
