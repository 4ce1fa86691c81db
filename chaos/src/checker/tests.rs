mod books;
mod files;
mod model;
mod mutations;
mod table;
