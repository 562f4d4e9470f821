//! Whether a connection has brought all that it has to replay (contract §3, I5).
//!
//! Events come in order of position, so one from behind the replay ends it. A heartbeat does not: a server that
//! replays in pages may send one between two of them, and with the head of its whole store. So until the replay is
//! over heartbeats say nothing of coverage. Where no later event comes, the backstop knows the last event that
//! the replay owes, and the replay is over once the stream has brought that one.

/// The replay of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    /// The store's head when the connection subscribed.
    until: i64,
    /// The stream has brought everything up to here.
    delivered: i64,
    /// The backstop has read everything up to here, as far as it was not delivered …
    fetched: i64,
    /// … and this is the last event of it that the replay brings.
    last: i64,
    /// A heartbeat came that would have to be its end, if heartbeats were never early.
    questioned: bool,
}

impl Replay {
    /// What lies behind `after`, up to the head; `None` if nothing does.
    pub fn new(after: i64, head: i64) -> Option<Self> {
        let replay = Self { until: head, delivered: after, fetched: after, last: after, questioned: false };
        (after < head).then_some(replay)
    }

    /// The stream has brought everything up to a position.
    pub fn delivered(&mut self, position: i64) {
        self.delivered = self.delivered.max(position);
    }

    /// The backstop has read from behind `after` up to `position`, and found events at these.
    pub fn fetched(&mut self, after: i64, position: i64, events: impl Iterator<Item = i64>) {
        if after <= self.fetched.max(self.delivered) {
            self.fetched = self.fetched.max(position);
            let owed = events.filter(|event| *event <= self.until).max();
            self.last = self.last.max(owed.unwrap_or(self.last));
        }
    }

    /// A heartbeat came; answers up to where the stream has brought everything.
    pub fn heartbeat(&mut self, head: i64) -> i64 {
        self.questioned |= head >= self.until;
        self.delivered
    }

    /// Whether the backstop has to be asked if this is over.
    pub fn questioned(&self) -> bool {
        self.questioned
    }

    /// Whether all was brought.
    pub fn over(&self) -> bool {
        self.delivered >= self.until || (self.fetched >= self.until && self.delivered >= self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_at_the_head_or_behind_it_ends_the_replay_and_no_heartbeat_does() {
        assert_eq!(Replay::new(10, 10), None);
        let mut replay = Replay::new(10, 20).unwrap();
        assert_eq!(replay.heartbeat(15), 10);
        assert!(!replay.questioned(), "a server whose heartbeats keep their place says that there is more");
        replay.delivered(15);
        assert_eq!(replay.heartbeat(30), 15);
        assert!(replay.questioned() && !replay.over());
        replay.delivered(20);
        assert!(replay.over());
    }

    #[test]
    fn the_backstop_ends_the_replay_once_the_stream_has_brought_what_it_knows_of() {
        let mut replay = Replay::new(10, 20).unwrap();
        replay.fetched(10, 12, [11, 12].into_iter());
        assert!(!replay.over());
        replay.fetched(12, 25, [14, 22].into_iter());
        replay.delivered(13);
        assert!(!replay.over(), "14 is on its way");
        replay.delivered(14);
        assert!(replay.over());
        let mut quiet = Replay::new(10, 20).unwrap();
        quiet.fetched(5, 20, std::iter::empty());
        assert!(quiet.over());
    }

    #[test]
    fn a_page_that_begins_behind_a_hole_ends_no_replay() {
        let mut replay = Replay::new(10, 20).unwrap();
        replay.fetched(15, 25, std::iter::empty());
        assert!(!replay.over(), "nobody has read from 10 to 15");
        replay.delivered(15);
        replay.fetched(15, 25, std::iter::empty());
        assert!(replay.over());
    }
}
