//! An answer that is made once for all who ask, for as long as what it is made from stays the same.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// The newest answer and what it was made from. Shared by all requests; held by the one who makes an answer while the
/// others wait for it.
#[derive(Debug)]
pub(crate) struct Memo<K, V>(Mutex<Option<(K, Arc<V>)>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K: PartialEq, V: Send + Sync + 'static> Memo<K, V> {
    /// The answer that was made from `key`, or else what `make` makes; that is kept if it is `small`.
    ///
    /// It is made on a thread of its own: those that read the platform's frames have to be there when one comes.
    pub(crate) async fn get(&self, key: K, small: bool, make: impl FnOnce() -> V + Send + 'static) -> Arc<V> {
        let mut kept = self.0.lock().await;
        if let Some((of, answer)) = &*kept
            && *of == key
        {
            return Arc::clone(answer);
        }
        let made = spawn_blocking(make).await;
        let answer = Arc::new(made.expect("answers are made without a panic, and the runtime is there"));
        *kept = small.then(|| (key, Arc::clone(&answer)));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_made_again_when_its_key_changes_and_kept_unless_it_is_large() {
        let memo = Memo::default();
        assert_eq!(*memo.get(1, true, || "a").await, "a");
        assert_eq!(*memo.get(1, true, || "b").await, "a");
        assert_eq!(*memo.get(2, false, || "c").await, "c");
        assert_eq!(*memo.get(2, true, || "d").await, "d");
        assert_eq!(*memo.get(1, true, || "e").await, "e", "one is kept");
    }
}
