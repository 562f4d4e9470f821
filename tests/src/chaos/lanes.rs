//! Plays the lanes of a schedule: each fault begins and ends in its time, or as soon after as can be.

use std::sync::Mutex;

use canary_sandbox::Sandbox;
use canary_store::wall;
use canary_test_servers::{Postgres, Redis};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep_until};

use super::fleet::Fleet;
use super::links::Links;
use super::platform::among_strangers;
use super::{Blow, Lane, Link, Schedule, Step, Struck, Target};
use crate::{Network, Signal, SteppingClock};

/// Everything that can be struck.
pub(super) struct Field<'a> {
    pub fleet: &'a mut Fleet,
    pub links: &'a Links,
    pub clock: &'a SteppingClock,
    pub sandbox: &'a Sandbox,
    pub redis: &'a mut Redis,
    pub postgres: &'a mut Postgres,
}

/// A fault begins or ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Begins,
    Ends,
}

/// Plays all lanes side by side, to the end of the last; answers what really befell, and heals everything.
pub(super) async fn play(schedule: &Schedule, field: Field<'_>) -> Vec<Struck> {
    let Field { fleet, links, clock, sandbox, redis, postgres } = field;
    let start = Instant::now();
    let struck = Mutex::new(Vec::new());
    let consoles = fleet.consoles();
    let run = |lane| Run { steps: schedule.lane(lane).collect(), start, struck: &struck };
    let mut victim = 0;
    tokio::join!(
        run(Lane::Instances).play(async |blow, turn| {
            if turn == Turn::Begins
                && let Blow::Killed(target) | Blow::Frozen(target) = blow
            {
                victim = fleet.number(*target).await;
            }
            strike_instance(fleet, victim, blow, turn).await;
        }),
        run(Lane::Stores)
            .play(async |blow, turn| block_in_place(|| strike_store(redis, postgres, blow, turn))),
        run(Lane::Links).play(async |blow, turn| {
            if let Blow::Blinded(network) = blow {
                let network = if turn == Turn::Begins { *network } else { Network::Sound };
                for link in [Link::EventSocket, Link::EventPages] {
                    links.set(link, Target::All, network);
                }
                return;
            }
            let Blow::Cut(link, target, network) = blow else { return };
            let (target, network) = match (turn, target) {
                (Turn::Begins, Target::Leader) => {
                    (Target::Number(super::fleet::leader(&consoles).await.unwrap_or_default()), *network)
                }
                (Turn::Begins, Target::Number(_) | Target::All) => (*target, *network),
                // Whoever led then.
                (Turn::Ends, _) => (Target::All, Network::Sound),
            };
            links.set(*link, target, network);
        }),
        run(Lane::Clock).play(async |blow, turn| {
            let Blow::ClockStepped(by) = blow else { return };
            clock.set(if turn == Turn::Begins { *by } else { 0 });
        }),
        run(Lane::Platform).play(async |blow, turn| {
            let Blow::Platform(fault) = blow else { return };
            let rules = if turn == Turn::Begins { (fault.rules)() } else { Vec::new() };
            sandbox.faults().set(among_strangers(rules));
        }),
    );
    struck.into_inner().unwrap()
}

/// One lane.
struct Run<'a> {
    steps: Vec<&'a Step>,
    start: Instant,
    /// Shared by the lanes.
    struck: &'a Mutex<Vec<Struck>>,
}

impl Run<'_> {
    async fn play(self, mut strike: impl AsyncFnMut(&Blow, Turn)) {
        for Step { at, lasts, blow, .. } in self.steps {
            sleep_until(self.start + *at).await;
            let (from, begun) = (wall(), Instant::now());
            strike(blow, Turn::Begins).await;
            sleep_until(begun + *lasts).await;
            strike(blow, Turn::Ends).await;
            self.struck.lock().unwrap().push(Struck { blow: blow.clone(), from, until: wall() });
        }
    }
}

async fn strike_instance(fleet: &mut Fleet, victim: usize, blow: &Blow, turn: Turn) {
    match (blow, turn) {
        (Blow::Killed(_), Turn::Begins) => fleet.kill(victim).await,
        (Blow::Killed(_), Turn::Ends) => fleet.launch(victim),
        (Blow::Frozen(_), Turn::Begins) => fleet.signal(victim, Signal::Stop),
        (Blow::Frozen(_), Turn::Ends) => fleet.signal(victim, Signal::Continue),
        (Blow::Rolled, Turn::Begins) => fleet.roll().await,
        _ => {}
    }
}

fn strike_store(redis: &mut Redis, postgres: &mut Postgres, blow: &Blow, turn: Turn) {
    let begins = turn == Turn::Begins;
    let done = match blow {
        Blow::RedisCrashed if begins => redis.stop(),
        Blow::RedisCrashed => redis.restart(),
        Blow::RedisFrozen if begins => redis.pause(),
        Blow::RedisFrozen => redis.resume(),
        Blow::PostgresCrashed if begins => postgres.stop(),
        Blow::PostgresCrashed => postgres.restart(),
        Blow::PostgresFrozen if begins => postgres.pause(),
        Blow::PostgresFrozen => postgres.resume(),
        Blow::RedisFlushed if begins => {
            flush(redis);
            return;
        }
        Blow::RedisFlushed
        | Blow::Killed(_)
        | Blow::Frozen(_)
        | Blow::Rolled
        | Blow::Cut(..)
        | Blow::Blinded(_)
        | Blow::ClockStepped(_)
        | Blow::Platform(_) => return,
    };
    done.unwrap();
}

fn flush(redis: &Redis) {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
}
