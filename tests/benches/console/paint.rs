//! Chromium's view of it: the project in `tests/browser` opens the page and says when all blocks hold their data.

use std::path::Path;
use std::process::{Command, Stdio};

/// Opens the page some times, each with an empty cache, and prints what the browser measured.
pub(crate) fn report(url: &str) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let vitest = project.join("node_modules/.bin/vitest");
    if !vitest.exists() {
        println!("\nfirst paint: not measured; `npm ci` in tests/browser first");
        return;
    }
    println!();
    let status = Command::new(vitest)
        .args(["run", "--dir", "tools", "--reporter=dot", "--disable-console-intercept", "paint"])
        .env("CONSOLE_PAGE", url)
        .current_dir(&project)
        .stdin(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "the page could not be measured");
}
