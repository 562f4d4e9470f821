//! Leases: one holder, in one term, for a time.

use std::time::Duration;

use canary_domain::Role;
use canary_store::{Board, Holder};
use canary_test_servers::Redis;

use crate::support::{both, connect, until};

const LONG: Duration = Duration::from_secs(60);

async fn acquire(board: &dyn Board, node: &str, ttl: Duration) -> Option<i64> {
    board.acquire(Role::Runner, &node.to_owned(), ttl).await.unwrap()
}

fn holder(node: &str, term: i64) -> Holder {
    Holder { node: node.to_owned(), term }
}

both! {
    async fn a_lease_has_one_holder_at_a_time(boards) {
        assert_eq!(boards.board.holder(Role::Runner).await.unwrap(), None);
        let term = acquire(&*boards.board, "n:1", LONG).await.unwrap();
        assert_eq!(acquire(&*boards.other, "n:2", LONG).await, None);
        assert_eq!(acquire(&*boards.board, "n:1", LONG).await, None, "not even its holder gets it again");
        assert_eq!(boards.other.holder(Role::Runner).await.unwrap(), Some(holder("n:1", term)));
    }

    async fn each_role_has_a_lease_of_its_own(boards) {
        acquire(&*boards.board, "n1", LONG).await.unwrap();
        assert!(boards.board.acquire(Role::Judge, &"n2".to_owned(), LONG).await.unwrap().is_some());
    }

    async fn only_its_holder_in_its_term_renews_or_releases_a_lease(boards) {
        let (board, other) = (&*boards.board, &*boards.other);
        let term = acquire(board, "n1", LONG).await.unwrap();
        for stranger in [holder("n2", term), holder("n1", term - 1), holder("n1", term + 1)] {
            assert!(!other.renew(Role::Runner, &stranger, LONG).await.unwrap(), "{stranger:?}");
            other.release(Role::Runner, &stranger).await.unwrap();
            assert_eq!(board.holder(Role::Runner).await.unwrap(), Some(holder("n1", term)));
        }
        assert!(board.renew(Role::Runner, &holder("n1", term), LONG).await.unwrap());
        assert!(!board.renew(Role::Judge, &holder("n1", term), LONG).await.unwrap(), "a lease of another role");
        board.release(Role::Runner, &holder("n1", term)).await.unwrap();
        assert_eq!(board.holder(Role::Runner).await.unwrap(), None);
        assert!(!board.renew(Role::Runner, &holder("n1", term), LONG).await.unwrap(), "it was given back");
    }

    async fn a_lease_lasts_as_long_as_it_was_last_given(boards) {
        let (board, other) = (&*boards.board, &*boards.other);
        let term = acquire(board, "n1", Duration::from_millis(700)).await.unwrap();
        assert!(board.renew(Role::Runner, &holder("n1", term), LONG).await.unwrap());
        // The judge's lease tells when the time is over that the runner's was given first.
        board.acquire(Role::Judge, &"n1".to_owned(), Duration::from_millis(750)).await.unwrap().unwrap();
        until("the judge's lease runs out", async || other.holder(Role::Judge).await.unwrap().is_none()).await;
        assert_eq!(acquire(other, "n2", LONG).await, None, "the runner's was renewed");
        assert!(board.acquire(Role::Judge, &"n2".to_owned(), LONG).await.unwrap().is_some());
        assert!(!board.renew(Role::Judge, &holder("n1", term), LONG).await.unwrap());
    }

    async fn terms_grow_from_the_board_s_clock(boards) {
        let before = boards.board.time().await.unwrap().timestamp_millis();
        let mut last = before - 1;
        for _ in 0..5 {
            let term = acquire(&*boards.board, "n1", LONG).await.unwrap();
            assert!(term > last, "{term} after {last}");
            boards.board.release(Role::Runner, &holder("n1", term)).await.unwrap();
            last = term;
        }
        assert!(last <= boards.board.time().await.unwrap().timestamp_millis() + 5);
    }
}

#[tokio::test]
async fn terms_do_not_repeat_when_redis_has_forgotten_everything() {
    let mut server = Redis::start().unwrap();
    let board = connect(&server, "");
    let first = acquire(&board, "n1", LONG).await.unwrap();
    server.restart().unwrap();
    let mut second = None;
    until("Redis is back", async || {
        second = board.acquire(Role::Runner, &"n2".to_owned(), LONG).await.unwrap_or_default();
        second.is_some()
    })
    .await;
    assert!(second.unwrap() > first);
    assert!(!board.renew(Role::Runner, &holder("n1", first), LONG).await.unwrap());
}
