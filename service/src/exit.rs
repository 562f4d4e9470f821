//! Exit codes (design §7; those of errors after BSD's sysexits).

use crate::settings::SettingsError;

/// The command line can't be used.
pub(crate) const USAGE: u8 = 64;
/// The configuration can't be used.
pub(crate) const CONFIG: u8 = 78;

/// A mistake in how a command was called.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub String);

/// The code for an error.
pub(crate) fn of(error: &anyhow::Error) -> u8 {
    if error.is::<SettingsError>() {
        CONFIG
    } else if error.is::<Usage>() {
        USAGE
    } else {
        1
    }
}
