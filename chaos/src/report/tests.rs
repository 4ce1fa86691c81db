//! What every report keeps, for runs like real ones, for extreme ones and for random ones.

mod arbitrary;
mod files;
mod fixtures;
mod page;
mod picture;
mod text;
