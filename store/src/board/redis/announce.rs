//! Announcements over pub/sub, on a connection of their own.
//!
//! A connection that died without a word would be silence that looks like no news, and tests nobody told us of would
//! go unseen (I5). So a quiet connection is asked for a sign of life, and without one the stream ends.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use redis::aio::{PubSub, PubSubSink, PubSubStream};
use redis::{Msg, Value};
use tokio::time::timeout;
use tracing::debug;

use super::link::ANSWER;
use crate::board::{Announcement, Announcements};

/// How long a connection may be quiet before it is asked.
const QUIET: Duration = Duration::from_secs(5);

/// The announcements of a subscribed connection, until it breaks.
pub(super) fn stream(connection: PubSub) -> Announcements {
    stream::unfold(connection.split(), async |(mut sink, mut messages)| {
        let announcement = next(&mut sink, &mut messages).await?;
        Some((announcement, (sink, messages)))
    })
    .boxed()
}

async fn next(sink: &mut PubSubSink, messages: &mut PubSubStream) -> Option<Announcement> {
    loop {
        match timeout(QUIET, messages.next()).await {
            Ok(Some(message)) => match read(&message) {
                Ok(announcement) => return Some(announcement),
                Err(error) => debug!(%error, "skipped an announcement that can't be read"),
            },
            Ok(None) => return None,
            Err(_) => match timeout(ANSWER, sink.ping::<Value>()).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return None,
            },
        }
    }
}

fn read(message: &Msg) -> serde_json::Result<Announcement> {
    serde_json::from_slice(message.get_payload_bytes())
}
