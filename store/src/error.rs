//! What can go wrong with a store, in words that name the store, the step and the cause, never a password (I8).

/// A result of a store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A failure of the board or the ledger.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached, or broke off: worth another try.
    #[error("{store} is unavailable: {step}: {cause}")]
    Unavailable {
        /// The store, with host and port, without user or password.
        store: String,
        /// What was being done.
        step: &'static str,
        /// The cause, on one line.
        cause: String,
    },
    /// It answered, and the answer can't be used: trying again will not help.
    #[error("{store} answered with an error: {step}: {cause}")]
    Broken {
        /// The store, with host and port, without user or password.
        store: String,
        /// What was being done.
        step: &'static str,
        /// The cause, on one line.
        cause: String,
    },
}

impl StoreError {
    /// Whether another try may succeed.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Broken { .. } => false,
        }
    }
}
