//! The program against a database.

mod api;
mod bed;
mod import;
mod reembed;
