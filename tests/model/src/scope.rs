//! What a check is about: which mechanisms are on, which faults may happen and how often.

use crate::properties;

/// The mechanisms that keep the invariants. Each can be left out, to see what it is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanisms {
    /// The ledger takes one row a slot: whoever comes second is told that the slot is taken, and fires nothing.
    pub unique_slot: bool,
    /// A slot's test id is made of the slot, so whoever fires it sends the same bytes. Without: each runner's is random.
    pub keyed_id: bool,
    /// A holder stops acting before its lease can expire.
    pub fail_closed: bool,
    /// The ledger does not listen to a judge of a lower term than the row's.
    pub judge_term: bool,
    /// The ledger leaves a row alone when the news know less than it does.
    pub facts_grow: bool,
    /// The judge lets the ledger's own facts and verdict speak before it writes.
    pub remembering: bool,
    /// The judge reads the coverage before the facts that it is held against.
    pub coverage_first: bool,
    /// The judge writes the ledger before it tells the board to look later or never.
    pub ledger_first: bool,
    /// What comes back to the board is marked as restored.
    pub restored_mark: bool,
    /// The judge offers the board what the ledger waits for.
    pub refill: bool,
}

impl Mechanisms {
    /// All of them, as in the product.
    pub const ALL: Self = Self {
        unique_slot: true,
        keyed_id: true,
        fail_closed: true,
        judge_term: true,
        facts_grow: true,
        remembering: true,
        coverage_first: true,
        ledger_first: true,
        restored_mark: true,
        refill: true,
    };
}

/// Which faults may happen, and how often in one life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Processes that die; each may come back.
    pub crashes: u8,
    /// Runners' and judges' leases that are not renewed in time.
    pub lapses: [u8; 2],
    /// Times that the board comes back empty.
    pub forgets: u8,
    /// Times that the ledger is away for a while.
    pub outages: u8,
    /// Calls whose answer is lost, whether they were carried out or not.
    pub lost_answers: u8,
    /// Times that the observers start again and have forgotten what they saw.
    pub observer_restarts: u8,
    /// Whether a process may stand still between the check of its lease and what it does by it.
    pub stalls: bool,
    /// Whether the platform forgets idempotency keys: each request moves money.
    pub keys_forgotten: bool,
}

/// What a model is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name.
    pub name: &'static str,
    /// Slots of one path, one after the other: 1 or 2.
    pub slots: usize,
    /// Instances that fire: 1 or 2.
    pub runners: usize,
    /// Instances that judge, each step apart; 0: somebody judges, each sweep in one step.
    pub judges: usize,
    /// The mechanisms that are on.
    pub on: Mechanisms,
    /// The faults that may happen.
    pub faults: Faults,
    /// Whether the platform's events ever come.
    pub events: bool,
}

const NONE: Faults = Faults {
    crashes: 0,
    lapses: [0; 2],
    forgets: 0,
    outages: 0,
    lost_answers: 0,
    observer_restarts: 0,
    stalls: false,
    keys_forgotten: false,
};

/// Two runners, and somebody who judges.
const FIRING: Scope = Scope {
    name: "two runners, one dies",
    slots: 1,
    runners: 2,
    judges: 0,
    on: Mechanisms::ALL,
    faults: Faults { crashes: 1, ..NONE },
    events: true,
};

/// One runner, and two who judge.
const JUDGING: Scope = Scope {
    name: "two judges, one lease lapses, who judges stands still before it writes",
    slots: 1,
    runners: 1,
    judges: 2,
    on: Mechanisms::ALL,
    faults: Faults { lapses: [0, 1], stalls: true, ..NONE },
    events: true,
};

const fn firing(name: &'static str, faults: Faults) -> Scope {
    Scope { name, faults, ..FIRING }
}

const fn judging(name: &'static str, judges: usize, faults: Faults) -> Scope {
    Scope { name, judges, faults, ..JUDGING }
}

/// What is checked whole, with all mechanisms on.
pub const SCOPES: [Scope; 10] = [
    FIRING,
    firing("two runners, a lease lapses", Faults { lapses: [1, 0], ..NONE }),
    firing("two runners, the board forgets, the ledger is away", Faults { forgets: 1, outages: 1, ..NONE }),
    firing(
        "two runners, a call's answer is lost, a lease lapses, a runner stands still before it sends",
        Faults { lapses: [1, 0], lost_answers: 1, stalls: true, ..NONE },
    ),
    firing(
        "two runners, the platform forgets keys, the board forgets",
        Faults { forgets: 1, keys_forgotten: true, ..NONE },
    ),
    firing(
        "two runners, the platform forgets keys, the ledger is away, one dies",
        Faults { crashes: 1, outages: 1, keys_forgotten: true, ..NONE },
    ),
    Scope {
        slots: 2,
        runners: 1,
        events: false,
        ..firing("two slots, the ledger is away", Faults { outages: 1, ..NONE })
    },
    JUDGING,
    judging("a judge dies", 1, Faults { crashes: 1, ..NONE }),
    judging("a judge, the ledger is away", 1, Faults { outages: 1, ..NONE }),
];

/// A mechanism that is left out, or a fault too many: what breaks then.
#[derive(Clone, Copy, Debug)]
pub struct Break {
    /// What is missing.
    pub what: &'static str,
    /// Where.
    pub scope: Scope,
    /// The property that does not hold any more.
    pub property: &'static str,
}

const fn without(what: &'static str, on: Mechanisms, scope: Scope, property: &'static str) -> Break {
    Break { what, scope: Scope { on, ..scope }, property }
}

const ALL: Mechanisms = Mechanisms::ALL;

/// What each mechanism is good for.
pub const BREAKS: [Break; 12] = [
    without(
        "the unique slot",
        Mechanisms { unique_slot: false, ..ALL },
        firing(
            "the board forgets, the platform forgets keys",
            Faults { forgets: 1, keys_forgotten: true, ..NONE },
        ),
        properties::ONE_TRANSFER,
    ),
    without(
        "the keyed id",
        Mechanisms { keyed_id: false, ..ALL },
        firing("the ledger is away, the board forgets", Faults { forgets: 1, outages: 1, ..NONE }),
        properties::ONE_TRANSFER,
    ),
    without(
        "the idempotency key (the platform forgets it)",
        ALL,
        firing(
            "the ledger is away, the board forgets",
            Faults { forgets: 1, outages: 1, keys_forgotten: true, ..NONE },
        ),
        properties::ONE_TRANSFER,
    ),
    without(
        "the fail-closed lease",
        Mechanisms { fail_closed: false, ..ALL },
        firing("a lease is not renewed in time", Faults { lapses: [1, 0], ..NONE }),
        properties::DEPOSED_SENDS_NOTHING,
    ),
    without(
        "the judge's term in the row",
        Mechanisms { judge_term: false, ..ALL },
        JUDGING,
        properties::VERDICT_STANDS,
    ),
    without(
        "facts that only grow, and the judge's look at the row",
        Mechanisms { facts_grow: false, remembering: false, ..ALL },
        judging("the board forgets", 1, Faults { forgets: 1, ..NONE }),
        properties::ROW_GROWS,
    ),
    without(
        "the judge's look at the row",
        Mechanisms { remembering: false, ..ALL },
        judging("the board forgets", 1, Faults { forgets: 1, ..NONE }),
        properties::VERDICT_STANDS,
    ),
    without(
        "coverage read before the facts",
        Mechanisms { coverage_first: false, ..ALL },
        judging("no fault", 1, NONE),
        properties::NO_FALSE_BLAME,
    ),
    without(
        "the ledger written before the board is told",
        Mechanisms { ledger_first: false, ..ALL },
        judging("the ledger is away", 1, Faults { outages: 1, ..NONE }),
        properties::ALL_ACCOUNTED,
    ),
    without(
        "the mark of what was restored",
        Mechanisms { restored_mark: false, ..ALL },
        firing(
            "the board forgets, the observers are started again",
            Faults { forgets: 1, observer_restarts: 1, ..NONE },
        ),
        properties::NO_FALSE_BLAME,
    ),
    without(
        "the refill of an empty board",
        Mechanisms { refill: false, ..ALL },
        firing("the board forgets", Faults { forgets: 1, ..NONE }),
        properties::ALL_ACCOUNTED,
    ),
    without(
        "anything more: a limit",
        ALL,
        firing(
            "the ledger is away, the board forgets, the observers are started again",
            Faults { forgets: 1, outages: 1, observer_restarts: 1, ..NONE },
        ),
        properties::NO_FALSE_BLAME,
    ),
];
