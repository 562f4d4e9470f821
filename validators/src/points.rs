//! Where tests let the validators die (see `canary_failpoints`).

canary_failpoints::points! {
    /// a frame that matters was read | not matched, not queued
    FRAME_SEEN = "validators.frame.seen";
    /// sightings were taken from the queue | not sent to the board
    STAMPS_DUE = "validators.stamps.due";
    /// the stamps are on the board | position and coverage are not
    STAMPS_WRITTEN = "validators.stamps.written";
    /// position and coverage are on the board | the next frame not read
    STATES_SAVED = "validators.states.saved";
}
