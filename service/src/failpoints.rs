//! The failpoints of all parts: armed by `FAILPOINTS`, listed by `canary failpoints`. Not in a build that is shipped.

use canary_failpoints::{Armed, Point, Wait, arm as arm_known};

/// In the order of a test's way.
const POINTS: [&[Point]; 4] =
    [canary_runner::POINTS, canary_validators::POINTS, canary_judge::POINTS, canary_export::POINTS];
const WAITS: [&[Wait]; 2] = [canary_judge::WAITS, canary_export::WAITS];

/// Arms the points that `FAILPOINTS` names.
///
/// # Errors
/// The names that no point has.
pub(crate) fn arm() -> Result<Armed, String> {
    let points = POINTS.into_iter().flatten().map(|point| point.name);
    let known: Vec<&str> = points.chain(WAITS.into_iter().flatten().map(|wait| wait.name)).collect();
    arm_known(&known).map_err(|unknown| unknown.join(", "))
}

/// Prints name and edge of each point; answers the exit code.
pub(crate) fn list() -> u8 {
    for point in POINTS.into_iter().flatten() {
        println!("{}\t{}", point.name, point.edge.trim());
    }
    0
}
