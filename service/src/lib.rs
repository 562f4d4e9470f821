//! The binary: settings, wiring, supervision, commands.
