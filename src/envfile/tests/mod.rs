use super::*;

pub(crate) mod corpus;
mod edit;

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

#[test]
fn l13_docker_sets_what_is_read() {
    let files = corpus::files();
    for (number, (content, known)) in files.iter().zip(recorded(include_str!("docker.json"))).enumerate() {
        let reading = read(EnvReader::Docker, content, &|_| Elsewhere::Unset);
        assert_eq!(set(&reading), known, "file {number}: {}", String::from_utf8_lossy(content));
    }
}

/// Recorded of dotenv 16.6.1, which no test host has.
#[test]
fn l13_dotenv_sets_what_is_read() {
    let files = corpus::files();
    let all = recorded(include_str!("dotenv.json"));
    assert_eq!(files.len(), all.len());
    for (number, (content, known)) in files.iter().zip(all).enumerate() {
        let reading = read(EnvReader::Dotenv, content, NOWHERE);
        assert_eq!(set(&reading), known, "file {number}: {}", String::from_utf8_lossy(content));
    }
}

/// Nothing but the file: what it does not decide by itself is unknown, and everything else is as recorded.
#[test]
fn l14_what_comes_from_elsewhere_is_unknown_and_never_wrong() {
    let (mut same, mut unknown) = (0, 0);
    for (content, known) in corpus::files().iter().zip(recorded(include_str!("compose.json"))) {
        let reading = read(EnvReader::Compose, content, NOWHERE);
        for (key, value) in reading.last() {
            match (value, &known) {
                (Value::Known(value), Some(known)) => {
                    assert_eq!(known.get(key), Some(value), "{key}");
                    same += 1;
                }
                (Value::Unknown(_), _) => unknown += 1,
                // It refuses the file for a variable that it requires.
                (Value::Known(_), None) => assert!(String::from_utf8_lossy(content).contains('?')),
            }
        }
    }
    assert!(same > 2000 && unknown > 10, "{same} {unknown}");
}

#[test]
fn l14_a_project_fills_in_what_its_own_file_sets() {
    let value = |content: &str, project: &str, key: &str| {
        read_in_project(content.as_bytes(), project.as_bytes()).get(key).and_then(Value::known).map(str::to_owned)
    };
    assert_eq!(value("A=${B}\n", "B=1\n", "A").as_deref(), Some("1"));
    assert_eq!(value("B=2\nA=${B}\n", "B=1\n", "A").as_deref(), Some("1"));
    assert_eq!(value("A=${B}\n", "", "A"), None);
    assert_eq!(value("A\n", "A=3\n", "A").as_deref(), Some("3"));
}

#[test]
fn l14_comments_that_versions_of_systemd_read_differently_are_unknown() {
    let reading = read(EnvReader::Systemd, b"# why\\\nPORT=3001\nA=1\n", NOWHERE);
    assert_eq!(reading.get("PORT"), Some(&Value::Unknown(systemd::SINCE_254)));
    assert_eq!(reading.get("A"), Some(&Value::Known("1".into())));
    // The same either way.
    let reading = read(EnvReader::Systemd, b"# why\\\nPORT=1\nPORT=2\n", NOWHERE);
    assert_eq!(reading.get("PORT"), Some(&Value::Known("2".into())));
}

#[test]
fn l13_it_is_said_why_a_key_is_not_set() {
    let text = b"export PORT=3001\n#HOST=a\nA=\"x\nB=1\n\"\nC D=1\nE : 2\n";
    let reading = read(EnvReader::Systemd, text, NOWHERE);
    assert_eq!(reading.keys(), ["A"]);
    assert_eq!(reading.lacking(&["PORT", "A", "B"]), ["PORT", "B"]);
    for (key, why) in [
        ("PORT", Some("systemd ignores `export PORT=…` in line 1")),
        ("HOST", Some("line 2 is a comment")),
        ("B", Some("line 4 is part of the value of A, which begins in line 3")),
        ("E", Some("systemd does not read line 7 as a setting")),
        ("A", None),
        ("Z", None),
    ] {
        assert_eq!(reading.why_not(key), why, "{key}");
    }
    let refused = read(EnvReader::Compose, b"A=1\nB=\"open\n", NOWHERE);
    assert_eq!((refused.get("A"), refused.keys().len()), (None, 0));
    assert_eq!(refused.why_lacking(&["A"]), "compose refuses the file: a quoted value is not closed (line 2)");
}

/// Whatever stands in a file, no reader takes long or panics, and none says that a key is not set which it sets.
#[test]
fn l9_l13_nonsense_is_read_quickly() {
    for piece in [
        "A='\\'",
        "${A:-",
        "A=${A:-${A}}",
        "A=\"x",
        "A:",
        "export ",
        "#\\\n",
        "$",
        "A=\\\n",
        "A=`",
        "\r",
        "A=12345678$A$A\n",
    ] {
        let text = piece.repeat(5_000);
        for reader in EnvReader::ALL {
            let begun = std::time::Instant::now();
            let reading = read(*reader, text.as_bytes(), NOWHERE);
            assert!(begun.elapsed().as_secs() < 10, "{reader:?} {piece:?}");
            assert!(reading.keys().into_iter().all(|key| reading.get(key).is_some()));
        }
    }
}
