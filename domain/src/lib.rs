//! The words and rules of the canary: backends, stages, verdicts. No I/O.
