//! Reasons of the operators not to fire: pauses and maintenance windows.

use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::{Moment, Reason};

/// What kind of hold it is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    SerializeDisplay,
    DeserializeFromStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum HoldKind {
    /// Until somebody resumes the path.
    Pause,
    /// A window with a planned end.
    Maintenance,
}

/// Slots due while a hold is on are skipped (design §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What kind it is.
    pub kind: HoldKind,
    /// The path it is about; `None`: all of them.
    pub path: Option<String>,
    /// From when on.
    pub from: Moment,
    /// Until when, exclusive; `None`: until it is lifted.
    pub until: Option<Moment>,
}

impl Hold {
    /// Why a slot of this path that begins at this moment is skipped, if this hold skips it.
    #[must_use]
    pub fn skips(&self, path: &str, moment: Moment) -> Option<Reason> {
        let concerns = self.path.as_deref().is_none_or(|held| held == path);
        let on = self.from <= moment && self.until.is_none_or(|until| moment < until);
        (concerns && on).then_some(match self.kind {
            HoldKind::Pause => Reason::Paused,
            HoldKind::Maintenance => Reason::Maintenance,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_skips_its_own_path_within_its_own_time() {
        let at = |second| chrono::DateTime::from_timestamp(second, 0).unwrap();
        let pause = Hold { kind: HoldKind::Pause, path: Some("p".into()), from: at(10), until: None };
        assert_eq!(pause.skips("p", at(10)), Some(Reason::Paused));
        assert_eq!(pause.skips("p", at(9)), None);
        assert_eq!(pause.skips("q", at(10)), None);
        let window = Hold { kind: HoldKind::Maintenance, path: None, from: at(10), until: Some(at(20)) };
        assert_eq!(window.skips("q", at(19)), Some(Reason::Maintenance));
        assert_eq!(window.skips("q", at(20)), None);
    }
}
