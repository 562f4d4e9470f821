//! Where a store's URL comes from. It holds the password, which may be changed while the canary runs (design §6): a store
//! that is refused asks for it again.

use std::fmt;

use secrecy::SecretString;

/// Reads a URL, each time anew. What it says against itself never holds the secret.
pub(crate) struct Source(Box<Read>);

type Read = dyn Fn() -> Result<SecretString, String> + Send + Sync;

impl Source {
    pub(crate) fn new(read: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static) -> Self {
        Self(Box::new(read))
    }

    pub(crate) fn read(&self) -> Result<SecretString, String> {
        (self.0)()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}
