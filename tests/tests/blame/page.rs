//! `docs/blame.md`: the confusion matrix and the table of all faults, without any figure that depends on the run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use canary_tests::Route;

use crate::case::{Class, Whose};
use crate::lane::{Found, Said};

const INTRO: &str = "# Whom a fault is blamed on

Every single fault that the sandbox can make of the platform, and every fault of the canary's own parts, stores, clock and ways,
is made while a real canary runs on real stores, over all six paths of the matrix (frame `a` is the local one). This page is
what the verdicts said. It is written by the test that checks it, and holds nothing that depends on the run:

```sh
cargo build -p canary-service --bin canary
cargo test -p canary-tests --test blame                          # compares
CANARY_BLAME=write cargo test -p canary-tests --test blame       # writes this page anew
```

The test keeps every verdict that ever stood in the ledger, for however short a time. No fault of the canary's own may be held
against the platform at any moment; each fault of the platform's has to be, at the stage that it breaks.

";

/// The page.
pub struct Page {
    matrix: String,
    text: String,
}

impl Page {
    pub fn of(found: &[&Found]) -> Self {
        let matrix = matrix(found);
        let text = format!(
            "{INTRO}## The confusion matrix\n\nEach fault counts once a path.\n\n{matrix}{}",
            tables(found)
        );
        Self { matrix, text }
    }

    /// Prints the matrix.
    #[expect(clippy::print_stdout, reason = "the matrix is what this test is read for")]
    pub fn show(&self) {
        println!("{}", self.matrix);
    }

    /// Compares with the committed page, or writes it.
    ///
    /// # Panics
    /// If they differ.
    #[track_caller]
    pub fn compare(&self, wanted: &Wanted) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/blame.md");
        match wanted {
            Wanted::Some(_) => return,
            Wanted::ToBeWritten => return std::fs::write(path, &self.text).unwrap(),
            Wanted::All => {}
        }
        let committed = std::fs::read_to_string(path).unwrap();
        let (is, was): (BTreeSet<&str>, BTreeSet<&str>) =
            (self.text.lines().collect(), committed.lines().collect());
        let lines =
            |a: &BTreeSet<&str>, b: &BTreeSet<&str>| a.difference(b).copied().collect::<Vec<_>>().join("\n");
        assert!(
            self.text == committed,
            "docs/blame.md says\n{}\nand found was\n{}",
            lines(&was, &is),
            lines(&is, &was)
        );
    }
}

/// Which faults are made, and what becomes of the page.
pub enum Wanted {
    /// All, and the page is compared.
    All,
    /// All, and the page is written.
    ToBeWritten,
    /// Those with this in their names.
    Some(String),
}

/// What `CANARY_BLAME` says.
#[expect(clippy::disallowed_methods, reason = "how a developer asks for the page, or for a part of it")]
pub fn wanted() -> Wanted {
    match std::env::var_os("CANARY_BLAME").map(|word| word.to_string_lossy().into_owned()) {
        None => Wanted::All,
        Some(word) if word == "write" => Wanted::ToBeWritten,
        Some(name) => Wanted::Some(name),
    }
}

/// Whether everything said under a fault is true.
pub fn right(found: &Found) -> bool {
    let said = |said: &Said| said.wrongly.is_empty() && said.shown() == said.truth;
    found.verdicts.len() == Route::MATRIX.len() && found.verdicts.values().all(said)
}

/// What is wrong, in words.
pub fn wrong(found: &Found) -> String {
    let of = |(path, said): (&&str, &Said)| {
        let Said { truth, text, blamed, wrongly, .. } = said;
        format!(
            "    {path}: {text}, which blames {blamed}, and the truth is {truth}; wrongly at some time: {wrongly:?}"
        )
    };
    let lines: Vec<String> = found.verdicts.iter().map(of).collect();
    format!("{} ({}):\n{}", found.case.name, found.title, lines.join("\n"))
}

impl Said {
    /// What the page shows of it: where the moment decides, what it may be.
    fn shown(&self) -> Class {
        match (&self.truth, &self.blamed) {
            (Class::NoneOrCanary, Class::None | Class::Canary) => Class::NoneOrCanary,
            (_, blamed) => blamed.clone(),
        }
    }
}

fn whose(whose: Whose) -> &'static str {
    match whose {
        Whose::Platform => "the platform's",
        Whose::Canary => "the canary's own",
        Whose::Nobody => "nobody's",
    }
}

/// Rows: whose it was, and what it broke. Columns: what the verdict blamed.
fn matrix(found: &[&Found]) -> String {
    let mut cells = BTreeMap::<(Whose, Class), BTreeMap<Class, usize>>::new();
    for found in found {
        for said in found.verdicts.values() {
            let row = cells.entry((found.case.whose, said.truth.clone())).or_default();
            *row.entry(said.shown()).or_default() += 1;
        }
    }
    let columns: BTreeSet<Class> = cells.values().flat_map(|row| row.keys().cloned()).collect();
    let mut text = String::from("| whose fault, and what it breaks |");
    columns.iter().for_each(|class| write!(text, " {} |", cell(class)).unwrap());
    write!(text, "\n|---|{}\n", "---:|".repeat(columns.len())).unwrap();
    for ((owner, truth), row) in &cells {
        write!(text, "| {}: {} |", whose(*owner), cell(truth)).unwrap();
        for class in &columns {
            let count = row.get(class).map_or_else(|| "·".to_owned(), usize::to_string);
            write!(text, " {count} |").unwrap();
        }
        text.push('\n');
    }
    text
}

fn cell(class: &Class) -> String {
    class.to_string().replace('|', "\\|")
}

fn tables(found: &[&Found]) -> String {
    let mut text = String::new();
    let mut title = "";
    for found in found {
        if found.title != title {
            title = found.title;
            write!(text, "\n## {title}\n\n| fault | whose | verdicts | why |\n|---|---|---|---|\n").unwrap();
        }
        let case = &found.case;
        let verdicts = told(found).replace('|', "\\|");
        writeln!(text, "| {} | {} | {verdicts} | {} |", case.name, whose(case.whose), case.why).unwrap();
    }
    text
}

/// The verdicts, those of most paths last.
fn told(found: &Found) -> String {
    let mut paths = BTreeMap::<String, Vec<&str>>::new();
    for (path, said) in &found.verdicts {
        let text = match said.shown() {
            Class::NoneOrCanary => "passed, inconclusive or missed".to_owned(),
            Class::None | Class::Canary | Class::Platform(_) => said.text.clone(),
        };
        paths.entry(text).or_default().push(path);
    }
    if paths.len() == 1 {
        return paths.into_keys().map(|text| format!("{text} on all paths")).collect();
    }
    let mut paths: Vec<(String, Vec<&str>)> = paths.into_iter().collect();
    paths.sort_by_key(|(text, paths)| (text == "passed", paths.len()));
    let told = paths.into_iter().map(|(text, paths)| format!("{text} on {}", paths.join(", ")));
    told.collect::<Vec<_>>().join("; ")
}
