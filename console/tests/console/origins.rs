//! Whose pages may change anything.

use reqwest::Method;
use reqwest::header::{COOKIE, ORIGIN};
use serde_json::json;

use crate::desk::{Desk, OPERATOR, kind};
use crate::stand::Stand;

const FOREIGN: [(&str, &str); 5] = [
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
    ("origin", "https://evil.example"),
    ("origin", "http://127.0.0.1:1"),
    ("origin", "null"),
];

#[tokio::test]
async fn nothing_is_changed_for_a_foreign_page() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(OPERATOR).await?;
    for path in ["/paths/p-async/pause", "/paths/p-async/fire", "/maintenance", "/nothing"] {
        for (name, value) in FOREIGN {
            for (credential, given) in
                [(COOKIE, cookie.clone()), ("authorization".parse()?, format!("Bearer {OPERATOR}"))]
            {
                let request = desk.bare(Method::POST, path).header(name, value).header(credential, given);
                assert_eq!(
                    kind(request.send().await?, 403).await?,
                    "foreign-origin",
                    "{path} {name}: {value}"
                );
            }
        }
    }
    let unsaid = desk.bare(Method::POST, "/paths/p-async/pause").header(COOKIE, cookie).send().await?;
    assert_eq!(kind(unsaid, 403).await?, "foreign-origin", "a cookie alone says nothing of the page");
    assert_eq!((desk.held().await?, desk.audited("pause").await?), (0, 0));
    assert!(desk.world.fired.lock().unwrap().is_empty());
    Ok(())
}

#[tokio::test]
async fn nobody_is_signed_in_or_out_by_a_foreign_page() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for method in [Method::POST, Method::DELETE] {
        for (name, value) in FOREIGN {
            let request = desk.bare(method.clone(), "/session").json(&json!({ "token": OPERATOR }));
            let answer = request.header(name, value).send().await?;
            assert!(!answer.headers().contains_key("set-cookie"));
            assert_eq!(kind(answer, 403).await?, "foreign-origin", "{method} {name}: {value}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_consoles_own_page_and_whoever_bears_a_token_may_act() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(OPERATOR).await?;
    let own = format!("http://{}", desk.address);
    for (name, value) in [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", &own)] {
        let request = desk.bare(Method::POST, "/paths/p-async/pause").header(COOKIE, &cookie);
        assert_eq!(request.header(name, value).send().await?.status(), 200, "{name}: {value}");
    }
    let answer = desk.with_token(Method::POST, "/paths/p-async/resume", OPERATOR).send().await?;
    assert_eq!(answer.status(), 200, "curl");
    Ok(())
}

#[tokio::test]
async fn an_open_console_is_not_acted_on_by_a_page_of_another_site() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    for (name, value) in FOREIGN {
        let request = stand.bare(Method::POST, "/paths/p-async/fire").header(name, value);
        assert_eq!(kind(request.send().await?, 403).await?, "foreign-origin", "{name}: {value}");
    }
    assert!(stand.world.fired.lock().unwrap().is_empty());
    let read = stand.bare(Method::GET, "/accounting").header(ORIGIN, "https://evil.example").send().await?;
    assert!(!read.headers().contains_key("access-control-allow-origin"));
    assert_eq!(kind(read, 403).await?, "foreign-host");
    Ok(())
}
