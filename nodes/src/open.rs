//! Kinds of node that reach outside: commands and the network. They know no film.

pub mod exec;
pub mod fetch;
