//! Writes the tables of `docs/model.md`: between its two marks, the rest is left alone.

use std::path::Path;

use anyhow::Context as _;
use canary_model::report;

const BEGIN: &str = "<!-- made by `cargo run -p canary-model` -->\n";
const END: &str = "<!-- end -->";

fn main() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/model.md");
    let page = std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    let (head, rest) = page.split_once(BEGIN).context("the page has lost the mark of the tables' begin")?;
    let (_, tail) = rest.split_once(END).context("the page has lost the mark of the tables' end")?;
    let page = format!("{head}{BEGIN}\n{}\n{END}{tail}", report::tables());
    std::fs::write(&path, page).with_context(|| format!("can't write {}", path.display()))
}
