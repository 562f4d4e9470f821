//! The judge over real stores: a board in memory with a SQLite file, and Redis with PostgreSQL.

#[cfg(test)]
mod cost;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod leaders;
#[cfg(test)]
mod life;
#[cfg(test)]
mod losses;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod rejudging;
#[cfg(test)]
mod spy;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod verdicts;
