//! `docs/failpoints.md`: made of what the binary lists and what the cases say.

use std::fmt::Write as _;
use std::path::Path;

use canary_tests::{Ended, canary_with};

use crate::cases::CASES;

/// Name and edge of each point, as the binary lists them.
pub async fn points() -> Vec<(String, String)> {
    let ended = listed_with("").await;
    let built = "it has no failpoints: cargo build -p canary-service --bin canary --features failpoints";
    assert_eq!(ended.code(), Some(0), "{built}\n{}", ended.stderr);
    let line = |line: &str| line.split_once('\t').map(|(name, edge)| (name.to_owned(), edge.to_owned()));
    ended.stdout.lines().map(|text| line(text).unwrap()).collect()
}

/// `canary failpoints`, with these armed.
pub async fn listed_with(failpoints: &str) -> Ended {
    canary_with(&["failpoints"], &[("FAILPOINTS", failpoints)], 20).await
}

/// Compares the page with what it should be, which is written beside the test's other files.
pub fn compare(points: &[(String, String)]) {
    let mut page =
        "# Failpoints\n\n| point | done \\| not done | after a restart | dies |\n|---|---|---|---|\n"
            .to_owned();
    for ((name, edge), case) in points.iter().zip(CASES) {
        let dies = if case.beside { "alone, beside another" } else { "alone" };
        writeln!(page, "| `{name}` | {} | {} | {dies} |", edge.replace('|', "\\|"), case.after).unwrap();
    }
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("failpoints.md");
    std::fs::write(&made, &page).unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/failpoints.md");
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    assert!(kept == page, "docs/failpoints.md is not what it should be: copy {}", made.display());
}
