//! The harness keeps its own promises.

use std::path::Path;

use canary_tests::{Deployment, Plan, Row, Signal, run};

#[test]
fn a_canary_comes_up_on_real_stores_and_is_gone_when_it_is_dropped() {
    run(async {
        let stage = Deployment::start(Plan::default()).await;
        let mut canary = stage.launch_ready().await;
        let rows = stage.rows_when("a judged row", 30, |rows| rows.iter().any(Row::judged)).await;
        assert_eq!(rows[0].canary, stage.name());
        canary.signal(Signal::Stop);
        canary.signal(Signal::Continue);
        assert_eq!(canary.terminate().await.code(), Some(0));
        let other = stage.launch_ready().await;
        let (id, folder) = (other.id(), stage.folder().to_owned());
        drop((canary, other, stage));
        assert!(!Path::new(&format!("/proc/{id}")).exists(), "the process is gone");
        assert!(!folder.exists(), "the folder is gone");
    });
}
