//! The commands of an operator: `check`, `status`, `migrate`, `sandbox`.

use canary_sandbox::{Call, CallFault, FaultSet};
use canary_tests::{Deployment, Ended, Plan, Process, Route, canary, run, until};

use crate::healthy::healthy;

#[test]
fn check_says_a_line_of_each_thing_that_it_tried_and_exits_0() {
    run(async {
        let healthy = healthy().await;
        let ended = healthy.stage.canary(&["check"]).await;
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        for what in ["configuration", "board", "ledger", "agent alpha", "agent charlie", "event store"] {
            assert!(line(&ended, what).starts_with("ok "), "{}", ended.stdout);
        }
        assert!(line(&ended, "agent alpha").contains("balance 9999"), "{}", ended.stdout);
    });
}

#[test]
fn check_exits_1_and_names_the_agent_whose_secret_is_wrong() {
    run(async {
        let healthy = healthy().await;
        healthy.stage.write("wrong.secret", "hunter2");
        let file = with(&healthy.stage, "wrong-secret.toml", "alpha.secret", "wrong.secret");
        let ended = healthy.stage.canary_on(&file, &["check"]).await;
        assert_eq!(ended.code(), Some(1), "{}{}", ended.stdout, ended.stderr);
        let failed = line(&ended, "agent alpha");
        assert!(failed.starts_with("failed ") && failed.contains("401"), "{failed}");
        assert!(line(&ended, "agent charlie").starts_with("ok "), "{}", ended.stdout);
        assert!(!(ended.stdout + &ended.stderr).contains("hunter2"));
    });
}

#[test]
fn check_exits_1_and_names_stores_that_do_not_answer_without_their_passwords() {
    run(async {
        let healthy = healthy().await;
        healthy.stage.write("away.redis", "redis://:hunter2@127.0.0.1:1");
        healthy.stage.write("away.postgres", "postgres://canary:hunter2@127.0.0.1:1/canary");
        with(&healthy.stage, "away.toml", "redis.url", "away.redis");
        let text = std::fs::read_to_string(healthy.stage.folder().join("away.toml")).unwrap();
        healthy.stage.write("away.toml", &text.replace("postgres.url", "away.postgres"));
        let ended = healthy.stage.canary_on("away.toml", &["check"]).await;
        assert_eq!(ended.code(), Some(1), "{}{}", ended.stdout, ended.stderr);
        for store in ["board", "ledger"] {
            let failed = line(&ended, store);
            assert!(failed.starts_with("failed ") && failed.contains("127.0.0.1:1"), "{failed}");
        }
        assert!(line(&ended, "event store").starts_with("ok "), "the rest is tried all the same");
        assert!(!(ended.stdout + &ended.stderr).contains("hunter2"));
    });
}

#[test]
fn migrate_may_be_run_again_and_again() {
    run(async {
        let stage = Deployment::start(Plan::default()).await;
        let before = stage.canary(&["check"]).await;
        assert_eq!(before.code(), Some(1), "{}", before.stdout);
        assert!(line(&before, "ledger").contains("canary migrate"), "{}", before.stdout);
        for _ in 0..2 {
            let ended = stage.canary(&["migrate"]).await;
            assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
            assert!(ended.stdout.contains("is up to date"), "{}", ended.stdout);
        }
        assert_eq!(stage.canary(&["check"]).await.code(), Some(0));
    });
}

#[test]
fn status_is_2_when_nobody_answers_0_when_all_is_well_and_1_when_a_path_fails() {
    run(async {
        let plan = Plan { routes: Route::named(&["a-intra"]), ..Plan::default() };
        let stage = Deployment::start(plan).await;
        let away = stage.canary(&["status"]).await;
        assert_eq!(away.code(), Some(2), "{}{}", away.stdout, away.stderr);
        let _canary = stage.launch_ready().await;
        let said = async |code, word: &str| {
            until(format!("status {code}"), 30, async || {
                let ended = stage.canary_on("run-0.toml", &["status"]).await;
                ended.code() == Some(code) && line(&ended, "a-intra").contains(word)
            })
            .await;
        };
        said(0, "passed").await;
        let refused = CallFault::answers(Call::Transfer, 400);
        stage.sandbox().faults().set(FaultSet::of([refused.into()]));
        said(1, "failed/rejected").await;
    });
}

#[test]
fn the_sandbox_writes_a_configuration_that_a_canary_runs_on() {
    run(async {
        let mut sandbox = Process::spawn(&["sandbox", "--write-config", "."]);
        let file = sandbox.folder().join("canary.toml");
        until("the configuration", 20, async || sandbox.log().contains("canary.toml")).await;
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("127.0.0.1:8080"), "{text}");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        std::fs::write(&file, text.replace("127.0.0.1:8080", &port.to_string())).unwrap();
        let config = file.to_str().unwrap();
        let mut running = Process::spawn(&["run", "--config", config]);
        until("a healthy canary", 60, async || {
            canary(&["status", "--config", config], 20).await.code() == Some(0)
        })
        .await;
        assert_eq!(running.terminate().await.code(), Some(0));
        assert_eq!(sandbox.terminate().await.code(), Some(0));
    });
}

/// The first line that tells of something.
fn line<'a>(ended: &'a Ended, what: &str) -> &'a str {
    let found = ended.stdout.lines().find(|line| line.contains(what));
    found.unwrap_or_else(|| panic!("nothing is said of {what}: {}{}", ended.stdout, ended.stderr))
}

/// Writes `canary.toml` with one name replaced; answers the file's name.
fn with(stage: &Deployment, file: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(stage.folder().join("canary.toml")).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    stage.write(file, &text.replace(from, to));
    file.to_owned()
}
