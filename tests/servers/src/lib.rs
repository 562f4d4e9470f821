//! Starts private Redis and PostgreSQL servers for tests, and always stops them.
