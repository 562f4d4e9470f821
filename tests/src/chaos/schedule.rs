//! What is going to befall a run, from its seed alone.
//!
//! Each lane deals from a shuffled deck of its faults until the time is up, and never has two at once; the lanes run side
//! by side. The decks of a seed and its successor begin with different halves, so that two neighbours together soon
//! have dealt everything.

use std::fmt::{Display, Formatter, Result};
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::{Blow, FAULTS, Link, Target};
use crate::Network;

/// The time after a start that nothing happens in.
const CALM_MS: u64 = 3_000;
/// A clock that went forward is caught up with before the end.
const CLOCK_BACK_MS: u64 = 10_000;
/// Longer than a lease and what it takes another to ask for it.
const BEYOND_THE_LEASE_MS: u64 = 16_500;

/// Those who are struck together have their own lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named after what its faults befall")]
pub enum Lane {
    Instances,
    Stores,
    Links,
    Clock,
    Platform,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Instances, Self::Stores, Self::Links, Self::Clock, Self::Platform];
}

/// A fault's turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The lane it is in.
    pub lane: Lane,
    /// When it begins, from the run's start.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// What it is.
    pub blow: Blow,
}

/// A run's faults.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Where it comes from.
    pub seed: u64,
    /// How many instances run.
    pub instances: usize,
    /// Whether Redis keeps a log of its writes.
    pub redis_log: bool,
    /// Whether stores, their links and the clock are left alone, so that nothing excuses a slot without a row (I2).
    pub stores_spared: bool,
    /// How long faults may go on.
    pub span: Duration,
    /// All steps, by lane and time.
    pub steps: Vec<Step>,
}

impl Schedule {
    /// The schedule of a seed: the same for the same seed and span.
    #[must_use]
    pub fn of(seed: u64, span: Duration) -> Self {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        let instances = chance.random_range(2..=3);
        let (redis_log, stores_spared) = (seed.is_multiple_of(2), seed % 3 == 1);
        let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let mut dealer = Dealer { seed, instances, stores_spared, chance, span_ms };
        let spared = |lane: &Lane| stores_spared && matches!(lane, Lane::Stores | Lane::Clock);
        let lanes = Lane::ALL.into_iter().filter(|lane| !spared(lane));
        let steps = lanes.flat_map(|lane| dealer.deal(lane)).collect();
        Self { seed, instances, redis_log, stores_spared, span, steps }
    }

    /// The steps of a lane.
    pub fn lane(&self, lane: Lane) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.lane == lane)
    }
}

struct Dealer {
    seed: u64,
    instances: usize,
    stores_spared: bool,
    chance: Xoshiro256PlusPlus,
    span_ms: u64,
}

impl Dealer {
    fn deal(&mut self, lane: Lane) -> Vec<Step> {
        let (mut steps, mut deck) = (Vec::new(), Vec::new());
        let mut at = CALM_MS + self.pause(lane) / 2;
        let end = match lane {
            Lane::Clock => self.span_ms.saturating_sub(CLOCK_BACK_MS),
            Lane::Instances | Lane::Stores | Lane::Links | Lane::Platform => self.span_ms,
        };
        loop {
            let (blow, lasts) = deck.pop().unwrap_or_else(|| {
                deck = self.deck(lane);
                deck.pop().expect("no deck is empty")
            });
            if at + lasts > end {
                return steps;
            }
            let millis = Duration::from_millis;
            steps.push(Step { lane, at: millis(at), lasts: millis(lasts), blow });
            at += lasts + self.pause(lane);
        }
    }

    fn pause(&mut self, lane: Lane) -> u64 {
        let range = match lane {
            Lane::Instances => 2_000..6_000,
            Lane::Stores => 7_000..14_000,
            Lane::Links => 1_500..4_000,
            Lane::Clock => 12_000..25_000,
            Lane::Platform => 500..1_500,
        };
        self.chance.random_range(range)
    }

    /// A shuffled deck, the last card first.
    fn deck(&mut self, lane: Lane) -> Vec<(Blow, u64)> {
        let cards = match lane {
            Lane::Instances => self.instances(),
            Lane::Stores => self.stores(),
            Lane::Links => self.links(),
            Lane::Clock => self.clock(),
            Lane::Platform => self.platform(),
        };
        let (mut even, mut odd) = (Vec::new(), Vec::new());
        for (number, card) in cards.into_iter().enumerate() {
            if number.is_multiple_of(2) { even.push(card) } else { odd.push(card) }
        }
        even.shuffle(&mut self.chance);
        odd.shuffle(&mut self.chance);
        let (last, first) = if self.seed.is_multiple_of(2) { (odd, even) } else { (even, odd) };
        last.into_iter().chain(first).collect()
    }

    /// The leader more often than not: what befalls it matters most.
    fn one(&mut self) -> Target {
        if self.chance.random_range(0..5) < 3 {
            Target::Leader
        } else {
            Target::Number(self.chance.random_range(0..self.instances))
        }
    }

    fn lasting(&mut self, from: u64, to: u64) -> u64 {
        self.chance.random_range(from..to)
    }

    fn instances(&mut self) -> Vec<(Blow, u64)> {
        vec![
            (Blow::Frozen(Target::Leader), BEYOND_THE_LEASE_MS + self.lasting(0, 2_000)),
            (Blow::Killed(Target::Leader), self.lasting(300, 3_000)),
            // Short, and the other one is still there.
            (Blow::Frozen(self.one()), self.lasting(1_500, 6_000)),
            (Blow::Rolled, 0),
            (Blow::Killed(self.one()), self.lasting(300, 8_000)),
            (Blow::Frozen(self.one()), self.lasting(300, 1_500)),
        ]
    }

    fn stores(&mut self) -> Vec<(Blow, u64)> {
        vec![
            (Blow::RedisCrashed, self.lasting(200, 5_000)),
            (Blow::PostgresCrashed, self.lasting(500, 6_000)),
            (Blow::RedisFlushed, 0),
            (Blow::PostgresFrozen, self.lasting(1_000, 6_000)),
            (Blow::RedisFrozen, self.lasting(500, 5_000)),
            (Blow::RedisCrashed, self.lasting(0, 500)),
        ]
    }

    fn links(&mut self) -> Vec<(Blow, u64)> {
        let mut cards = Vec::new();
        for round in 0..6 {
            for (number, link) in Link::ALL.into_iter().enumerate() {
                let network = self.network((number + round) % 6);
                let target = if self.chance.random_range(0..4) == 0 { Target::All } else { self.one() };
                cards.push((Blow::Cut(link, target, network), self.lasting(1_000, 4_000)));
            }
        }
        for (place, network) in [(0, Network::BlackHole), (1, Network::Refused)] {
            // Longer than a deadline, and early in the deck.
            cards.insert(place, (Blow::Blinded(network), self.lasting(6_500, 9_000)));
        }
        let spared =
            |blow: &Blow| self.stores_spared && matches!(blow, Blow::Cut(Link::Redis | Link::Postgres, _, _));
        cards.retain(|(blow, _)| !spared(blow));
        cards
    }

    fn network(&mut self, number: usize) -> Network {
        match number {
            0 => Network::Slow(Duration::from_millis(self.lasting(30, 400))),
            1 => Network::Resets,
            2 => Network::BlackHole,
            3 => {
                let bytes = self.chance.random_range(20..200);
                Network::Sliced { bytes, pause: Duration::from_millis(1) }
            }
            4 => Network::HalfClosed,
            _ => Network::Refused,
        }
    }

    fn clock(&mut self) -> Vec<(Blow, u64)> {
        let by = self.chance.random_range(3..9);
        let lasts = self.lasting(6_000, 9_000);
        let back = self.chance.random_range(3..9);
        vec![(Blow::ClockStepped(by), lasts), (Blow::ClockStepped(-back), lasts)]
    }

    fn platform(&mut self) -> Vec<(Blow, u64)> {
        FAULTS.iter().map(|fault| (Blow::Platform(fault), self.lasting(2_100, 3_600))).collect()
    }
}

impl Display for Schedule {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Self { seed, instances, redis_log, stores_spared, span, .. } = self;
        let kept = if *redis_log { "that keeps a log" } else { "without a log" };
        let spared = if *stores_spared { ", stores spared" } else { "" };
        let span = span.as_secs();
        writeln!(out, "seed {seed}: {instances} instances, a Redis {kept}, {span} s of faults{spared}")?;
        let mut steps: Vec<&Step> = self.steps.iter().collect();
        steps.sort_by_key(|step| step.at);
        for Step { lane, at, lasts, blow } in steps {
            let (at, lasts) = (at.as_secs_f64(), lasts.as_secs_f64());
            writeln!(out, "{at:>7.1} s for {lasts:>4.1} s  {lane:?}: {blow}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Duration = Duration::from_secs(180);

    #[test]
    fn a_seed_gives_the_same_schedule_again_and_another_gives_another() {
        assert_eq!(Schedule::of(7, MINUTES), Schedule::of(7, MINUTES));
        assert_ne!(Schedule::of(7, MINUTES).steps, Schedule::of(8, MINUTES).steps);
    }

    #[test]
    fn no_lane_has_two_at_once_and_all_is_over_in_time() {
        for seed in 0..50 {
            let schedule = Schedule::of(seed, MINUTES);
            for lane in Lane::ALL {
                let steps: Vec<&Step> = schedule.lane(lane).collect();
                let spared = schedule.stores_spared && matches!(lane, Lane::Stores | Lane::Clock);
                assert_eq!(steps.is_empty(), spared, "seed {seed}: {lane:?}");
                let apart = |pair: &[&Step]| pair[0].at + pair[0].lasts <= pair[1].at;
                assert!(steps.windows(2).all(apart), "seed {seed}: {lane:?}");
                assert!(steps.iter().all(|step| step.at + step.lasts <= MINUTES));
            }
        }
    }
}
