use super::*;

pub(crate) mod corpus;

/// What is recorded of a program: what it sets from each file, or null where it refuses it.
fn recorded(text: &str) -> Vec<Option<BTreeMap<String, String>>> {
    serde_json::from_str(text).unwrap()
}

fn set(reading: &Reading) -> Option<BTreeMap<String, String>> {
    let pairs = reading.last().into_iter().map(|(key, value)| (key.to_owned(), value.known().unwrap().to_owned()));
    reading.refused.is_none().then(|| pairs.collect())
}

#[test]
fn l13_systemd_sets_what_is_read() {
    let all = recorded(include_str!("systemd.json"));
    let files = corpus::files();
    assert_eq!(files.len(), all.len());
    for (number, (content, known)) in files.iter().zip(all).enumerate() {
        let reading = systemd::parse(content, false).0;
        assert_eq!(set(&reading), known, "file {number}: {}", String::from_utf8_lossy(content));
    }
}

#[test]
fn l13_compose_sets_what_is_read() {
    let all = recorded(include_str!("compose.json"));
    let files = corpus::files();
    assert_eq!(files.len(), all.len());
    for (number, (content, known)) in files.iter().zip(all).enumerate() {
        // Nothing else is set where it was recorded.
        let reading = read(EnvReader::Compose, content, &|_| Elsewhere::Unset);
        assert_eq!(set(&reading), known, "file {number}: {}", String::from_utf8_lossy(content));
    }
}
