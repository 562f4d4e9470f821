//! The console by its routes, over real sockets and real stores.

#[cfg(test)]
mod access;
#[cfg(test)]
mod accounting;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod public;
#[cfg(test)]
mod result;
#[cfg(test)]
mod results;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod ui;
