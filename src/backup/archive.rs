//! Files and directories in one archive: tar, compressed with zstd, which has a sum of all that is in it. Names, contents,
//! links, numeric owners, modes and times to the second are kept, and every name is the absolute path without its first `/`.
//! ACLs and other extended attributes are not kept, and a file with two names comes back as two files.

mod adopt;
mod pack;
mod unpack;
mod walk;

pub use adopt::adopt;
pub use pack::{pack, size};
pub use unpack::{Lay, unpack};

#[cfg(test)]
mod tests;

/// How deep directories may lie in each other. Each level costs two open files, of which a process may have 1024.
const DEPTH: usize = 200;
/// What is left of the mode of a file that is neither set-user-id nor set-group-id.
const NOT_SET_ID: u32 = 0o1777;

/// The name of one of the set's paths in an archive.
fn inside(path: &str) -> &str {
    path.trim_matches('/')
}
