//! PURE. What is known of a copy: written when it was proven, signed with the key of this host, uploaded last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::name::{self, Id};
use crate::host::tools::excerpt;
use crate::program;
use crate::registry::BackupSet;

/// Version of the form.
pub const FORM: u32 = 1;
/// Manifests larger than this are none of ours, bytes: one with ten thousand tables has less.
pub const LARGEST: u64 = 1 << 20;
/// What stands between a manifest and its signature, which are its last field.
const SIGNED: &str = ",\n  \"mac\": \"";
/// What every one ends with.
const END: &str = "\n}";
/// Digits of a signature.
const DIGITS: usize = 64;

/// What is in a copy: rows of each table, keys, or files below each path.
pub type Rows = BTreeMap<String, u64>;

/// The manifest of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Version of this form.
    pub form: u32,
    /// The run.
    pub id: Id,
    /// Deployment.
    pub deployment: String,
    /// Set.
    pub set: String,
    /// Host that it was made on.
    pub host: String,
    /// Path of the copy below the remote's prefix; `null` in those of opsctl before it signed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// `sqlite postgres redis mongodb files`.
    pub kind: String,
    /// Where the data was.
    pub source: String,
    /// When the copy was begun: nothing in it is older.
    pub begun: Timestamp,
    /// When it was proven.
    pub proven: Timestamp,
    /// Size of the object on the remote, bytes.
    pub bytes: u64,
    /// About how much room the data took that it was made of, bytes.
    pub source_bytes: u64,
    /// SHA-256 of the object as it lies on the remote.
    pub sha256: String,
    /// Rows of each table, or files of an archive.
    pub rows: Rows,
    /// What is not in it as it should be, by name and reason; nothing where the copy is whole.
    pub left_out: Vec<String>,
    /// Owner, group and mode of the file that was copied; `null` where it is no single file.
    pub owner: Option<Owner>,
    /// Version of the program whose data it is; `null` where it is not known.
    pub revision: Option<String>,
    /// Versions of the tools that made it.
    pub tools: BTreeMap<String, String>,
}

/// Owner, group and mode of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// A manifest as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What it says; `Err` where it cannot be used.
    pub manifest: Result<Manifest, String>,
    /// Why it does not carry the signature of this host; `None` where it does, and is about the copy that it is called after.
    pub unsigned: Option<String>,
}

impl Read {
    /// One that cannot be read at all.
    pub fn failed(why: String) -> Self {
        Read { manifest: Err(why.clone()), unsigned: Some(why) }
    }
}

impl Manifest {
    /// Its text with the signature of this host: all of it is signed, to the last byte.
    ///
    /// # Errors
    /// When it cannot be written, or would be too large to be read again.
    pub fn signed(&self, key: &Key) -> Result<Vec<u8>, String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        let body = text.strip_suffix(END).ok_or("it does not end like a manifest")?;
        let signature = key.sign(&[body.as_bytes(), END.as_bytes()]);
        let signed = format!("{body}{SIGNED}{signature}\"{END}").into_bytes();
        match u64::try_from(signed.len()).is_ok_and(|size| size <= LARGEST) {
            true => Ok(signed),
            false => Err(format!("its manifest would have {} bytes, more than {LARGEST}", signed.len())),
        }
    }

    /// Reads one: whether this host signed it, then what it says, and whether it is about the copy that it is called after.
    pub fn read(text: &[u8], key: Option<&Key>, deployment: &str, set: &BackupSet, id: Id) -> Read {
        let split = split(text);
        let signed = split
            .is_some_and(|(body, signature)| key.is_some_and(|key| key.has_signed(&[body, END.as_bytes()], signature)));
        // Only what was signed is read, nothing that stands beside it.
        let body = split.map_or_else(|| text.to_vec(), |(body, _)| [body, END.as_bytes()].concat());
        let manifest = Self::parse(&body, deployment, set, id);
        let unsigned = match (&manifest, split, key) {
            (Ok(_), Some(_), Some(_)) if signed => None,
            (Err(trouble), ..) if signed => Some(trouble.clone()),
            (_, None, _) => Some("its manifest is not signed".to_owned()),
            (_, Some(_), None) => Some("its manifest is signed, but this host has no key".to_owned()),
            (_, Some(_), Some(_)) => Some("its manifest is not signed with the key of this host".to_owned()),
        };
        Read { manifest, unsigned }
    }

    fn parse(text: &[u8], deployment: &str, set: &BackupSet, id: Id) -> Result<Self, String> {
        let found: Manifest = serde_json::from_slice(text)
            .map_err(|error| format!("its manifest is damaged: {}", excerpt(&error.to_string())))?;
        let object = name::copy(set.name, set.source.extension(), id);
        match () {
            () if found.form != FORM => {
                Err(format!("its manifest has format {}, this {} reads format {FORM}", found.form, program::name()))
            }
            () if found.id != id || found.set != set.name || found.deployment != deployment => {
                let about = format!("{}/{} of {}", found.set, found.id, found.deployment);
                Err(format!("its manifest is for {}", excerpt(&about)))
            }
            () if found.kind != set.source.kind() || found.object.as_ref().is_some_and(|named| *named != object) => {
                Err(format!("its manifest is for another type of copy than {object}"))
            }
            () if found.sha256.len() != DIGITS => Err("its manifest has no hash".to_owned()),
            () => Ok(found),
        }
    }

    /// All rows together.
    pub fn total_rows(&self) -> u64 {
        total(&self.rows)
    }
}

/// What comes before the signature of a manifest and its end, and the signature.
fn split(text: &[u8]) -> Option<(&[u8], &str)> {
    let rest = text.strip_suffix(END.as_bytes())?.strip_suffix(b"\"")?;
    let (rest, signature) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
    Some((rest.strip_suffix(SIGNED.as_bytes())?, std::str::from_utf8(signature).ok()?))
}

/// All rows together, also where somebody wrote more than there can be.
pub fn total(rows: &Rows) -> u64 {
    rows.values().fold(0, |sum, rows| sum.saturating_add(*rows))
}

/// Why a copy is suspicious beside the one before: tables that have gone, or rows that are fewer than half.
pub fn shrunk(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Option<String> {
    let (was, is) = (total(before), total(now));
    let gone: Vec<&str> = before
        .iter()
        .filter(|(table, rows)| **rows > 0 && !now.contains_key(*table))
        .map(|(t, _)| t.as_str())
        .collect();
    if !gone.is_empty() {
        return Some(format!(
            "{} with rows in the previous copy {} missing",
            gone.join(", "),
            if gone.len() == 1 { "is" } else { "are" }
        ));
    }
    let emptied: Vec<&str> = before
        .iter()
        .filter(|(table, rows)| **rows > 0 && now.get(*table) == Some(&0))
        .map(|(t, _)| t.as_str())
        .collect();
    if is < was.div_ceil(2) {
        return Some(format!("{is} rows, {was} in the previous copy"));
    }
    (!emptied.is_empty()).then(|| format!("{} had rows in the previous copy and has none", emptied.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(tables: &[(&str, u64)]) -> BTreeMap<String, u64> {
        tables.iter().map(|(table, rows)| ((*table).to_owned(), *rows)).collect()
    }

    #[test]
    fn f5_a_copy_that_has_shrunk_is_told() {
        let before = rows(&[("a", 100), ("b", 10), ("c", 0)]);
        assert_eq!(shrunk(&before, &before), None);
        assert_eq!(shrunk(&before, &rows(&[("a", 60), ("b", 9)])), None);
        assert_eq!(
            shrunk(&before, &rows(&[("a", 44), ("b", 10)])),
            Some("54 rows, 110 in the previous copy".to_owned())
        );
        assert_eq!(
            shrunk(&before, &rows(&[("a", 100)])),
            Some("b with rows in the previous copy is missing".to_owned())
        );
        let emptied = shrunk(&before, &rows(&[("a", 100), ("b", 0)]));
        assert_eq!(emptied, Some("b had rows in the previous copy and has none".to_owned()));
        assert_eq!(shrunk(&rows(&[]), &rows(&[])), None);
    }

    fn set(name: &str) -> &'static BackupSet {
        crate::registry::DEPLOYMENTS[0].backup(name).unwrap()
    }

    fn manifest() -> Manifest {
        let id = Id::parse("20261122T053000Z-42-9f3a61c0").unwrap();
        Manifest {
            form: FORM,
            id,
            deployment: "prim".to_owned(),
            set: "wallet".to_owned(),
            host: "vps1".to_owned(),
            object: Some(name::copy("wallet", "db", id)),
            kind: "sqlite".to_owned(),
            source: "/opt/prim/wallet.db".to_owned(),
            begun: Timestamp::UNIX_EPOCH,
            proven: Timestamp::UNIX_EPOCH,
            bytes: 8192,
            source_bytes: 8192,
            sha256: "ab".repeat(32),
            rows: rows(&[("wallets", 3)]),
            left_out: Vec::new(),
            owner: Some(Owner { uid: 1, gid: 1, mode: 0o640 }),
            revision: None,
            tools: BTreeMap::new(),
        }
    }

    fn read(text: &[u8]) -> Read {
        Manifest::read(text, Some(&Key::of(1)), "prim", set("wallet"), manifest().id)
    }

    #[test]
    fn i3_a_manifest_of_another_copy_or_cut_anywhere_is_none() {
        let manifest = manifest();
        let text = manifest.signed(&Key::of(1)).unwrap();
        assert_eq!(read(&text), Read { manifest: Ok(manifest.clone()), unsigned: None });
        for cut in 0..text.len() {
            assert!(read(&text[..cut]).unsigned.is_some(), "{cut}");
        }
        let other = Id { sequence: 43, ..manifest.id };
        for (deployment, name, id) in
            [("x", "wallet", manifest.id), ("prim", "store", manifest.id), ("prim", "wallet", other)]
        {
            let read = Manifest::read(&text, Some(&Key::of(1)), deployment, set(name), id);
            let about = "its manifest is for wallet/20261122T053000Z-42-9f3a61c0 of prim";
            assert_eq!(read, Read::failed(about.to_owned()), "{deployment} {name} {id}");
        }
        let newer = Manifest { form: 2, ..manifest.clone() }.signed(&Key::of(1)).unwrap();
        assert_eq!(read(&newer).manifest, Err("its manifest has format 2, this opsctl reads format 1".to_owned()));
        for other in [
            Manifest { kind: "redis".to_owned(), ..manifest.clone() },
            Manifest { object: Some("wallet/x.db".to_owned()), ..manifest.clone() },
        ] {
            assert!(read(&other.signed(&Key::of(1)).unwrap()).unsigned.is_some());
        }
        let huge = Manifest { rows: (0..200_000).map(|n| (n.to_string(), n)).collect(), ..manifest };
        assert!(huge.signed(&Key::of(1)).is_err());
    }

    #[test]
    fn what_is_not_signed_with_the_key_of_this_host_is_told_from_what_is() {
        let manifest = manifest();
        let of = |text: &[u8], key: Option<&Key>| Manifest::read(text, key, "prim", set("wallet"), manifest.id);
        // As opsctl wrote them before.
        let before = Manifest { object: None, ..manifest.clone() };
        let plain = serde_json::to_vec_pretty(&before).unwrap();
        let signed = manifest.signed(&Key::of(1)).unwrap();
        let told = |read: Read| (read.manifest.is_ok(), read.unsigned.unwrap_or_default());
        assert_eq!(told(of(&plain, Some(&Key::of(1)))), (true, "its manifest is not signed".to_owned()));
        assert_eq!(
            told(of(&signed, Some(&Key::of(2)))),
            (true, "its manifest is not signed with the key of this host".to_owned())
        );
        assert_eq!(told(of(&signed, None)), (true, "its manifest is signed, but this host has no key".to_owned()));
    }

    #[test]
    fn no_byte_of_a_signed_manifest_can_be_another() {
        let text = manifest().signed(&Key::of(1)).unwrap();
        for at in 0..text.len() {
            for change in [1, 2, 0x10, 0x20, 0x80] {
                let mut altered = text.clone();
                altered[at] ^= change;
                assert!(read(&altered).unsigned.is_some(), "{at} {change}");
            }
        }
        let text = String::from_utf8(text).unwrap();
        let more = [
            text.replacen("{\n", "{\n  \"bytes\": 1,\n", 1),
            text.replacen("{\n", "{\n  \"more\": 1,\n", 1),
            text.replace("8192", "8193"),
            text.clone() + "\n",
            text.clone() + &text,
            text.replace("\n  ", "\n"),
        ];
        for altered in more {
            assert!(read(altered.as_bytes()).unsigned.is_some(), "{altered}");
        }
    }

    #[test]
    fn numbers_that_are_too_large_are_neither_wrapped_nor_a_panic() {
        let huge = rows(&[("a", u64::MAX), ("b", u64::MAX), ("c", 1)]);
        assert_eq!(total(&huge), u64::MAX);
        assert_eq!(shrunk(&huge, &huge), None);
        assert_eq!(shrunk(&rows(&[("a", u64::MAX)]), &rows(&[("a", u64::MAX / 2 + 1)])), None);
        assert!(shrunk(&rows(&[("a", u64::MAX)]), &rows(&[("a", u64::MAX / 2)])).is_some());
    }
}
