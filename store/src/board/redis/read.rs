//! Reading many hashes in few round trips.

use std::collections::HashMap;

use redis::{Pipeline, RedisError, Value, from_redis_value};

use super::fields::Hash;
use super::link::Link;
use crate::Result;

/// Hashes read in one go: enough to make the round trip count for little, few enough to stay far from its time limit.
const AT_ONCE: usize = 1_000;

/// The hashes behind these keys, in their order; `None` for a key that holds none, or something else. One whose bytes
/// are no text is read as a hash without fields.
pub(super) async fn hashes(link: &Link, step: &'static str, keys: &[String]) -> Result<Vec<Option<Hash>>> {
    let mut hashes = Vec::with_capacity(keys.len());
    for keys in keys.chunks(AT_ONCE) {
        let mut commands = Pipeline::with_capacity(keys.len());
        // One key of the wrong type must not hide all others.
        commands.ignore_errors();
        for key in keys {
            commands.cmd("HGETALL").arg(key);
        }
        for value in link.pipeline::<Vec<Value>>(step, &commands).await? {
            hashes.push(hash(value).map_err(|error| link.error(step, &error))?);
        }
    }
    Ok(hashes)
}

fn hash(value: Value) -> std::result::Result<Option<Hash>, RedisError> {
    if let Value::ServerError(error) = value {
        return if error.code() == "WRONGTYPE" { Ok(None) } else { Err(error.into()) };
    }
    let fields = from_redis_value::<HashMap<String, String>>(value);
    let absent = fields.as_ref().is_ok_and(HashMap::is_empty);
    Ok((!absent).then(|| Hash::new(fields.unwrap_or_default())))
}
