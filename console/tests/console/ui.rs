//! The page and its policy.

use reqwest::redirect::Policy;

use crate::stand::{Stand, client};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn the_page_is_served_under_the_strict_policy_and_asked_for_each_time() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let page = stand.get("/ui").await?;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-security-policy"], POLICY);
    assert_eq!(page.headers()["cache-control"], "no-cache");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    let tag = page.headers()["etag"].clone();
    let text = page.text().await?;
    assert!(text.contains("/ui/assets/") || text.contains("cargo xtask ui"), "{text}");
    let again = stand.client.get(format!("http://{}/ui", stand.address)).header("if-none-match", tag);
    let again = again.send().await?;
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()["content-security-policy"], POLICY);
    assert_eq!(again.bytes().await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn what_the_page_names_is_there_and_may_be_kept_for_ever() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let page = stand.get("/ui").await?.text().await?;
    // Without a build the page names nothing; `cargo xtask test` builds it.
    for name in page.split('"').filter(|text| text.starts_with("/ui/assets/")) {
        let asset = stand.get(name).await?;
        assert_eq!(asset.status(), 200, "{name}");
        assert_eq!(asset.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_ne!(asset.headers()["content-type"], "application/octet-stream", "{name}");
    }
    for name in ["nothing.js", "../index.html", "..%2findex.html", ""] {
        assert_eq!(stand.get(&format!("/ui/assets/{name}")).await?.status(), 404, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_root_leads_to_the_page() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    drop(client());
    let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build()?;
    let answer = client.get(format!("http://{}/", stand.address)).send().await?;
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["location"], "/ui#/admin/canaries");
    Ok(())
}
