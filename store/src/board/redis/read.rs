//! Reading many hashes in few round trips.

use futures_util::{StreamExt as _, stream};
use redis::{Pipeline, RedisError, Value, from_redis_value};

use super::fields::Hash;
use super::link::Link;
use crate::Result;

/// Hashes asked for in one go: enough to make the round trip count for little, few enough to stay far from its time limit.
const AT_ONCE: usize = 250;
/// Requests on their way: while sense is made of one answer here, the server works on the next.
const UNDER_WAY: usize = 3;

/// The hashes behind these keys, in their order; `None` for a key that holds none, or something else. One whose bytes
/// are no text is read as a hash without fields.
pub(super) async fn hashes(link: &Link, step: &'static str, keys: &[String]) -> Result<Vec<Option<Hash>>> {
    each(link, step, keys, |_, hash| hash).await
}

/// What is made of the hashes behind these keys, in their order; it is told the key's place, too.
pub(super) async fn each<T>(
    link: &Link,
    step: &'static str,
    keys: &[String],
    make: impl Fn(usize, Option<Hash>) -> T,
) -> Result<Vec<T>> {
    let mut made = Vec::with_capacity(keys.len());
    let requests: Vec<Pipeline> = keys.chunks(AT_ONCE).map(request).collect();
    let asking = requests.into_iter().map(|request| ask(link, step, request));
    let mut answers = stream::iter(asking).buffered(UNDER_WAY);
    while let Some(answer) = answers.next().await {
        for value in answer? {
            let hash = hash(value).map_err(|error| link.error(step, &error))?;
            made.push(make(made.len(), hash));
        }
    }
    Ok(made)
}

fn request(keys: &[String]) -> Pipeline {
    let mut commands = Pipeline::with_capacity(keys.len());
    // One key of the wrong type must not hide all others.
    commands.ignore_errors();
    for key in keys {
        commands.cmd("HGETALL").arg(key);
    }
    commands
}

async fn ask(link: &Link, step: &'static str, request: Pipeline) -> Result<Vec<Value>> {
    link.pipeline(step, &request).await
}

fn hash(value: Value) -> std::result::Result<Option<Hash>, RedisError> {
    if let Value::ServerError(error) = value {
        return if error.code() == "WRONGTYPE" { Ok(None) } else { Err(error.into()) };
    }
    let fields = fields(value);
    let absent = fields.as_ref().is_some_and(Vec::is_empty);
    Ok((!absent).then(|| Hash::new(fields.unwrap_or_default())))
}

/// Names and values, each in the memory in which it arrived: a sweep reads millions of them.
fn fields(value: Value) -> Option<Vec<(String, String)>> {
    let Value::Array(values) = value else {
        // As servers answer that were asked for a newer protocol.
        return from_redis_value(value).ok();
    };
    let mut values = values.into_iter();
    let mut fields = Vec::with_capacity(values.len() / 2);
    while let Some(name) = values.next() {
        fields.push((text(name)?, text(values.next()?)?));
    }
    Some(fields)
}

fn text(value: Value) -> Option<String> {
    let Value::BulkString(bytes) = value else { return None };
    String::from_utf8(bytes).ok()
}
