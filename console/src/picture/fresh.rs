//! What is asked of others on demand, but once a second at most, whoever and however many ask.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer is given again.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// An answer and when it was given. Shared by all askers; held by the one who asks while the others wait for the answer.
#[derive(Debug)]
pub(crate) struct Fresh<T>(Mutex<Option<(Instant, Arc<T>)>>);

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Fresh<T> {
    /// The last answer while it is good, or else what `ask` makes of the last one.
    pub(crate) async fn get(&self, ask: impl AsyncFnOnce(Option<Arc<T>>) -> Arc<T>) -> Arc<T> {
        let mut kept = self.0.lock().await;
        if let Some((at, answer)) = &*kept
            && at.elapsed() < GOOD_FOR
        {
            return Arc::clone(answer);
        }
        let before = kept.as_ref().map(|(_, answer)| Arc::clone(answer));
        let answer = ask(before).await;
        *kept = Some((Instant::now(), Arc::clone(&answer)));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_given_again_for_a_second_and_then_asked_for_anew() {
        let (fresh, asked) = (Fresh::default(), Cell::new(0));
        let get = async || {
            let answer = fresh.get(async |before: Option<Arc<i32>>| {
                asked.set(asked.get() + 1);
                Arc::new(before.map_or(10, |before| *before + 1))
            });
            *answer.await
        };
        assert_eq!((get().await, get().await, asked.get()), (10, 10, 1));
        tokio::time::advance(GOOD_FOR).await;
        assert_eq!((get().await, get().await, asked.get()), (11, 11, 2));
    }
}
