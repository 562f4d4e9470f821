//! End-to-end tests of the real binary against the sandbox, Redis and PostgreSQL.
