//! Holds a Redis and a PostgreSQL until its standard input ends, or until it is killed: for tries by hand, and
//! for the test that kills it.
#![expect(clippy::print_stdout, reason = "a command that says where its servers are")]

use std::io::Read;

use canary_test_servers::{Postgres, Redis};

fn main() -> anyhow::Result<()> {
    let redis = Redis::start()?;
    println!("{} {}", redis.url(), redis.folder().display());
    let postgres = Postgres::start()?;
    println!("{} {}", postgres.create_database()?, postgres.folder().display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
