//! Whatever goes wrong, and however much is logged, no secret is told (I8).

use canary_sandbox::{Call, CallFault, Fault, FaultSet, SocketFault};
use canary_tests::{Deployment, Instance, Plan, run, until};

use crate::support::{Row, expect, first_of_each, now, quick_on, strike};

const BOARD_PASSWORD: &str = "hidden-board-word";
const LEDGER_PASSWORD: &str = "hidden-ledger-word";

/// Whether it complained of this.
fn said(canary: &Instance, of: &str) -> bool {
    canary.log().lines().any(|line| line.contains(" WARN ") && line.contains(of))
}

#[test]
fn no_secret_is_told_by_log_metrics_or_api_while_everything_fails_in_turn() {
    run(async {
        let plan = Plan {
            own_redis: true,
            own_postgres: true,
            redis_arguments: ["--requirepass", BOARD_PASSWORD].map(String::from).to_vec(),
            log: "trace".into(),
            ..quick_on(&["a-intra", "b-async-a"])
        };
        let mut stage = Deployment::start(plan).await;
        let ledger = std::fs::read_to_string(stage.folder().join("postgres.url")).unwrap();
        let ledger = ledger.replace("postgres@", &format!("postgres:{LEDGER_PASSWORD}@"));
        stage.write("postgres.url", &ledger);
        let refused = [
            Fault::from(CallFault::answers(Call::Token, 401)).on("a"),
            Fault::from(CallFault::answers(Call::Token, 500)).on("b"),
            SocketFault::Closes { after_events: 0, abruptly: true }.into(),
            CallFault::answers(Call::Events, 500).into(),
        ];
        stage.sandbox().faults().set(FaultSet::of(refused));
        let mut canary = stage.launch();
        let began = now(&stage).await;
        first_of_each(&stage, began, Row::judged).await;
        strike(&stage, []).await;
        // What is fired before observers have ever been let in is not theirs to see.
        canary.ready().await;
        let healed = now(&stage).await;
        expect(&first_of_each(&stage, healed, Row::judged).await, |_| "passed");
        stage.postgres().stop().unwrap();
        let of_ledger = format!("PostgreSQL 127.0.0.1:{}", stage.postgres().port());
        until("words about the ledger", 20, async || said(&canary, &of_ledger)).await;
        stage.redis().stop().unwrap();
        let of_board = format!("redis at 127.0.0.1:{}", stage.redis().port());
        until("words about the board", 20, async || said(&canary, &of_board)).await;
        stage.redis().restart().unwrap();
        stage.postgres().restart().unwrap();
        canary.ready().await;

        let mut told = vec![("the log", canary.log())];
        for path in
            ["/metrics", "/readyz", "/status.json", "/api/v1/canaries/results", "/api/v1/canaries/accounting"]
        {
            told.push((path, canary.get(path).await.unwrap().text().await.unwrap()));
        }
        let sandbox = stage.sandbox();
        let mut secrets: Vec<String> =
            sandbox.agents().iter().map(|agent| agent.client_secret.clone()).collect();
        secrets.extend([BOARD_PASSWORD.into(), LEDGER_PASSWORD.into(), sandbox.frame("a").event_store_token]);
        // How a JWT begins.
        secrets.push("eyJ".into());
        for (place, text) in told {
            for secret in &secrets {
                let line = text.lines().find(|line| line.contains(secret.as_str()));
                assert!(line.is_none(), "{place} tells {secret}: {line:?}");
            }
        }
    });
}
