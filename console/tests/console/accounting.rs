//! `GET /accounting`.

use canary_domain::Backend;
use serde_json::json;

use crate::on_both_ledgers;
use crate::stand::{API, Stand};

on_both_ledgers! { every_slot_of_every_path_is_accounted_for }

async fn every_slot_of_every_path_is_accounted_for(stand: Stand) -> anyhow::Result<()> {
    assert_eq!(stand.json(&format!("{API}/accounting"), 200).await?, json!({ "paths": [], "residual": 0 }));
    stand.write(Backend::Async, Some(500)).await?;
    stand.write(Backend::Async, None).await?;
    assert_eq!(
        stand.json(&format!("{API}/accounting"), 200).await?,
        json!({
            "paths": [{
                "path": "p-async", "slots": 2, "passed": 1, "late": 0, "failed": 1, "inconclusive": 0,
                "skipped": 0, "missed": 0, "pending": 0, "residual": 0
            }],
            "residual": 0
        })
    );
    Ok(())
}
