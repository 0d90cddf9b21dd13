//! What `discover` finds by itself: held against the runbooks of five deployments (`recall`), on a host with one service of its own
//! (`own`), as Rust that compiles (`program`), and both on hosts as other people have them (`layouts`).

mod layouts;
mod misses;
mod own;
mod program;
mod recall;
