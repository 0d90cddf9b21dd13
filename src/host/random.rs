//! Random bytes of the kernel's.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Fills this with random bytes.
///
/// # Errors
/// As the operating system says.
pub fn random(bytes: &mut [u8]) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        let count = getrandom(&mut *left, GetRandomFlags::empty())?;
        left = left.get_mut(count..).unwrap_or_default();
    }
    Ok(())
}
