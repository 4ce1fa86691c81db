//! The words of a text and their weight. Pure.
