//! A network that swallows what is on its way: nobody resets the connections, they just never answer again. New ones
//! work at once, as after a failover.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use canary_store::{Claim, Ledger, PostgresLedger};
use secrecy::SecretString;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fixtures::{CYCLE, test};
use crate::home::{CANARY, Home};

/// As many calls as the pool has connections, and some that wait for one.
const CALLS: i64 = 12;
const SOON: Duration = Duration::from_secs(9);

/// Passes bytes on, until the line is cut for all who are connected, and counts those who ever were.
async fn line(listener: TcpListener, server: String, cuts: watch::Receiver<()>, calls: Arc<AtomicI64>) {
    let mut lines = JoinSet::new();
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        calls.fetch_add(1, Ordering::SeqCst);
        let mut far = TcpStream::connect(&server).await.unwrap();
        let mut cuts = cuts.clone();
        cuts.mark_unchanged();
        lines.spawn(async move {
            let cut = tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => false,
                _ = cuts.changed() => true,
            };
            if cut {
                // Both ends stay open, and nobody reads them.
                std::future::pending::<()>().await;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_were_swallowed_keep_no_connection_from_those_after_them() {
    let home = Home::postgres().await;
    let Home::Postgres { url, .. } = &home else { panic!("not PostgreSQL") };
    let (head, tail) = url.split_once('@').unwrap();
    let (server, database) = tail.split_once('/').unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = format!("{head}@{}/{database}", listener.local_addr().unwrap());
    let (cut, cuts) = watch::channel(());
    let connected = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    tasks.spawn(line(listener, server.to_owned(), cuts, Arc::clone(&connected)));

    let ledger = Arc::new(PostgresLedger::connect(&SecretString::from(near), CANARY).unwrap());
    ledger.ping().await.unwrap();
    home.execute("BEGIN; LOCK TABLE canary_test_results").await;
    let mut claims = JoinSet::new();
    for n in 0..CALLS {
        let ledger = ledger.clone();
        claims.spawn(async move { ledger.claim(&test("p", CYCLE + n)).await });
    }
    let waiting = "SELECT pid::text FROM pg_locks WHERE NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let all_wait = async {
        while home.texts(waiting).await.len() < 8 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, all_wait).await.expect("the claims reach the server");
    assert_eq!(
        connected.load(Ordering::SeqCst),
        1 + 8,
        "one knocked, and who waits for a connection does not"
    );
    cut.send_replace(());
    for claim in timeout(SOON, claims.join_all()).await.unwrap() {
        assert!(claim.unwrap_err().is_unavailable());
    }
    home.execute("ROLLBACK").await;
    for n in 0..CALLS {
        let claim = timeout(SOON, ledger.claim(&test("q", CYCLE + n))).await.unwrap();
        assert_eq!(claim.unwrap(), Claim::Claimed);
    }
}
