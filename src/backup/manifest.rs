//! PURE. What is known of a copy: written when it was proven, uploaded last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Id;

/// The most that is read of one, bytes.
pub const LONGEST: u64 = 4 << 20;

/// Version of the form.
pub const FORM: u32 = 1;

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

impl Manifest {
    /// Reads one, and makes sure that it is about the copy that it is called after.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &[u8], deployment: &str, set: &str, id: Id) -> Result<Self, String> {
        let found: Manifest =
            serde_json::from_slice(text).map_err(|error| format!("its manifest is damaged: {error}"))?;
        match () {
            () if found.form != FORM => {
                Err(format!("its manifest is of form {}, this opsctl knows {FORM}", found.form))
            }
            () if found.id != id || found.set != set || found.deployment != deployment => {
                Err(format!("its manifest is about {}/{} of {}", found.set, found.id, found.deployment))
            }
            () if found.sha256.len() != 64 => Err("its manifest has no hash".to_owned()),
            () => Ok(found),
        }
    }

    /// All rows together.
    pub fn total_rows(&self) -> u64 {
        total(&self.rows)
    }
}

/// All of these numbers; a manifest may state any.
pub fn total(rows: &Rows) -> u64 {
    rows.values().copied().fold(0, u64::saturating_add)
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
            "{} with rows in the copy before {} missing",
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
        return Some(format!("{is} rows, {was} in the copy before"));
    }
    (!emptied.is_empty()).then(|| format!("{} had rows in the copy before and has none", emptied.join(", ")))
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
        assert_eq!(shrunk(&before, &rows(&[("a", 44), ("b", 10)])), Some("54 rows, 110 in the copy before".to_owned()));
        assert_eq!(shrunk(&before, &rows(&[("a", 100)])), Some("b with rows in the copy before is missing".to_owned()));
        let emptied = shrunk(&before, &rows(&[("a", 100), ("b", 0)]));
        assert_eq!(emptied, Some("b had rows in the copy before and has none".to_owned()));
        assert_eq!(shrunk(&rows(&[]), &rows(&[])), None);
    }

    fn manifest() -> Manifest {
        Manifest {
            form: FORM,
            id: Id::parse("20261122T053000Z-42-9f3a61c0").unwrap(),
            deployment: "prim".to_owned(),
            set: "wallet".to_owned(),
            host: "vps1".to_owned(),
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

    #[test]
    fn i3_a_manifest_of_another_copy_or_cut_anywhere_is_none() {
        let manifest = manifest();
        let text = serde_json::to_vec(&manifest).unwrap();
        assert_eq!(Manifest::parse(&text, "prim", "wallet", manifest.id), Ok(manifest.clone()));
        for cut in 0..text.len() {
            assert!(Manifest::parse(&text[..cut], "prim", "wallet", manifest.id).is_err(), "{cut}");
        }
        let other = Id { sequence: 43, ..manifest.id };
        for (deployment, set, id) in
            [("x", "wallet", manifest.id), ("prim", "store", manifest.id), ("prim", "wallet", other)]
        {
            assert!(Manifest::parse(&text, deployment, set, id).is_err());
        }
        let newer = serde_json::to_vec(&Manifest { form: 2, ..manifest.clone() }).unwrap();
        let told = Manifest::parse(&newer, "prim", "wallet", manifest.id).unwrap_err();
        assert_eq!(told, "its manifest is of form 2, this opsctl knows 1");
    }
}
