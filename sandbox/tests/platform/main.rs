//! The sandbox over its own sockets, held against the contract section by section, and every fault of its
//! vocabulary. One binary, so that it links once.

mod client;
mod registry;
mod saga;
mod store;
