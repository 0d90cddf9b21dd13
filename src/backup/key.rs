//! The key that manifests are signed with. It stays on the host: whoever holds the key of the bucket can delete copies there, but
//! make none that counts.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::record::DIRECTORY;
use crate::host::files::own;
use crate::host::random::random;
use crate::host::system::System;
use crate::program;

/// Where it is: a line that begins with [`FORM`], and then its 32 bytes in hexadecimal digits.
pub const KEY: &str = "/var/lib/opsctl/manifest.key";
/// What the line begins with.
const FORM: &str = "opsctl-manifest-key-1:";
/// Its length, bytes.
const LENGTH: usize = 32;
/// Files larger than this hold no key, bytes.
const LARGEST: u64 = 4096;
/// What keeps a signature of a manifest from being taken for one of anything else.
const MANIFEST: &[u8] = b"opsctl manifest 1\0";
/// The same for what a key is recognised by.
const MARK: &[u8] = b"opsctl key 1\0";

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; LENGTH]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

impl Key {
    /// The key of this host; `None` where none was made yet.
    ///
    /// # Errors
    /// When it cannot be read, others can, or it is none.
    pub fn find(system: &System) -> Result<Option<Self>, String> {
        let told = |trouble: String| format!("the key that manifests are signed with, {KEY}: {trouble}");
        match system.symlink_metadata(DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => own::directory(system, DIRECTORY).map_err(|error| told(error.to_string()))?,
        };
        match system.open(KEY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(told(error.to_string())),
            Ok(file) => read(&file).map(Some).map_err(told),
        }
    }

    /// The key of this host, and whether it was made just now: durably, and never in the place of one that is there.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn obtain(system: &System) -> Result<(Self, bool), String> {
        if let Some(key) = Self::find(system)? {
            return Ok((key, false));
        }
        let told = |error: io::Error| format!("a key to sign manifests with cannot be made, {KEY}: {error}");
        own::directory(system, DIRECTORY).map_err(told)?;
        let made = Self::random().map_err(told)?;
        let is_ours = made.write(system).map_err(told)?;
        // What is on the disk counts: another run may have made one meanwhile.
        let key = Self::find(system)?.ok_or_else(|| format!("{KEY} was created and does not exist"))?;
        Ok((key, is_ours))
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        random(&mut bytes)?;
        Ok(Key(bytes))
    }

    /// Whether it was written, and not another before it.
    fn write(&self, system: &System) -> io::Result<bool> {
        let new = format!("{KEY}.{}", std::process::id());
        own::write_new(system, &new, self.text().as_bytes(), 0o600)?;
        // A second name, because that is never given in the place of another file.
        let linked = own::link_new(system, &new, KEY);
        own::remove(system, &new)?;
        linked
    }

    fn text(&self) -> String {
        format!("{FORM}{}\n", hex(&self.0))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_suffix('\n').unwrap_or(text).strip_prefix(FORM)?;
        Some(Key(unhex(digits)?.try_into().ok()?))
    }

    fn mac(&self, domain: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
        // As RFC 2104 has it, a key that is shorter than a block is filled up with zeros.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        let mut mac = Hmac::<Sha256>::new(&block);
        mac.update(domain);
        for part in parts {
            mac.update(part);
        }
        mac
    }

    /// The signature of a manifest without it, in hexadecimal digits.
    pub fn sign(&self, manifest: &[&[u8]]) -> String {
        hex(&self.mac(MANIFEST, manifest).finalize().into_bytes())
    }

    /// Whether this is the signature of a manifest. It takes as long for any that is not.
    pub fn has_signed(&self, manifest: &[&[u8]], signature: &str) -> bool {
        unhex(signature).is_some_and(|bytes| self.mac(MANIFEST, manifest).verify_slice(&bytes).is_ok())
    }

    /// What it is recognised by, which tells nothing of it.
    pub fn mark(&self) -> String {
        let mark = hex(&self.mac(MARK, &[]).finalize().into_bytes());
        mark.chars().take(16).collect()
    }
}

/// Reads a key of a file that only root, or whoever runs this, can read.
fn read(file: &File) -> Result<Key, String> {
    let meta = file.metadata().map_err(|error| error.to_string())?;
    let own = rustix::process::geteuid().as_raw();
    if !meta.is_file() || !(meta.uid() == 0 || meta.uid() == own) {
        return Err("root does not own it, or it is not a regular file".to_owned());
    }
    if meta.mode() & 0o077 != 0 {
        return Err("others can use it: chmod 600; if they did, rename it and make a backup".to_owned());
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Key::parse(&text).ok_or_else(|| format!("it is not a key that {} created", program::name()))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// Only small letters, so that there is one way to write it.
fn unhex(digits: &str) -> Option<Vec<u8>> {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|byte| is_digit(&byte)) {
        return None;
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// A number that nobody else has.
pub fn chance() -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    random(&mut bytes)?;
    Ok(u32::from_ne_bytes(bytes))
}

#[cfg(test)]
impl Key {
    /// A key for tests.
    pub(super) const fn of(byte: u8) -> Self {
        Key([byte; LENGTH])
    }
}

#[cfg(test)]
#[path = "key/tests.rs"]
mod tests;
