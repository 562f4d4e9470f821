//! The board (Redis or memory) and the ledger (Postgres or SQLite), leases and the clock.
