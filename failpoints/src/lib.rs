//! Failpoints: places between "decided", "written", "sent" and "noted" where a process can be made to die on the spot.
//!
//! Each part of the way lists its own in its `points.rs`. Without the feature `on` all of this is nothing: no name,
//! no variable, no branch is in the program. With it, `FAILPOINTS` of the crate `fail` arms points by name:
//! `FAILPOINTS="runner.slot.claimed=2*off->return"` lets two slots pass the point and dies with the third. A panic would
//! not do: it ends a task, and the others would tidy up behind it.

#[cfg(all(feature = "on", not(debug_assertions)))]
compile_error!("failpoints are for debug builds: a program that is shipped must not die on order");

#[cfg(feature = "on")]
mod armed;

use std::time::Duration;

#[cfg(feature = "on")]
pub use armed::{Armed, arm};

/// A place where the process dies if the point is armed with `return`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// What `FAILPOINTS` calls it.
    pub name: &'static str,
    /// What has been done there, and what has not.
    pub edge: &'static str,
}

impl Point {
    /// Ends the process as SIGKILL would, and says so, if the point is armed.
    #[inline]
    pub fn reached(&self) {
        #[cfg(feature = "on")]
        armed::reached(self.name);
    }
}

/// A time that tests can't wait for: armed with `return(1500)` it is 1,500 milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What `FAILPOINTS` calls it.
    pub name: &'static str,
}

impl Wait {
    /// The time that was armed, or else the usual one.
    #[inline]
    #[must_use]
    pub fn or(&self, usual: Duration) -> Duration {
        #[cfg(feature = "on")]
        let usual = armed::wait(self.name).unwrap_or(usual);
        usual
    }
}

/// Declares points as constants, a line of documentation and a name each, and all of them as `POINTS`.
#[macro_export]
macro_rules! points {
    ($(#[doc = $edge:literal] $point:ident = $name:literal;)+) => {
        $(
            #[doc = $edge]
            pub(crate) const $point: $crate::Point = $crate::Point { name: $name, edge: $edge };
        )+
        /// The failpoints of this part, in the order of its way.
        pub const POINTS: &[$crate::Point] = &[$($point),+];
    };
}
