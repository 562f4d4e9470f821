//! Every closed row at the receiver, exactly as the ledger has it.

use std::collections::BTreeSet;

use canary_test_servers::VictoriaMetrics;
use canary_tests::exported::{Stored, stored, wanted};
use canary_tests::{Deployment, Row, until};

/// The section of the configuration.
pub fn section(receiver: &VictoriaMetrics) -> String {
    format!("[export]\nremote_write = \"{}/api/v1/write\"\nevery = \"1s\"\n", receiver.url())
}

/// Waits until the samples of these rows are there, then compares all that is. The receiver keeps what is pushed twice
/// twice, so a value that ever was another one shows.
pub async fn assert_exported(stage: &Deployment, receiver: &VictoriaMetrics, rows: &[Row]) {
    let closed = wanted(rows.iter().filter(|row| row.judged()));
    let mut there = Stored::new();
    until("every closed row's samples", 40, async || {
        there = stored(receiver, stage.name()).await;
        closed.keys().all(|key| there.contains_key(key))
    })
    .await;
    let all = wanted(stage.rows().await.iter().filter(|row| row.judged()));
    for (key, values) in &there {
        let values: BTreeSet<u64> = values.iter().map(|value| value.to_bits()).collect();
        let should = all.get(key).unwrap_or_else(|| panic!("{key:?} is of no row: {values:?}"));
        assert_eq!(values, should.iter().map(|value| value.to_bits()).collect(), "{key:?}");
    }
}
