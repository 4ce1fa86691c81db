//! The only place that names `backoff`.
