//! The memory's statements and its work on a real database.

mod bed;
mod forget;
mod gateways;
mod imports;
mod lessons;
mod plans;
mod reembed;
mod search;
mod success;
mod work;
