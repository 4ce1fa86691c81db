//! Candidates in, the few that help and the failures to avoid out. Pure.
