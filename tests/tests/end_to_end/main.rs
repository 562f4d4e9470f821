//! The main job end to end: the real binary fires, stamps and judges on a real platform, Redis and PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod harness;
