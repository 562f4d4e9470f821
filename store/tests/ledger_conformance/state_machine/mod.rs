//! Both ledgers against a plain one, over sequences of steps that nobody thought of (proptest-state-machine).
//!
//! After each step everything that can be asked of a ledger is compared. A sequence that fails is cut down to the few
//! steps that matter, and printed. The sequences are the same in every run; `PROPTEST_CASES=5000` asks for more, and
//! `PROPTEST_RNG_SEED` for others.

mod plain;
mod step;
mod under_test;

use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use self::plain::Plain;
use self::under_test::{InPostgres, InSqlite};

const CASES: u32 = 20;
const STEPS: std::ops::Range<usize> = 1..24;

/// What the environment asks for, else a fixed number of fixed cases.
fn config() -> Config {
    let asked = Config::default();
    let seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_261_127),
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed),
    };
    // 256 is what it is without a word from the environment.
    let cases = if asked.cases == 256 { CASES } else { asked.cases };
    Config { cases, rng_seed: seed, failure_persistence: None, max_shrink_iters: 1_000, ..asked }
}

/// Runs the cases of one ledger.
fn run<T: StateMachineTest<Reference = Plain>>() {
    let strategy = <Plain as ReferenceStateMachine>::sequential_strategy(STEPS);
    let outcome = TestRunner::new(config()).run(&strategy, |(plain, steps, seen)| {
        T::test_sequential(config(), plain, steps, seen);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn postgres_does_what_a_plain_ledger_does() {
    run::<InPostgres>();
}

#[test]
fn sqlite_does_what_a_plain_ledger_does() {
    run::<InSqlite>();
}
