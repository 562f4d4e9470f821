//! Two fixed seeds, side by side, which together deal every kind of fault.

use std::collections::BTreeSet;
use std::time::Duration;

use canary_tests::chaos::{FAULTS, Ran, Schedule, headline, run, told};

/// Neighbours: their decks begin with different halves.
const SEEDS: [u64; 2] = [2, 3];
const SPAN: Duration = Duration::from_secs(80);

fn schedules() -> [Schedule; 2] {
    SEEDS.map(|seed| Schedule::of(seed, SPAN))
}

#[test]
fn the_two_seeds_deal_every_kind_of_fault() {
    let dealt: BTreeSet<String> =
        schedules().iter().flat_map(|schedule| &schedule.steps).flat_map(|step| step.blow.kinds()).collect();
    let platform = FAULTS.iter().map(|fault| format!("platform: {}", fault.name));
    let others = [
        "an instance is killed",
        "an instance stands still",
        "all instances are replaced, one after the other",
        "Redis is killed",
        "Redis stands still",
        "Redis is emptied",
        "PostgreSQL is killed",
        "PostgreSQL stands still",
        "nobody sees the EventStore",
        "a link to Redis",
        "a link to PostgreSQL",
        "a link to registry a",
        "a link to registry b",
        "a link to the EventStore's socket",
        "a link to the EventStore's pages",
        "a link is slow",
        "a link slices",
        "a link carries nothing",
        "a link resets",
        "a link half-closes",
        "a link refuses",
        "the board's clock goes back",
        "the board's clock goes forward",
    ];
    let all: BTreeSet<String> = others.into_iter().map(String::from).chain(platform).collect();
    assert_eq!(dealt.symmetric_difference(&all).collect::<Vec<_>>(), Vec::<&String>::new());
    let redis = schedules().map(|schedule| schedule.redis_log);
    assert!(redis.contains(&true) && redis.contains(&false), "one Redis keeps a log, one does not");
    let longest = schedules().into_iter().flat_map(|schedule| schedule.steps).map(|step| step.lasts).max();
    assert!(longest > Some(Duration::from_secs(16)), "somebody stands still beyond the lease");
}

#[test]
fn whatever_befalls_instances_stores_links_clock_and_platform_the_invariants_hold() {
    canary_tests::run(async {
        let [one, other] = schedules();
        let (first, second) = tokio::join!(run(&one), run(&other));
        let report = |schedule: &Schedule, ran: &Ran| {
            assert!(
                ran.violations.is_empty(),
                "{}\n{}\nto play it again: cargo xtask chaos --seed {} --minutes {:.3}",
                headline(schedule, ran),
                told(schedule, ran),
                schedule.seed,
                SPAN.as_secs_f64() / 60.0
            );
        };
        report(&one, &first);
        report(&other, &second);
    });
}
