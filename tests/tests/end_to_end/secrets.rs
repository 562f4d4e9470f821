//! I8: no secret is in any log, metric, answer, row or key, whatever goes wrong.

use std::time::Duration;

use canary_sandbox::{Call, CallFault, Config, FaultSet, SocketFault, What};
use canary_tests::{Deployment, Ended, Instance, Plan, Route, Row, run, until};
use redis::aio::MultiplexedConnection;
use sha2::{Digest as _, Sha256};

/// In every secret that this test chooses.
const MARK: &str = "hunter2";
const ADMIN_TOKEN: &str = "hunter2-admin-token";
const REDIS_PASSWORD: &str = "hunter2-redis-password";
/// What the sandbox's access tokens begin with.
const JWT: &str = "eyJ";

/// Nobody listens there, so all of it is complained of.
const AFTERMATH: &str = r#"
[webhooks]
failing_after = 1
[[webhooks.endpoints]]
name = "pager"
url_file = "pager.url"
secret_file = "pager.key"
[evidence]
log_url_file = "logs.url"
log_auth_file = "logs.auth"
log_after = "0s"
"#;

#[test]
fn no_secret_is_in_any_log_metric_answer_row_or_key() {
    run(async {
        let mut stage = stage().await;
        let console = format!("admin_token_file = {:?}", stage.folder().join("admin.tokens"));
        let mut canary = stage.launch_with(&console);
        canary.ready().await;
        let verdicts = |rows: &[Row]| rows.iter().filter(|row| row.judged()).count() >= 3;
        stage.rows_when("judged rows", 30, verdicts).await;
        break_everything(&mut stage, &canary).await;
        let secrets = secrets(&stage);
        let clean = |what: &str, text: &str| {
            for secret in &secrets {
                let line = text.lines().find(|line| line.contains(secret.as_str()));
                assert_eq!(line, None, "`{secret}` is in {what}");
            }
        };
        for command in [&["check"][..], &["status"], &["probe", "a-intra"], &["migrate"], &["webhooks"]] {
            let Ended { stdout, stderr, .. } = stage.canary(command).await;
            clean(command[0], &(stdout + &stderr));
        }
        for (what, answer) in answers(&stage, &canary).await {
            clean(&what, &answer);
        }
        clean("PostgreSQL", &tables(&stage).await);
        clean("Redis", &keys(&stage).await);
        let tried = sqlx::query_scalar("SELECT count(*) FROM canary_webhook_notices WHERE attempts > 0");
        let tried: i64 = tried.fetch_one(stage.sql()).await.unwrap();
        let searched = sqlx::query_scalar("SELECT count(*) FROM canary_evidence WHERE log IS NOT NULL");
        let searched: i64 = searched.fetch_one(stage.sql()).await.unwrap();
        assert!(tried > 0 && searched > 0, "{tried} messages were tried, {searched} searches");
        assert_eq!(canary.terminate().await.code(), Some(0));
        let log = canary.log();
        assert!(
            log.contains("TRACE canary_") || log.contains("DEBUG canary_"),
            "the log is as talkative as it can be"
        );
        clean("the log", &log);
    });
}

async fn stage() -> Deployment {
    let mut sandbox = Config::default();
    for agent in &mut sandbox.agents {
        agent.client_secret = format!("{MARK}-of-{}", agent.name);
    }
    let stage = Deployment::start(Plan {
        sandbox,
        own_redis: true,
        own_postgres: true,
        redis_arguments: ["--requirepass", REDIS_PASSWORD].map(String::from).to_vec(),
        routes: Route::named(&["a-intra", "a-async-b", "b-2pc-a"]),
        call_timeout: Duration::from_secs(1),
        more: AFTERMATH.into(),
        log: "trace".into(),
        ..Plan::default()
    })
    .await;
    // The cluster trusts everybody, so any password will do.
    let url = std::fs::read_to_string(stage.folder().join("postgres.url")).unwrap();
    stage.write("postgres.url", &url.replace("postgres@", &format!("postgres:{MARK}-postgres@")));
    stage.write("pager.url", &format!("http://{MARK}:{MARK}@127.0.0.1:1/{MARK}?token={MARK}"));
    stage.write("pager.key", &format!("{MARK}-key-of-the-pager"));
    stage.write("logs.url", &format!("http://{MARK}:{MARK}@127.0.0.1:1/{{test_id}}?token={MARK}"));
    stage.write("logs.auth", &format!("Bearer {MARK}-of-the-logs"));
    let digest: String = Sha256::digest(ADMIN_TOKEN).iter().map(|byte| format!("{byte:02x}")).collect();
    stage.write("admin.tokens", &format!("tester:viewer:{digest}\n"));
    stage
}

/// What somebody could want to complain of, secrets in hand.
async fn break_everything(stage: &mut Deployment, canary: &Instance) {
    let faults = [
        What::TokenExpired.into(),
        CallFault::answers(Call::Token, 401).into(),
        CallFault::answers(Call::Token, 503).into(),
        CallFault::Hangs { call: Call::Transfer, lands: true }.into(),
        CallFault::answers(Call::Subscribe, 401).into(),
        SocketFault::Closes { after_events: 0, abruptly: true }.into(),
    ];
    for fault in faults {
        let before = stage.rows().await.len();
        stage.sandbox().faults().set(FaultSet::of([fault]));
        stage.rows_when("slots while that lasts", 30, |rows| rows.len() >= before + 2).await;
    }
    stage.sandbox().faults().clear();
    stage.redis().stop().unwrap();
    until("a canary that misses Redis", 30, async || !canary.is_ready().await).await;
    stage.redis().restart().unwrap();
    until("a canary that has Redis again", 60, async || canary.is_ready().await).await;
    stage.postgres().stop().unwrap();
    until("a canary that misses PostgreSQL", 30, async || !canary.is_ready().await).await;
    stage.postgres().restart().unwrap();
    until("a canary that has PostgreSQL again", 60, async || canary.is_ready().await).await;
}

fn secrets(stage: &Deployment) -> Vec<String> {
    let token = stage.sandbox().frame("a").event_store_token;
    vec![MARK.to_owned(), JWT.to_owned(), token]
}

/// What the console says, to those with a token and to those without.
async fn answers(stage: &Deployment, canary: &Instance) -> Vec<(String, String)> {
    let row = stage.rows().await.remove(0);
    let mut answers = Vec::new();
    for path in [
        "/healthz".to_owned(),
        "/readyz".to_owned(),
        "/metrics".to_owned(),
        "/api/v1/canaries/results".to_owned(),
        "/api/v1/canaries/results?limit=500&outcome=failed".to_owned(),
        format!("/api/v1/canaries/results/{}", row.test_id),
        "/api/v1/canaries/accounting".to_owned(),
        "/api/v1/canaries/nothing".to_owned(),
    ] {
        for token in [ADMIN_TOKEN, "hunter2-wrong-token"] {
            let answer = canary.request(&path).bearer_auth(token).send().await.unwrap();
            let admitted = answer.status() != 401;
            assert_eq!(admitted, token == ADMIN_TOKEN || !path.starts_with("/api"), "{path} with {token}");
            answers.push((
                path.clone(),
                format!("{:?}\n{}", answer.headers().clone(), answer.text().await.unwrap()),
            ));
        }
    }
    answers
}

/// Every table, as text.
async fn tables(stage: &Deployment) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
    )
    .fetch_all(stage.sql())
    .await
    .unwrap();
    assert!(tables.len() >= 5, "{tables:?}");
    let mut text = String::new();
    for table in tables {
        let question = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM \"{table}\" t");
        let rows: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(question)).fetch_one(stage.sql()).await.unwrap();
        text.push_str(&rows);
    }
    text
}

/// Every key with what it holds, as text.
async fn keys(stage: &Deployment) -> String {
    let mut board = stage.board().await;
    let keys: Vec<String> = ask(&mut board, &["KEYS", "*"]).await;
    assert!(keys.len() > 5, "{keys:?}");
    let mut text = keys.join("\n");
    for key in keys {
        let kind: String = ask(&mut board, &["TYPE", &key]).await;
        let held: Vec<String> = match kind.as_str() {
            "hash" => ask(&mut board, &["HGETALL", &key]).await,
            "zset" => ask(&mut board, &["ZRANGE", &key, "0", "-1"]).await,
            "set" => ask(&mut board, &["SMEMBERS", &key]).await,
            "string" => vec![ask(&mut board, &["GET", &key]).await],
            // Gone meanwhile.
            "none" => Vec::new(),
            other => panic!("{key} is a {other}"),
        };
        text = text + "\n" + &held.join("\n");
    }
    text
}

async fn ask<T: redis::FromRedisValue>(board: &mut MultiplexedConnection, words: &[&str]) -> T {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(*word);
    }
    command.query_async(board).await.unwrap()
}
