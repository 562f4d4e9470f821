//! `GET /about`.

use canary_domain::{Backend, EventType, Outcome, Reason, Via};
use serde_json::Value;

use crate::stand::{API, Stand};

#[tokio::test]
async fn six_blocks_tell_what_the_rules_are_made_of() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let about = stand.json(&format!("{API}/about"), 200).await?;
    let blocks = about["blocks"].as_array().unwrap();
    let ids: Vec<&str> = blocks.iter().map(|block| block["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "path_matrix",
            "fire_cadence",
            "validation_pipeline",
            "failure_semantics",
            "observability_surface",
            "source_files"
        ]
    );
    for block in blocks {
        let columns = block["columns"].as_array().unwrap().len();
        let rows = block["rows"].as_array().unwrap();
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row.as_array().unwrap().len() == columns),
            "{block}"
        );
    }
    let cells = |block: usize, column: usize| -> Vec<&str> {
        let rows = blocks[block]["rows"].as_array().unwrap();
        rows.iter().map(|row: &Value| row[column].as_str().unwrap()).collect()
    };
    assert_eq!(cells(0, 1), Backend::ALL.iter().map(|backend| backend.as_str()).collect::<Vec<_>>());
    assert_eq!(cells(0, 4)[1], "cf_initiated and (cf_settled_local or cf_settled_remote)");
    assert_eq!(cells(0, 7), ["30 s", "330 s", "60 s"]);
    assert_eq!((cells(1, 0)[0], cells(1, 1)[0]), ("fire_every", "60 s"));
    assert_eq!(cells(2, 0).len(), EventType::ALL.len() + Via::ALL.len());
    assert_eq!(cells(3, 0).len(), Outcome::ALL.len() + Reason::ALL.len());
    let surface = cells(4, 1);
    assert!(surface.contains(&"canary_sights_total"), "a metric: {surface:?}");
    assert!(surface.contains(&"GET /api/v1/canaries/stream"), "an operation: {surface:?}");
    assert_eq!(blocks[5]["rows"], serde_json::json!([["runner/", "Fires."]]));
    Ok(())
}

#[tokio::test]
async fn every_page_that_it_names_is_served() -> anyhow::Result<()> {
    let stand = crate::past::Past::begin().await?.console().await?;
    let about = stand.json(&format!("{API}/about"), 200).await?;
    let rows = about["blocks"][4]["rows"].as_array().unwrap();
    let pages = rows.iter().filter(|row| row[0] == "page");
    for page in pages.map(|row| row[1].as_str().unwrap()) {
        let path = page.strip_prefix("GET ").unwrap().replace("{path}", "p-intra");
        assert_eq!(stand.get(&path).await?.status(), 200, "{path}");
    }
    Ok(())
}
