//! Questions that are asked of databases in their own protocol: the bytes to send and the meaning of the bytes that come
//! back. Pure; the sockets are in [`crate::observe::probe`].

pub mod mongo;
pub mod postgres;
pub mod redis;
pub mod redis_info;
