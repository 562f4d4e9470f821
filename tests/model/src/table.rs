//! The product's own values behind small numbers.
//!
//! A state is hashed and compared a million times; facts and rows are too big for that, and judging them takes too long. So
//! each distinct value is kept once, and what was computed from values is remembered.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of a value in its [`Table`].
pub type Number = u32;

/// Distinct values, numbered in the order in which they first came. Two are the same if they look the same.
///
/// Shared by the threads of a checker: the lock is held for a look-up only.
#[derive(Debug)]
pub struct Table<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    numbers: HashMap<String, Number>,
    values: Vec<T>,
}

impl<T: Clone + Debug> Table<T> {
    /// The number of a value.
    pub fn number(&self, value: &T) -> Number {
        let mut inner = lock(&self.0);
        let next = Number::try_from(inner.values.len()).expect("a model has fewer values than that");
        let text = format!("{value:?}");
        let number = *inner.numbers.entry(text).or_insert(next);
        if number == next {
            inner.values.push(value.clone());
        }
        number
    }

    /// The value of a number.
    pub fn value(&self, number: Number) -> T {
        lock(&self.0).values[number as usize].clone()
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Mutex::new(Inner { numbers: HashMap::new(), values: Vec::new() }))
    }
}

/// Answers that were given before.
#[derive(Debug)]
pub struct Memo<K, V>(Mutex<HashMap<K, V>>);

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// The answer to `question`; `answer` finds it the first time.
    pub fn get(&self, question: K, answer: impl FnOnce(&K) -> V) -> V {
        if let Some(known) = lock(&self.0).get(&question) {
            return known.clone();
        }
        let found = answer(&question);
        lock(&self.0).insert(question, found.clone());
        found
    }
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
