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
        .args(["run", "paint", "--dir=tools", "--reporter=dot", "--disable-console-intercept"])
        .env("CONSOLE_PAGE", url)
        .env("NO_COLOR", "1")
        .current_dir(&project)
        .stdin(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "the page could not be measured");
}
