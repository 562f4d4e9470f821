//! The points, how a process gets there, and what the slot in hand comes to.

use crate::way::Way;

/// One point.
#[derive(Debug)]
pub struct Case {
    pub point: &'static str,
    pub way: Way,
    /// How often it is passed before the process dies there: a healthy cycle or more.
    pub spare: u32,
    /// Whether it also dies beside an instance that is to take over.
    pub beside: bool,
    /// Verdicts of the test that was in hand; none: no test was, or any verdict is right that blames nobody.
    pub comes_to: &'static [&'static str],
    /// The same in words.
    pub after: &'static str,
}

impl Case {
    /// `runner`, `validators`, `judge` or `export`.
    pub fn part(&self) -> &'static str {
        self.point.split('.').next().unwrap()
    }

    /// Alone, and then beside another instance where that is another matter.
    pub fn variants(&self) -> impl Iterator<Item = bool> + use<> {
        [false, true].into_iter().take(1 + usize::from(self.beside))
    }
}

const RUNNER_LOST: &[&str] = &["inconclusive/runner_lost"];
const UNSENT: &[&str] = &["inconclusive/runner_lost", "inconclusive/state_lost"];
const LANDED_OR_NOT: &[&str] = &["passed", "inconclusive/runner_lost"];
const PASSED: &[&str] = &["passed"];
const ANY: &[&str] = &[];

const fn case(
    point: &'static str,
    (way, spare): (Way, u32),
    beside: bool,
    comes_to: &'static [&'static str],
    after: &'static str,
) -> Case {
    Case { point, way, spare, beside, comes_to, after }
}

pub const CASES: &[Case] = &[
    case(
        "runner.slot.decided",
        (Way::Work, 2),
        true,
        ANY,
        "fired by whoever leads then if it can still start, else `missed`",
    ),
    case(
        "runner.slot.claimed",
        (Way::Work, 2),
        true,
        UNSENT,
        "never sent, the row keeps the slot: `inconclusive`, as the ledger alone knew it",
    ),
    case(
        "runner.slot.registered",
        (Way::Work, 2),
        true,
        RUNNER_LOST,
        "never sent: the claim stands; `inconclusive/runner_lost`",
    ),
    case(
        "runner.fire.allowed",
        (Way::Work, 2),
        true,
        RUNNER_LOST,
        "never sent, and not again; `inconclusive/runner_lost`",
    ),
    case(
        "runner.fire.noted",
        (Way::SlowCalls, 2),
        false,
        LANDED_OR_NOT,
        "judged by what was seen: `passed` if it landed, else `inconclusive/runner_lost`",
    ),
    case(
        "runner.fire.answered",
        (Way::Work, 2),
        true,
        PASSED,
        "it landed: judged by what was seen, `passed`",
    ),
    case("runner.answer.noted", (Way::Work, 2), false, PASSED, "judged as ever, `passed`"),
    case("runner.unfired.decided", (Way::Pause, 0), false, ANY, "written as a gap, with the hold's reason"),
    case("runner.unfired.written", (Way::Pause, 0), false, ANY, "the row stands"),
    case(
        "runner.gaps.found",
        (Way::LateSuccession, 0),
        false,
        ANY,
        "found and written by the next leader, `missed/no_leader`",
    ),
    case(
        "runner.gaps.written",
        (Way::LateSuccession, 0),
        false,
        ANY,
        "the rows stand, and are not written twice",
    ),
    case("runner.order.taken", (Way::Order, 0), false, ANY, "nothing happened: who ordered hears no id"),
    case(
        "runner.order.registered",
        (Way::Order, 0),
        false,
        RUNNER_LOST,
        "never sent; the judge writes its row, `inconclusive/runner_lost`",
    ),
    case(
        "runner.order.claimed",
        (Way::Order, 0),
        false,
        RUNNER_LOST,
        "never sent; `inconclusive/runner_lost`",
    ),
    case(
        "runner.order.answered",
        (Way::Order, 0),
        false,
        RUNNER_LOST,
        "never sent; `inconclusive/runner_lost`",
    ),
    case(
        "validators.frame.seen",
        (Way::Work, 5),
        true,
        PASSED,
        "replayed from the stored position, `passed`",
    ),
    case(
        "validators.stamps.due",
        (Way::Work, 4),
        true,
        PASSED,
        "replayed from the stored position, `passed`",
    ),
    case(
        "validators.stamps.written",
        (Way::Work, 4),
        false,
        PASSED,
        "replayed and stamped again: the earliest sighting stays",
    ),
    case("validators.states.saved", (Way::Work, 50), false, ANY, "goes on behind the stored position"),
    case(
        "judge.due.read",
        (Way::Work, 4),
        false,
        ANY,
        "still due: judged by the next sweep, as it would have been",
    ),
    case("judge.verdicts.made", (Way::Work, 4), true, ANY, "still due: judged again, and comes out the same"),
    case(
        "judge.verdicts.written",
        (Way::Work, 4),
        true,
        ANY,
        "still due: judged again, changes nothing, `revision` stays",
    ),
    case("judge.looks.set", (Way::Work, 4), false, ANY, "what is over is due again, and is closed then"),
    case("judge.tests.closed", (Way::Close, 0), false, ANY, "nothing left to do for it"),
    case(
        "judge.lost.found",
        (Way::Lost, 0),
        false,
        ANY,
        "found again by the next sweep, and comes back from the ledger",
    ),
    case("judge.refill.read", (Way::Succession, 0), false, ANY, "a new leader refills first"),
    case(
        "judge.refill.offered",
        (Way::Succession, 0),
        false,
        ANY,
        "offered again: the board takes what it has not",
    ),
    case("judge.hours.due", (Way::Succession, 0), false, ANY, "a new leader rolls up the past day"),
    case(
        "judge.hours.written",
        (Way::Succession, 0),
        false,
        ANY,
        "rolled up again from the rows, and comes out the same",
    ),
    case("judge.prune.due", (Way::Prune, 0), false, ANY, "pruned by the next leader"),
    case("judge.rows.pruned", (Way::Prune, 0), false, ANY, "old hours are pruned by the next leader"),
    case("export.page.read", (Way::Export, 0), true, ANY, "read again from the mark, and pushed"),
    case("export.page.pushed", (Way::Export, 1), true, ANY, "pushed once more: the same samples"),
    case("export.mark.due", (Way::Export, 0), false, ANY, "pushed once more, then the mark moves"),
    case("export.mark.moved", (Way::Export, 0), false, ANY, "goes on behind the mark"),
];
