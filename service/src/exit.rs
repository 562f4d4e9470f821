//! Exit codes (design §7; those of errors after BSD's sysexits).

use canary_console::BindError;

use crate::settings::SettingsError;

/// The command line can't be used.
pub(crate) const USAGE: u8 = 64;
/// The configuration can't be used.
pub(crate) const CONFIG: u8 = 78;

/// A mistake in how a command was called.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub String);

/// A setting whose value can't be used, as only its user could tell.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {what}")]
pub(crate) struct BadSetting {
    pub setting: &'static str,
    pub what: String,
}

/// The code for an error.
pub(crate) fn of(error: &anyhow::Error) -> u8 {
    let console = matches!(error.downcast_ref(), Some(BindError::Open { .. } | BindError::Tokens(_)));
    if console || error.is::<SettingsError>() || error.is::<BadSetting>() {
        CONFIG
    } else if error.is::<Usage>() {
        USAGE
    } else {
        1
    }
}
