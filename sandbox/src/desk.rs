//! What a frame's handlers work with: the platform, and which of its frames they are.

use std::sync::Arc;

use crate::{
    faults::Faults,
    platform::{Frame, Platform},
};

#[derive(Clone)]
pub(crate) struct Desk {
    pub platform: Arc<Platform>,
    frame: usize,
}

impl Desk {
    /// One desk a frame.
    pub fn all(platform: &Arc<Platform>) -> [Self; 2] {
        [0, 1].map(|frame| Self { platform: Arc::clone(platform), frame })
    }

    pub fn frame(&self) -> &Frame {
        &self.platform.frames[self.frame]
    }

    pub fn faults(&self) -> &Faults {
        &self.platform.faults
    }
}
