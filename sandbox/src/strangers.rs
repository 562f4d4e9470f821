//! Users who write other people's memos. Nothing forbids it: any user can write any memo.
//!
//! Their events carry a memo and an amount that a recent transfer has, between parties that have nothing to do
//! with it, and may come before the transfer's own events.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::{
    faults::{Place, What},
    platform::Platform,
    transfer::Transfer,
};

/// Time between bursts.
const TICK: Duration = Duration::from_millis(5);
/// Most of a burst; what is due beyond it comes with the next.
const MOST_AT_ONCE: f64 = 500.0;
/// How many transfers strangers know of.
const REMEMBERED: usize = 64;

/// The newest transfers, shared by the calls that make them and the strangers who copy them.
#[derive(Debug, Default)]
pub(crate) struct RecentMemos(Mutex<VecDeque<Transfer>>);

impl RecentMemos {
    fn remember(&self, transfer: &Transfer) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.truncate(REMEMBERED - 1);
        recent.push_front(transfer.clone());
    }

    fn any(&self) -> Option<Transfer> {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!recent.is_empty()).then(|| recent[rand::random_range(0..recent.len())].clone())
    }
}

/// How strangers behave in a frame at the moment.
#[derive(Clone, Copy, Debug)]
struct Manners {
    per_second: f64,
    ahead: bool,
}

impl Platform {
    /// Lets strangers know of a transfer, before its own events are out.
    pub(crate) fn strangers_copy(self: &Arc<Self>, transfer: &Transfer) {
        self.memos.remember(transfer);
        for frame in &self.frames {
            if manners(self, &frame.name).is_some_and(|manners| manners.ahead) {
                (0..KINDS).for_each(|kind| copy(self, &frame.name, transfer, kind));
            }
        }
    }
}

/// Copies memos at the rate that the faults ask for, until the platform stops. Each tick makes what is due by the clock.
pub(crate) async fn run(platform: Arc<Platform>, frame: String) {
    let mut changes = platform.faults.changes();
    let mut kind = 0;
    loop {
        let rate = manners(&platform, &frame).map_or(0.0, |manners| manners.per_second);
        let (started, mut made) = (Instant::now(), 0.0);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick(), if rate > 0.0 => {}
                changed = changes.changed() => if changed.is_ok() { break } else { return },
            }
            let due = (started.elapsed().as_secs_f64() * rate).min(made + MOST_AT_ONCE);
            while made + 1.0 <= due {
                made += 1.0;
                if let Some(transfer) = platform.memos.any() {
                    copy(&platform, &frame, &transfer, kind);
                    kind = (kind + 1) % KINDS;
                }
            }
        }
    }
}

fn manners(platform: &Platform, frame: &str) -> Option<Manners> {
    platform.faults.draw(Place::frame(frame), |what| {
        let What::Strangers { per_second, ahead } = what else { return None };
        Some(Manners { per_second: *per_second, ahead: *ahead })
    })
}

/// Kinds of events that carry a memo and mean something to whoever waits for one.
const KINDS: u32 = 4;

fn copy(platform: &Arc<Platform>, frame: &str, transfer: &Transfer, kind: u32) {
    let user = || format!("did:avt:user-{:08x}", rand::random::<u32>());
    let copied = Transfer {
        id: Uuid::new_v4().to_string(),
        sender: user(),
        receiver: user(),
        from_frame: frame.to_owned(),
        to_frame: frame.to_owned(),
        ..transfer.clone()
    };
    let mut event = match kind {
        0 => copied.tokens_transferred(),
        1 => copied.initiated(),
        2 => copied.settled(),
        _ => copied.refunded("credit_failed"),
    };
    event.backend = None;
    platform.publish(event);
}
