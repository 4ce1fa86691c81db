//! The local PostgreSQL server for development and tests.
