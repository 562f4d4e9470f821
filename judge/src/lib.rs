//! Sweeps the tests that have news, decides, and writes outcomes to the ledger.
