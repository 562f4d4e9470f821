//! User traffic, as fast as it is asked for.

use std::sync::Arc;

use crate::platform::Platform;

pub(crate) async fn run(platform: Arc<Platform>, frame: String) {
    drop((platform, frame));
}
