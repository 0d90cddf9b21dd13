//! What `check` is on a real host.

mod install;
