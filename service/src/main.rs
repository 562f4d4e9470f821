//! The `canary` binary: `main` only wires.
fn main() {}
