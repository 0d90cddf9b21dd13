//! Backups that are proven: what is copied, how copies are named and described, which may go, and how they come back.
//!
//! A copy counts only once it was read back from the remote, is the same to the last byte, and was restored in scratch; then
//! its manifest is uploaded, signed with a key that stays on this host. An object without such a manifest is nothing: whoever
//! can write to the remote can delete copies, but make none that counts.

// Sizes, numbers and times come from the remote and from what is copied: none of them may wrap.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod archive;
pub mod begin;
pub mod catalogue;
pub mod create;
pub mod key;
pub mod look;
pub mod manifest;
pub mod mongo;
pub mod name;
pub mod owners;
pub mod postgres;
pub mod prune;
pub mod record;
pub mod redis;
pub mod restore;
pub mod retention;
pub mod seal;
pub mod sequence;
pub mod source;
pub mod sqlite;
pub mod staging;
pub mod store;
pub mod trouble;
