//! Containers that root's podman runs. Its engine is never asked, because the question would start it: who runs is seen by the
//! control groups, and names are in the files of its storage.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::host::system::System;

/// How many are listed at most.
const MOST: usize = 300;

/// Drivers of the storage, each with lists of its own
/// (<https://github.com/containers/storage/blob/main/containers.go>).
const DRIVERS: [&str; 3] = ["overlay", "vfs", "btrfs"];
/// What ends with `--rm` is in the second.
const LISTS: [&str; 2] = ["containers.json", "volatile-containers.json"];

/// A container of podman.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its image, where that is known.
    pub image: String,
}

/// Names and images of these containers, by their ids; `None` where no list has it or it may not be read.
pub(super) fn named(system: &System, ids: BTreeSet<String>) -> BTreeMap<String, Option<Named>> {
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let mut known: BTreeMap<String, Named> = BTreeMap::new();
    for driver in DRIVERS {
        let lists = LISTS.iter().map(|list| format!("/var/lib/containers/storage/{driver}-containers/{list}"));
        known.extend(lists.filter_map(|path| system.read(path).ok()).flat_map(|text| parse(&text)));
    }
    let found = ids.into_iter().take(MOST).map(|id| (known.remove(&id), id));
    found.map(|(named, id)| (id, named)).collect()
}

/// Parses a list; what is of another form is passed over.
fn parse(text: &str) -> Vec<(String, Named)> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        #[serde(default)]
        names: Vec<String>,
        #[serde(default)]
        metadata: String,
    }
    // A document in a text of the other.
    #[derive(Default, Deserialize)]
    struct Metadata {
        #[serde(rename = "image-name", default)]
        image: String,
    }
    let rows: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let row = |row: serde_json::Value| {
        let row: Row = serde_json::from_value(row).ok()?;
        let metadata: Metadata = serde_json::from_str(&row.metadata).unwrap_or_default();
        Some((row.id, Named { name: row.names.into_iter().next()?, image: metadata.image }))
    };
    rows.into_iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_the_storage_names_containers() {
        let text = r#"[{"id":"0a","names":["web"],"image":"17","layer":"9","metadata":"{\"image-name\":\"docker.io/library/nginx:1\",
            \"image-id\":\"17\",\"name\":\"web\",\"created-at\":1700000000}","big-data-names":["x"],"flags":{"ProcessLabel":""}},
            {"id":"0b","names":["old"]},{"id":"0c"},{"id":7},"rubbish",{"id":"0d","names":["x"],"metadata":"rubbish"}]"#
            .replace("\n            ", "");
        let found: Vec<_> = parse(&text).into_iter().map(|(id, it)| (id, it.name, it.image)).collect();
        let wanted = [("0a", "web", "docker.io/library/nginx:1"), ("0b", "old", ""), ("0d", "x", "")];
        assert_eq!(found, wanted.map(|(id, name, image)| (id.to_owned(), name.to_owned(), image.to_owned())));
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert_eq!(parse(&text[..end]), []);
        }
    }

    #[test]
    fn what_no_list_has_is_unknown() {
        let root = std::env::temp_dir().join(format!("opsctl-discover-podman-{}", std::process::id()));
        let system = System { root: root.clone(), ..System::real() };
        let list = system.path("/var/lib/containers/storage/vfs-containers/volatile-containers.json");
        std::fs::create_dir_all(list.parent().unwrap()).unwrap();
        std::fs::write(&list, r#"[{"id":"0a","names":["web"]}]"#).unwrap();
        let found = named(&system, BTreeSet::from(["0a".to_owned(), "0b".to_owned()]));
        std::fs::remove_dir_all(root).unwrap();
        let web = Named { name: "web".to_owned(), image: String::new() };
        assert_eq!(found, BTreeMap::from([("0a".to_owned(), Some(web)), ("0b".to_owned(), None)]));
    }
}
