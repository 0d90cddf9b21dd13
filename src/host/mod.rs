//! The machine: its files, programs, sockets and threads, each through one door, and what its tools and servers say.

pub mod exec;
pub mod files;
pub mod http;
pub mod net;
pub mod protocol;
pub mod random;
pub mod shortage;
pub mod system;
pub mod threads;
pub mod tools;
pub mod trouble;
