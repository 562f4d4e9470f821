//! A deployment that can be struck in every place, and healed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use canary_sandbox::FaultSet;
use canary_tests::{Deployment, Instance, Network, Plan, Proxy, Signal, SteppingClock, launch_through};
use chrono::{DateTime, TimeDelta, Utc};

use crate::case::{Act, Case, Link, Mishap, Store};
use crate::verdict::keep_every_word;

/// What a deployment has of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// A Redis, behind a proxy that can step its clock.
    pub redis: bool,
    /// A PostgreSQL, behind a proxy.
    pub postgres: bool,
    /// Proxies before the platform.
    pub links: bool,
    /// This part runs in a process of its own, beside one that runs all others.
    pub apart: Option<&'static str>,
    /// Deadlines are far: calls decide here, and the slowest of them, on a loaded machine, comes before.
    pub patient: bool,
}

/// A running deployment.
pub struct Stand {
    pub stage: Deployment,
    links: BTreeMap<Link, Vec<Proxy>>,
    clock: SteppingClock,
    detours: Vec<(String, String)>,
    /// Runs all parts, or all others.
    _main: Instance,
    apart: Option<Instance>,
}

/// The time on this machine's clock, which all servers have.
pub fn now() -> DateTime<Utc> {
    canary_store::wall()
}

impl Stand {
    /// Ready, on a healthy platform.
    pub async fn ready(setup: Setup) -> Self {
        let plan = Plan {
            own_redis: setup.redis,
            own_postgres: setup.postgres,
            // A dozen canaries on two processors may be slow to answer, and none of that is a fault.
            call_timeout: Duration::from_millis(2_500),
            deadlines: [Duration::from_secs(if setup.patient { 8 } else { 4 }); 3],
            ..Plan::quick()
        };
        let mut stage = Deployment::start(plan).await;
        let clock = SteppingClock::default();
        let mut links = BTreeMap::new();
        if setup.redis {
            links.insert(Link::Redis, vec![before_redis(&mut stage, &clock)]);
        }
        if setup.postgres {
            links.insert(Link::Postgres, vec![before_postgres(&mut stage)]);
        }
        let detours = if setup.links { before_platform(&stage, &mut links) } else { Vec::new() };
        let (mut main, mut apart) = launch(&stage, &detours, setup.apart);
        main.ready().await;
        if let Some(apart) = &mut apart {
            apart.ready().await;
        }
        keep_every_word(&stage).await;
        let detours = setup.apart.map_or_else(Vec::new, |part| vec![running(&stage, &[part, "console"])]);
        Self { stage, links, clock, detours, _main: main, apart }
    }

    /// By how much the rows' clock is off this machine's.
    pub fn stepped(&self) -> TimeDelta {
        TimeDelta::seconds(self.clock.seconds())
    }

    /// Strikes; answers since when.
    pub async fn strike(&mut self, case: &Case) -> DateTime<Utc> {
        for act in &case.acts {
            self.act(act).await;
        }
        now()
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Faults(faults) => self.stage.sandbox().faults().set(FaultSet::of(faults.clone())),
            Act::Link(link, network) => self.set(*link, *network),
            Act::Store(Store::Redis, mishap) => {
                let redis = self.stage.redis();
                match mishap {
                    Mishap::Down => redis.stop().unwrap(),
                    Mishap::Restarted => redis.restart().unwrap(),
                    Mishap::Paused => redis.pause().unwrap(),
                    Mishap::Emptied => {
                        let mut board = self.stage.board().await;
                        redis::cmd("FLUSHALL").exec_async(&mut board).await.unwrap();
                    }
                }
            }
            Act::Store(Store::Postgres, mishap) => {
                let postgres = self.stage.postgres();
                match mishap {
                    Mishap::Down => postgres.stop().unwrap(),
                    Mishap::Restarted => postgres.restart().unwrap(),
                    Mishap::Paused => postgres.pause().unwrap(),
                    Mishap::Emptied => {
                        sqlx::query("DELETE FROM canary_test_results")
                            .execute(self.stage.sql())
                            .await
                            .unwrap();
                    }
                }
            }
            Act::Killed => {
                let apart = self.apart.as_mut().expect("a part that runs apart");
                apart.kill().await;
                *apart = launch_through(&self.stage, &self.detours);
            }
            Act::Stopped => self.apart.as_ref().expect("a part that runs apart").signal(Signal::Stop),
            Act::ClockStep(seconds) => {
                self.clock.set(self.clock.seconds() + seconds);
            }
            Act::WrongSecret(file) => {
                let right = std::fs::read_to_string(self.stage.folder().join(file)).unwrap();
                self.stage.write(file, &format!("wrong-{right}"));
            }
        }
    }

    /// Undoes what was struck; answers since when it is.
    pub async fn heal(&mut self, case: &Case) -> DateTime<Utc> {
        for act in &case.acts {
            match act {
                Act::Faults(_) => self.stage.sandbox().faults().clear(),
                Act::Link(link, _) => self.set(*link, Network::Sound),
                Act::Store(Store::Redis, Mishap::Down) => self.stage.redis().restart().unwrap(),
                Act::Store(Store::Redis, Mishap::Paused) => self.stage.redis().resume().unwrap(),
                Act::Store(Store::Postgres, Mishap::Down) => self.stage.postgres().restart().unwrap(),
                Act::Store(Store::Postgres, Mishap::Paused) => self.stage.postgres().resume().unwrap(),
                Act::Stopped => self.apart.as_ref().expect("a part that runs apart").signal(Signal::Continue),
                Act::WrongSecret(file) => {
                    let wrong = std::fs::read_to_string(self.stage.folder().join(file)).unwrap();
                    self.stage.write(file, wrong.trim_start_matches("wrong-"));
                }
                // A clock that stepped back again would be another fault.
                Act::Store(_, Mishap::Restarted | Mishap::Emptied) | Act::Killed | Act::ClockStep(_) => {}
            }
        }
        now()
    }

    fn set(&self, link: Link, network: Network) {
        self.links[&link].iter().for_each(|proxy| proxy.set(network));
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn before_redis(stage: &mut Deployment, clock: &SteppingClock) -> Proxy {
    let proxy = clock.proxy(local(stage.redis().port()));
    stage.write("redis.url", &format!("redis://{}", proxy.address()));
    proxy
}

fn before_postgres(stage: &mut Deployment) -> Proxy {
    let port = stage.postgres().port();
    let proxy = Proxy::before(port);
    let url = std::fs::read_to_string(stage.folder().join("postgres.url")).unwrap();
    stage.write("postgres.url", &url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port())));
    proxy
}

/// Proxies before both registries and before the local EventStore's two faces; answers the way over them.
fn before_platform(stage: &Deployment, links: &mut BTreeMap<Link, Vec<Proxy>>) -> Vec<(String, String)> {
    let address = |frame: &str| -> SocketAddr {
        let url = stage.sandbox().frame(frame).registry;
        url.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap()
    };
    let (a, b) = (address("a"), address("b"));
    let mut detours = Vec::new();
    for (link, key, scheme, upstream) in [
        (Link::Sockets, "event_store_ws", "ws", a),
        (Link::Pages, "event_store", "http", a),
        (Link::Registries, "registry", "http", a),
        (Link::Registries, "registry", "http", b),
    ] {
        let proxy = Proxy::start(upstream);
        let at = |address: SocketAddr| format!("{key} = \"{scheme}://{address}");
        detours.push((at(upstream), at(proxy.address())));
        links.entry(link).or_default().push(proxy);
    }
    detours
}

const PARTS: [&str; 3] = ["runner", "validators", "judge"];

fn launch(
    stage: &Deployment,
    detours: &[(String, String)],
    apart: Option<&str>,
) -> (Instance, Option<Instance>) {
    let Some(apart) = apart else { return (launch_through(stage, detours), None) };
    let mut others: Vec<&str> = PARTS.into_iter().filter(|part| *part != apart).collect();
    others.push("console");
    let run = |parts: &[&str]| launch_through(stage, &[running(stage, parts)]);
    (run(&others), Some(run(&[apart, "console"])))
}

/// A configuration's change that has it run these parts.
fn running(stage: &Deployment, parts: &[&str]) -> (String, String) {
    let name = format!("canary = {:?}\n", stage.name());
    (name.clone(), format!("{name}roles = {parts:?}\n"))
}
