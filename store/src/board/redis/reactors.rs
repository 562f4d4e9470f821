//! What reactors say of themselves, as hashes.

use canary_domain::{Interval, iso};

use super::fields::{Fields, Hash};
use crate::board::ReactorState;

/// The reactor's name in the index, and the end of its key.
pub(super) fn name(state: &ReactorState) -> String {
    format!("{}:{}:{}", state.frame, state.event_type, state.node)
}

/// The fields of a reactor's hash. They name it too: names may have colons in them.
pub(super) fn fields(state: &ReactorState) -> Fields {
    let mut fields = Fields::default();
    fields.set("frame", &state.frame);
    fields.set("event_type", &state.event_type);
    fields.set("node", &state.node);
    fields.set_some("position", state.position);
    fields.set_some("covered_from_iso", state.covered.map(|covered| iso(covered.from)));
    fields.set_some("covered_until_iso", state.covered.map(|covered| iso(covered.until)));
    fields.set("connected", &state.connected);
    fields.set_some("last_event_iso", state.last_event_at.map(iso));
    fields.set("events_total", &state.events_total);
    fields.set("matched_total", &state.matched_total);
    fields.set("reconnects_total", &state.reconnects_total);
    fields
}

/// Reads a reactor's hash; `None` if it is not one.
pub(super) fn state(hash: &Hash) -> Option<ReactorState> {
    let covered = hash.may_moment("covered_from_iso")?.zip(hash.may_moment("covered_until_iso")?);
    Some(ReactorState {
        frame: hash.need("frame")?,
        event_type: hash.need("event_type")?,
        node: hash.need("node")?,
        position: hash.may("position")?,
        covered: covered.map(|(from, until)| Interval { from, until }),
        connected: hash.need("connected")?,
        last_event_at: hash.may_moment("last_event_iso")?,
        // Absent where an older version wrote it.
        events_total: hash.may("events_total")?.unwrap_or_default(),
        matched_total: hash.may("matched_total")?.unwrap_or_default(),
        reconnects_total: hash.may("reconnects_total")?.unwrap_or_default(),
    })
}
