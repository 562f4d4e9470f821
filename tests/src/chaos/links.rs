//! A proxy on every connection of every instance.

use std::net::{Ipv4Addr, SocketAddr};

use super::{Link, Target};
use crate::{Deployment, Detour, Network, Proxy, SteppingClock};

/// The proxies of all instances.
pub(super) struct Links {
    /// By instance, and then in the order of [`Link::ALL`].
    proxies: Vec<[Proxy; 6]>,
}

impl Links {
    /// Those of so many instances, and what each has to be launched by.
    pub(super) fn lay(
        deployment: &mut Deployment,
        clock: &SteppingClock,
        instances: usize,
    ) -> (Self, Vec<Detour>) {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (redis, postgres) = (local(deployment.redis().port()), local(deployment.postgres().port()));
        let (a, b) = (upstream(deployment, "a"), upstream(deployment, "b"));
        let lay = |number| {
            let [to_a, to_b, socket, pages] = [a, b, a, a].map(Proxy::start);
            let proxies = [clock.proxy(redis), Proxy::start(postgres), to_a, to_b, socket, pages];
            let detour = detour(deployment, number, &proxies, [redis, postgres, a, b]);
            (proxies, detour)
        };
        let (proxies, detours) = (0..instances).map(lay).unzip();
        (Self { proxies }, detours)
    }

    pub(super) fn set(&self, link: Link, target: Target, network: Network) {
        for (number, proxies) in self.proxies.iter().enumerate() {
            if target == Target::All || target == Target::Number(number) {
                proxies[link as usize].set(network);
            }
        }
    }
}

/// Where a frame's registry and EventStore listen.
fn upstream(deployment: &Deployment, frame: &str) -> SocketAddr {
    let url = deployment.sandbox().frame(frame).registry;
    url.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap()
}

fn detour(deployment: &Deployment, number: usize, proxies: &[Proxy; 6], servers: [SocketAddr; 4]) -> Detour {
    let [redis, postgres, a, b] = servers;
    let over = |link: Link| proxies[link as usize].address();
    for (file, server, link) in [("redis", redis, Link::Redis), ("postgres", postgres, Link::Postgres)] {
        let url = std::fs::read_to_string(deployment.folder().join(format!("{file}.url"))).unwrap();
        let (from, to) = (format!("127.0.0.1:{}", server.port()), over(link).to_string());
        assert!(url.contains(&from), "{from} is not the address of {file}");
        deployment.write(&format!("{file}-{number}.url"), &url.replace(&from, &to));
    }
    let address = |key: &str, scheme: &str, from: SocketAddr, link: Link| {
        (format!("{key} = \"{scheme}://{from}"), format!("{key} = \"{scheme}://{}", over(link)))
    };
    Detour::of(
        deployment,
        &[
            ("/redis.url".into(), format!("/redis-{number}.url")),
            ("/postgres.url".into(), format!("/postgres-{number}.url")),
            address("\nregistry", "http", a, Link::RegistryA),
            address("\nregistry", "http", b, Link::RegistryB),
            address("event_store_ws", "ws", a, Link::EventSocket),
            address("event_store", "http", a, Link::EventPages),
        ],
    )
}
