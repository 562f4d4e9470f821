//! What becomes of a socket, asked when it opens and whenever the faults change.

use super::{Faults, Place, SocketFault, What};

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
        let struck = self.draw_all(place, |what| {
            let What::Socket(fault) = what else { return None };
            (*fault != SocketFault::ReplayGap).then(|| fault.clone())
        });
        for fault in struck {
            match fault {
                SocketFault::Closes { after_events, abruptly } => {
                    (fate.closes_after, fate.abruptly) = (Some(after_events), abruptly);
                }
                SocketFault::Stalls { after_events } => fate.stalls_after = Some(after_events),
                SocketFault::NoHeartbeats => fate.no_heartbeats = true,
                SocketFault::ReplayGap => {}
            }
        }
        fate
    }

    /// Whether a replay is answered with a gap; asked apart, so that `first` counts replays.
    pub(crate) fn replay_gap(&self, place: Place<'_>) -> bool {
        self.draw(place, |what| (*what == What::Socket(SocketFault::ReplayGap)).then_some(())).is_some()
    }
}
