//! Who is let in.

use canary_console::BindError;
use reqwest::Method;
use reqwest::header::HOST;

use crate::desk::kind;
use crate::stand::{API, Stand, local, problem, refusal};

/// `printf %s secret | sha256sum`
const SECRET: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

async fn guarded() -> anyhow::Result<Stand> {
    Stand::with(|folder| {
        let file = folder.path().join("tokens");
        std::fs::write(&file, format!("ann:viewer:{SECRET}\n")).unwrap();
        canary_console::Settings { admin_token_file: Some(file), ..local() }
    })
    .await
}

#[tokio::test]
async fn without_a_known_token_nothing_of_the_admin_api_is_told() -> anyhow::Result<()> {
    let stand = guarded().await?;
    for (path, wrong) in [
        ("/results", "Secret"),
        ("/results/7", ""),
        ("/accounting", SECRET),
        ("/nothing", "x"),
        ("", "secret2"),
    ] {
        let url = format!("http://{}{API}{path}", stand.address);
        for token in [None, Some(wrong)] {
            let mut request = stand.client.get(&url);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await?;
            assert!(answer.headers()["www-authenticate"].to_str()?.starts_with("Bearer"));
            let told = problem(answer, 401).await?;
            assert!(!told.to_string().contains(SECRET), "{told}");
        }
    }
    let answer = stand.client.get(format!("http://{}{API}/results", stand.address)).bearer_auth("secret");
    assert_eq!(answer.send().await?.status(), 200);
    assert_eq!(stand.get("/healthz").await?.status(), 200, "what is public stays public");
    Ok(())
}

#[tokio::test]
async fn the_last_token_is_revoked_without_a_restart() -> anyhow::Result<()> {
    let stand = guarded().await?;
    let url = format!("http://{}{API}/accounting", stand.address);
    let status =
        async || stand.client.get(&url).bearer_auth("secret").send().await.map(|answer| answer.status());
    assert_eq!(status().await?, 200);
    std::fs::write(stand.folder.path().join("tokens"), "# nobody any more\n")?;
    let refused = async {
        while status().await? != 401 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), refused).await??;
    Ok(())
}

#[tokio::test]
async fn an_open_console_answers_only_local_names() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let url = format!("http://{}{API}/accounting", stand.address);
    let answer = stand.client.get(&url).header(HOST, "evil.example").send().await?;
    let told = problem(answer, 403).await?;
    assert!(told["detail"].as_str().unwrap().contains("console.admin_token_file"));
    let answer = stand.client.get(&url).header(HOST, "localhost:8080").send().await?;
    assert_eq!(answer.status(), 200);
    Ok(())
}

#[tokio::test]
async fn an_open_console_answers_nobody_who_came_by_a_proxy_and_no_page_of_elsewhere() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    for (name, value) in [
        ("forwarded", "for=192.0.2.7"),
        ("via", "1.1 proxy"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "localhost"),
        ("origin", "https://evil.example"),
        ("origin", "https://localhost.evil.example"),
        ("origin", "null"),
    ] {
        for path in ["/accounting", "/session", "/stream"] {
            let answer = stand.bare(Method::GET, path).header(name, value).send().await?;
            assert_eq!(kind(answer, 403).await?, "foreign-host", "{name}: {value} {path}");
        }
    }
    for proxied in ["/paths/p-async/fire", "/session"] {
        let request = stand.of_page(Method::POST, proxied).header("x-forwarded-for", "192.0.2.7");
        let answer = request.json(&serde_json::json!({ "token": "any" })).send().await?;
        assert_eq!(kind(answer, 403).await?, "foreign-host", "{proxied}");
    }
    assert!(stand.world.fired.lock().unwrap().is_empty());
    let own = stand.bare(Method::GET, "/accounting").header("origin", format!("http://{}", stand.address));
    assert_eq!(own.send().await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn a_console_without_tokens_refuses_to_listen_where_others_can_reach_it() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let settings = canary_console::Settings { listen: address.parse()?, ..local() };
        let error = refusal(settings, folder.path().into()).await;
        assert!(matches!(error, BindError::Open { .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains("console.admin_token_file is not set") && told.contains("127.0.0.1"), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_token_file_that_cannot_be_used_is_named_with_its_setting() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tokens");
    for (content, told) in [(None, "No such file"), (Some(""), "holds no token"), (Some("hunter2"), "line 1")]
    {
        if let Some(content) = content {
            std::fs::write(&file, content)?;
        }
        let settings = canary_console::Settings { admin_token_file: Some(file.clone()), ..local() };
        let error = refusal(settings, folder.path().into()).await.to_string();
        assert!(error.starts_with("console.admin_token_file: ") && error.contains(told), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_setting() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let folder = tempfile::tempdir()?;
    let settings = canary_console::Settings { metrics_listen: Some(stand.address), ..local() };
    let error = refusal(settings, folder.path().into()).await.to_string();
    assert!(
        error.contains("console.metrics_listen") && error.contains(&stand.address.to_string()),
        "{error}"
    );
    Ok(())
}
