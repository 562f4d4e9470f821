//! The name of this instance.

use canary_domain::NodeId;

/// Host, process and a random part: unique among all that share a board, also where hosts share a name.
pub(crate) fn name() -> NodeId {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let host = if host.is_empty() { "host" } else { host };
    format!("{host}-{}-{:08x}", std::process::id(), rand::random::<u32>())
}
