//! Declarations of the canary's metrics, and its log format.
