//! The sandbox over its own sockets, held against the contract section by section, and every fault of its
//! vocabulary. One binary, so that it links once.

mod client;
mod faulty_calls;
mod faulty_events;
mod faulty_sagas;
mod faulty_sockets;
mod registry;
mod saga;
mod store;
mod traffic;
