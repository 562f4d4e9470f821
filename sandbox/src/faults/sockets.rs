//! What becomes of a socket, asked when it opens and whenever the faults change.

use super::{Faults, Place, What};

/// What the faults do to one socket from now on. The counts are events from the moment it was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SocketFate {
    pub stalls_after: Option<u64>,
    pub closes_after: Option<u64>,
    pub abruptly: bool,
    pub no_heartbeats: bool,
}

impl Faults {
    /// Decides about a socket of `place`'s frame that subscribes to `place`'s types.
    pub(crate) fn socket_fate(&self, place: Place<'_>) -> SocketFate {
        let mut fate = SocketFate::default();
        fate.stalls_after = self.draw(place, |what| match what {
            What::SocketStalls { after_events } => Some(*after_events),
            _ => None,
        });
        let closing = self.draw(place, |what| match what {
            What::SocketCloses { after_events, abruptly } => Some((*after_events, *abruptly)),
            _ => None,
        });
        if let Some((after, abruptly)) = closing {
            (fate.closes_after, fate.abruptly) = (Some(after), abruptly);
        }
        fate.no_heartbeats =
            self.draw(place, |what| matches!(what, What::HeartbeatsStop).then_some(())).is_some();
        fate
    }

    /// Whether a replay is answered with a gap.
    pub(crate) fn replay_gap(&self, place: Place<'_>) -> bool {
        self.draw(place, |what| matches!(what, What::ReplayGap).then_some(())).is_some()
    }
}
