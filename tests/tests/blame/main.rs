//! Whom each single fault is blamed on: every fault of the platform's that the sandbox can make, and every fault of the
//! canary's own parts, against the verdicts given under it, as a confusion matrix.
//!
//! The faults are data (`events`, `calls`, `own`); each says whose it is and which stage it breaks, on which path. A dozen
//! deployments meet them one after another, side by side. What was found is compared with that truth, and, word by word, with
//! the committed `docs/blame.md`; `CANARY_BLAME=write` writes that page anew. With part of a fault's name in `CANARY_BLAME` such
//! faults alone are made, and nothing is compared with the page.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod calls;
mod case;
mod events;
mod kinds;
mod lane;
mod own;
mod page;
mod stand;
mod table;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use canary_tests::run;

use crate::lane::{Found, Lane, Ran};
use crate::page::{Page, right};

/// Deployments at once: they mostly wait.
const SIDE_BY_SIDE: usize = 12;

#[test]
fn no_fault_of_the_canarys_is_called_the_platforms_and_each_of_the_platforms_is_named_with_its_stage() {
    let wanted = page::wanted();
    let ran = side_by_side(table::lanes(&wanted));
    let stuck: Vec<&str> = ran.iter().filter_map(|ran| ran.stuck.as_deref()).collect();
    let found: Vec<&Found> = ran.iter().flat_map(|ran| &ran.found).collect();
    let page = Page::of(&found);
    page.show();
    let wrong: Vec<String> =
        found.iter().filter(|found| !right(found)).map(|found| page::wrong(found)).collect();
    assert!(wrong.is_empty() && stuck.is_empty(), "misjudged:\n{}\n{}", wrong.join("\n"), stuck.join("\n"));
    page.compare(&wanted);
}

/// Runs all lanes, so many at once, the longest first; what they found comes in the table's order. One that panics (no server
/// could be started, say) hides nothing of the others.
fn side_by_side(lanes: Vec<Lane>) -> Vec<Ran> {
    let mut waiting: Vec<(usize, Lane)> = lanes.into_iter().enumerate().collect();
    waiting.sort_by_key(|(_, lane)| lane.weight());
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
                while let Some((place, lane)) = next() {
                    let title = lane.title;
                    let ran = catch_unwind(AssertUnwindSafe(|| run(lane.run())));
                    let ran = ran.unwrap_or_else(|_| Ran::broken(title));
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((place, ran));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, ran)| ran).collect()
}
