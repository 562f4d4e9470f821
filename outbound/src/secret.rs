//! Addresses and keys, read anew whenever they are needed: a file that was changed counts from the next message on.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

/// Where a secret comes from.
#[derive(Clone)]
pub struct Secret(Arc<Read>);

type Read = dyn Fn() -> Result<SecretString, String> + Send + Sync;

impl Secret {
    /// Takes the way to read it. What it says against itself must not hold the secret.
    pub fn new(read: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it can't be read, in words that name the source.
    pub fn read(&self) -> Result<SecretString, String> {
        (self.0)()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
