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

/// An error with its causes, each said once: some name their cause in their own words already.
pub(crate) fn said(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| {
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_whoever_says_it() {
        let error =
            anyhow::anyhow!("the file is empty").context("tokens: the file is empty").context("console");
        assert_eq!(said(&error), "console: tokens: the file is empty");
    }
}
