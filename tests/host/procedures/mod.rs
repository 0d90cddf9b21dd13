//! Procedures, driven on booted hosts from the state that calls for them to their end, and killed at each of their boundaries.

mod killed;
mod usual;
