//! Where closed rows go (design §6).

use std::fmt;
use std::time::Duration;

use url::Url;

use super::Complaints;
use super::file::ExportSection;
use super::platform::{loopback, with_scheme};

/// What the export is told.
#[derive(Clone)]
pub struct ExportSettings {
    /// The receiver's address, with user and password where it wants them.
    pub remote_write: Url,
    /// Time between two pushes.
    pub every: Duration,
}

/// Without the address, which may hold a password (I8).
impl fmt::Debug for ExportSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportSettings").field("every", &self.every).finish_non_exhaustive()
    }
}

impl ExportSettings {
    /// What works but should be looked at.
    pub(super) fn warning(&self) -> Option<String> {
        let signs_in = !self.remote_write.username().is_empty() || self.remote_write.password().is_some();
        let open = self.remote_write.scheme() == "http" && !loopback(&self.remote_write);
        (signs_in && open)
            .then(|| "export.remote_write: its password travels unencrypted beyond this machine".to_owned())
    }
}

pub(super) fn resolve(section: &ExportSection, complaints: &mut Complaints) -> Option<ExportSettings> {
    let every = section.every.0;
    complaints.check(
        every >= Duration::from_secs(1),
        "export.every",
        &format!("{every:?} is too short; give it at least 1s"),
    );
    let url = with_scheme(&section.remote_write, "export.remote_write", ["https", "http"]);
    Some(ExportSettings { remote_write: complaints.keep(url)?, every })
}
