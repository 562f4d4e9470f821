//! The console by its routes, over real sockets and real stores.

#[cfg(test)]
mod about;
#[cfg(test)]
mod access;
#[cfg(test)]
mod accounting;
#[cfg(test)]
mod actions;
#[cfg(test)]
mod bound;
#[cfg(test)]
mod cycles;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod origins;
#[cfg(test)]
mod past;
#[cfg(test)]
mod public;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod result;
#[cfg(test)]
mod results;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod status;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod trace;
#[cfg(test)]
mod trend;
#[cfg(test)]
mod ui;
