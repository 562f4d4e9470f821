//! Where tests let an export die (see `canary_failpoints`).

use canary_failpoints::Wait;

canary_failpoints::points! {
    /// closed rows were read | not pushed
    PAGE_READ = "export.page.read";
    /// the receiver has taken them | the mark has not moved
    PAGE_PUSHED = "export.page.pushed";
    /// the mark may move | it has not
    MARK_DUE = "export.mark.due";
    /// the mark is in the ledger | not remembered
    MARK_MOVED = "export.mark.moved";
}

/// How long what was accepted is pushed again before the mark moves past it.
pub(crate) const OVERLAP: Wait = Wait { name: "export.overlap" };
/// The times that tests shorten.
pub const WAITS: &[Wait] = &[OVERLAP];
