//! Redis away, nothing_heard, or refusing: errors that say which server and never a secret (I8), and coming back by itself.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_domain::{Role, TestId};
use canary_store::{Board, RedisBoard, StoreError};
use canary_test_servers::Redis;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::{at, connect, register, registered, test, until};

const LONG: Duration = Duration::from_secs(60);

/// Every kind of call once.
async fn failures(board: &dyn Board) -> Vec<StoreError> {
    let nobody = TestId::random();
    let node = "n1".to_owned();
    let errors = [
        board.time().await.err(),
        board.acquire(Role::Runner, &node, LONG).await.err(),
        board.holder(Role::Runner).await.err(),
        board.note_fired(nobody, at(1), 2).await.err(),
        board.open_tests().await.err(),
        board.announcements().await.err(),
        board.due(at(1), 10).await.err(),
        board.close(&[nobody]).await.err(),
        board.keep(&[nobody]).await.err(),
        board.reactors().await.err(),
        board.register_free(&test("p", None)).await.err(),
        board.agents().await.err(),
    ];
    errors.into_iter().map(|error| error.expect("a failure")).collect()
}

#[tokio::test]
async fn a_board_can_be_made_while_redis_is_away_and_finds_it_once_it_is_there() {
    let mut server = Redis::start().unwrap();
    server.stop().unwrap();
    let board = connect(&server, "");
    assert_eq!(board.describe(), format!("redis at 127.0.0.1:{}", server.port()));
    for error in failures(&board).await {
        assert!(error.is_unavailable(), "{error}");
        assert!(error.to_string().contains(&board.describe()), "{error}");
    }
    server.restart().unwrap();
    until("the board answers", async || board.time().await.is_ok()).await;
}

#[tokio::test]
async fn a_board_comes_back_by_itself_after_redis_was_restarted() {
    let mut server = Redis::start().unwrap();
    let board = connect(&server, "");
    registered(&board).await;
    server.stop().unwrap();
    for error in failures(&board).await {
        assert!(error.is_unavailable(), "{error}");
    }
    server.restart().unwrap();
    until("the board answers", async || board.open_count().await.is_ok_and(|count| count == 0)).await;
    register(&board, &[test("p", Some(7))]).await;
}

#[tokio::test]
async fn a_redis_that_says_nothing_is_given_up_within_seconds_and_used_again_when_it_speaks() {
    let mut server = Redis::start().unwrap();
    let board = connect(&server, "");
    registered(&board).await;
    server.pause().unwrap();
    let asked = Instant::now();
    let (one, other) = tokio::join!(board.time(), board.open_tests());
    assert!(one.unwrap_err().is_unavailable() && other.unwrap_err().is_unavailable());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    assert!(board.announcements().await.err().expect("nobody answers").is_unavailable());
    server.resume().unwrap();
    until("the board answers", async || board.open_count().await.is_ok_and(|count| count == 1)).await;
}

#[tokio::test]
async fn wrong_credentials_are_an_error_that_does_not_pass_and_does_not_show_them() {
    let server = Redis::start_with(&["--requirepass", "hush-7f3a"]).unwrap();
    let right = connect(&server, "");
    right.time().await.unwrap();
    let url = format!("redis://somebody:wrong-9c2e@127.0.0.1:{}", server.port());
    let wrong = RedisBoard::connect(&url.into(), String::new()).unwrap();
    for error in failures(&wrong).await {
        assert!(!error.is_unavailable(), "{error}");
    }
    let shown =
        format!("{:?} {:?} {right:?} {wrong:?}", wrong.time().await, wrong.announcements().await.err());
    for secret in ["hush-7f3a", "wrong-9c2e"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    for error in failures(&wrong).await {
        assert!(!error.to_string().contains("somebody"), "{error}");
    }
}

/// A password is changed in its file while the canary runs (design §6).
#[tokio::test]
async fn a_password_that_was_changed_is_read_again_once_the_server_refuses_the_old_one() {
    let mut server = Redis::start_with(&["--requirepass", "hush-7f3a"]).unwrap();
    let url = |password: &str, port: u16| format!("redis://:{password}@127.0.0.1:{port}");
    let file = Arc::new(Mutex::new(url("old-9c2e", server.port())));
    let reads = Arc::new(AtomicU32::new(0));
    let (content, count) = (Arc::clone(&file), Arc::clone(&reads));
    let source = move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(content.lock().unwrap().clone().into())
    };
    let board = RedisBoard::connect_from(source, String::new()).unwrap();
    assert!(!board.time().await.unwrap_err().is_unavailable());
    *file.lock().unwrap() = url("hush-7f3a", 1);
    let before = reads.load(Ordering::SeqCst);
    let asked =
        async || !board.time().await.unwrap_err().is_unavailable() && reads.load(Ordering::SeqCst) > before;
    until("it has read the address of another server, and does not go there", asked).await;
    *file.lock().unwrap() = url("hush-7f3a", server.port());
    until("the board answers", async || board.time().await.is_ok()).await;
    assert!(board.announcements().await.is_ok());
    assert!(!format!("{board:?}").contains("hush-7f3a"), "{board:?}");
    server.restart().unwrap();
    until("the board answers again", async || board.time().await.is_ok()).await;
}

#[tokio::test]
async fn a_server_that_repeats_what_it_was_sent_gives_no_secret_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://somebody:hush-7f3a@{}/?protocol=resp3", listener.local_addr().unwrap());
    let board = RedisBoard::connect(&url.into(), String::new()).unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_buf(&mut Vec::new()).await.unwrap();
        let complaint =
            "-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'somebody' 'hush-7f3a'\r\n";
        stream.write_all(complaint.repeat(9).as_bytes()).await.unwrap();
        stream
    };
    let (error, _stream) = tokio::join!(board.time(), server);
    let shown = format!("{0} {0:?}", error.unwrap_err());
    assert!(shown.contains("args beginning with"), "{shown}");
    assert!(!shown.contains("hush-7f3a") && !shown.contains("somebody"), "{shown}");
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_without_being_repeated() {
    for url in ["http://u:hush-7f3a@h:1", "hush-7f3a", "redis://u:hush-7f3a@h:notaport"] {
        let error = RedisBoard::connect(&url.to_owned().into(), String::new()).unwrap_err();
        assert!(!error.is_unavailable());
        assert!(!format!("{error} {error:?}").contains("hush-7f3a"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_may_not_be_written_to_is_away_rather_than_broken() {
    let server =
        Redis::start_with(&["--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "yes"]).unwrap();
    let board = connect(&server, "");
    let error = board.acquire(Role::Runner, &"n1".to_owned(), LONG).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}
