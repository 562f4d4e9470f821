//! What the canary's own eyes miss is never the platform's fault (I5).

use std::net::SocketAddr;

use canary_sandbox::{EventType, Fault, SocketFault};
use canary_tests::{Deployment, Network, Proxy, launch_through, run, until};

use crate::support::{Row, Stand, expect, now, quick, quick_on};

const TOKENS: EventType = EventType::TokensTransferred;

/// The proxies before the EventStore, and a canary that reads it over them.
struct Detoured {
    stand: Stand,
    sockets: Proxy,
    pages: Proxy,
}

impl Detoured {
    async fn ready(paths: &[&str]) -> Self {
        let stage = Deployment::start(quick_on(paths)).await;
        let store = stage.sandbox().frame("a").event_store;
        let address = store.trim_start_matches("http://").split('/').next().unwrap();
        let upstream: SocketAddr = address.parse().unwrap();
        let (sockets, pages) = (Proxy::start(upstream), Proxy::start(upstream));
        let detour = |key: &str, scheme: &str, to: SocketAddr| {
            (format!("{key} = \"{scheme}://{upstream}"), format!("{key} = \"{scheme}://{to}"))
        };
        let detours = [
            detour("event_store_ws", "ws", sockets.address()),
            detour("event_store", "http", pages.address()),
        ];
        let mut canary = launch_through(&stage, &detours);
        canary.ready().await;
        Self { stand: Stand { stage, canary }, sockets, pages }
    }

    async fn set(&self, sockets: Network, pages: Network) -> chrono::DateTime<chrono::Utc> {
        self.sockets.set(sockets);
        self.pages.set(pages);
        now(&self.stand.stage).await
    }
}

fn came_by(row: &Row, stage: &str, via: &str) -> bool {
    row.stamps[stage]["via"] == via
}

#[test]
fn observers_that_are_cut_off_make_tests_inconclusive_until_they_have_caught_up() {
    run(async {
        let detoured = Detoured::ready(&["a-intra", "a-async-b", "b-2pc-a"]).await;
        let since = detoured.set(Network::BlackHole, Network::BlackHole).await;
        let blind = detoured.stand.first(since, Row::judged).await;
        expect(&blind, |_| "inconclusive/observer_blind");
        detoured.set(Network::Sound, Network::Sound).await;
        let amended = detoured.stand.first(since, |row| row.outcome != "inconclusive").await;
        expect(&amended, |_| "passed");
        for (path, row) in &amended {
            assert_eq!(row.test_id, blind[path].test_id);
            assert!(row.revision > blind[path].revision);
            assert_eq!(row.latency_basis.as_deref(), Some("event_time"), "{row:#?}");
        }
    });
}

#[test]
fn sockets_that_are_reset_again_and_again_leave_the_backstop_to_see_everything() {
    run(async {
        let detoured = Detoured::ready(&["a-intra", "a-async-b", "b-2pc-a"]).await;
        for network in [Network::Refused, Network::Resets, Network::HalfClosed] {
            let since = detoured.set(network, Network::Sound).await;
            let rows = detoured.stand.all_pass(since).await;
            for row in rows.values() {
                assert_eq!(row.latency_basis.as_deref(), Some("event_time"), "{network:?}: {row:#?}");
            }
        }
        assert!(detoured.stand.counted("canary_reactor_reconnects_total", &[]).await > 0.0);
        // A reactor takes its time before it connects once more, and has to, before the pages go.
        detoured.set(Network::Sound, Network::Sound).await;
        let up = async || detoured.stand.counted("canary_reactor_up", &[]).await >= 5.0;
        until("all sockets up", 30, up).await;
        let since = detoured.set(Network::Sound, Network::Refused).await;
        detoured.stand.all_pass(since).await;
    });
}

#[test]
fn a_socket_that_closes_or_stalls_is_replaced_and_its_events_are_not_missed() {
    run(async {
        let stand = Stand::ready(quick_on(&["a-intra", "a-2pc", "a-async-b"])).await;
        let closes = SocketFault::Closes { after_events: 0, abruptly: true };
        let since = stand.strike([Fault::from(closes).of_type(TOKENS)]).await;
        let rows = stand.all_pass(since).await;
        let late_seen =
            |row: &Row| came_by(row, "tokens_xfer", "backstop") || came_by(row, "tokens_xfer", "replay");
        assert!(late_seen(&rows["a-intra"]), "{rows:#?}");
        assert_eq!(rows["a-intra"].latency_basis.as_deref(), Some("event_time"));

        let since = stand.strike([SocketFault::Stalls { after_events: 0 }.into()]).await;
        let rows = stand.all_pass(since).await;
        assert!(rows.values().all(|row| row.latency_basis.as_deref() == Some("event_time")), "{rows:#?}");

        let since = stand.heal().await;
        let seen_live = |row: &Row| row.latency_basis.as_deref() == Some("observed");
        stand
            .stage
            .rows_when("live again", 30, |rows| {
                rows.iter().any(|row| row.registered_at > since && seen_live(row))
            })
            .await;
    });
}

#[test]
fn a_gap_in_the_replay_is_closed_by_the_backstop() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let closes = SocketFault::Closes { after_events: 0, abruptly: false };
        let since = stand.strike([closes.into(), SocketFault::ReplayGap.into()]).await;
        stand.all_pass(since).await;
        let since = stand.strike([SocketFault::ReplayGap.into()]).await;
        stand.all_pass(since).await;
        assert!(stand.counted("canary_reactor_events_total", &[("via", "backstop")]).await > 0.0);
    });
}

#[test]
fn a_stream_without_heartbeats_is_covered_by_the_backstop() {
    run(async {
        let stand = Stand::ready(quick_on(&["a-intra", "a-async-b"])).await;
        let silent = canary_sandbox::EventFault::Lost;
        let since = stand.strike([SocketFault::NoHeartbeats.into(), silent.into()]).await;
        let rows = stand.first(since, Row::judged).await;
        expect(&rows, |_| "failed/timeout");
    });
}
