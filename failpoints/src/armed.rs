//! What an armed point does.

use std::process::abort;
use std::time::Duration;

use fail::{FailScenario, fail_point};

/// Points are armed as long as this lives.
#[must_use = "points are armed as long as this lives"]
pub struct Armed(
    #[expect(dead_code, reason = "disarms the points when it is dropped")] FailScenario<'static>,
);

/// Arms the points that `FAILPOINTS` names.
///
/// # Errors
/// Names that are not `known`: the process would never die there.
///
/// # Panics
/// If the variable can't be read as `name=actions;…`.
pub fn arm(known: &[&str]) -> Result<Armed, Vec<String>> {
    let armed = Armed(FailScenario::setup());
    let unknown: Vec<String> = fail::list()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !known.contains(&name.as_str()))
        .collect();
    if unknown.is_empty() { Ok(armed) } else { Err(unknown) }
}

pub(crate) fn reached(name: &str) {
    fail_point!(name, |_| die(name));
}

pub(crate) fn wait(name: &str) -> Option<Duration> {
    fail_point!(name, |ms| ms?.parse().ok().map(Duration::from_millis));
    None
}

/// No task ends in order, nothing is flushed or handed back: the kernel closes what is open.
#[expect(clippy::print_stderr, reason = "a log would be too late: the process ends here")]
fn die(name: &str) {
    eprintln!("failpoint {name}: the process dies here");
    abort();
}
