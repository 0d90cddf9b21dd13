use super::*;
use crate::envfile::edit::{get, password, put_back, raw, set, with_password};
use crate::registry::KeyFormat;

const SYSTEMD: KeyFormat = KeyFormat::Env(EnvReader::Systemd);

/// Values that somebody may want a key to have.
const VALUES: &[&str] = &[
    "0123456789abcdef0123456789abcdef0123456789abcdef",
    "postgresql://app:0123abcd@db:5432/shop?sslmode=require&x=1",
    "a#b",
    "pa$$word",
    "it's",
    "two words",
    "",
];

/// Of files as anybody may have written them: the key has the value, every other key what it had, and the old value is nowhere left. What
/// was written before can be written again.
#[test]
fn a_key_is_set_as_its_reader_reads_it() {
    let (mut made, mut refused) = (0, 0);
    // Every file takes a minute; those between are alike.
    for content in corpus::files().into_iter().step_by(11) {
        for reader in EnvReader::ALL.iter().copied() {
            let format = KeyFormat::Env(reader);
            let before = read(reader, &content, NOWHERE);
            let keys: Vec<String> = before.keys().into_iter().map(str::to_owned).take(3).collect();
            for key in keys.iter().map(String::as_str).chain(["ADDED_KEY"]) {
                for value in VALUES {
                    let Ok(new) = set(format, &content, key, value) else {
                        refused += 1;
                        continue;
                    };
                    made += 1;
                    let after = read(reader, &new, NOWHERE);
                    assert_eq!(after.get(key).and_then(Value::known), Some(*value));
                    let others = |reading: &Reading| {
                        let all = reading.last().into_iter().filter(|(name, _)| *name != key);
                        all.map(|(name, value)| (name.to_owned(), value.clone())).collect::<Vec<_>>()
                    };
                    assert_eq!(others(&after), others(&before), "{key}");
                    let old = raw(format, &content, key).unwrap();
                    let again = put_back(format, &new, key, old.as_deref()).unwrap();
                    assert_eq!(read(reader, &again, NOWHERE).last(), before.last(), "{key}");
                }
            }
        }
    }
    // A secret that is made is one of them, and no file that is read at all refuses it.
    assert!(made > 500 && refused < made / 2, "{made} {refused}");
}

/// Only nonsense refuses it: what it sets is made of other settings, or goes on in a line that was none of its own.
#[test]
fn a_secret_that_is_made_can_be_set_in_nearly_every_file() {
    let (mut made, mut refused) = (0, 0);
    for content in corpus::files().into_iter().step_by(3).filter(|content| str::from_utf8(content).is_ok()) {
        for reader in EnvReader::ALL.iter().copied() {
            let reading = read(reader, &content, NOWHERE);
            let Some(setting) = reading.settings.first().filter(|_| reading.refused.is_none()) else { continue };
            match set(KeyFormat::Env(reader), &content, &setting.key, VALUES[0]) {
                Ok(_) => made += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(made > 150 && refused < made / 20, "{made} {refused}");
}

#[test]
fn files_of_words() {
    let file = b"# requirepass old\nport 6379\n  RequirePass \"old one\"\n";
    assert_eq!(get(KeyFormat::Words, file, "requirepass"), Ok(Some("old one".to_owned())));
    let new = set(KeyFormat::Words, file, "requirepass", "0abc").unwrap();
    assert_eq!(String::from_utf8_lossy(&new), "# requirepass old\nport 6379\n  RequirePass 0abc\n");
    assert_eq!(put_back(KeyFormat::Words, &new, "requirepass", Some("\"old one\"")).unwrap(), file);
    let added = set(KeyFormat::Words, b"port 1", "masterauth", "x").unwrap();
    assert_eq!(added, b"port 1\nmasterauth x\n");
    assert_eq!(put_back(KeyFormat::Words, &added, "masterauth", None).unwrap(), b"port 1\n");
}

#[test]
fn what_a_reader_would_read_otherwise_is_refused() {
    assert!(set(SYSTEMD, b"A=1\n", "A", "one\ntwo'\"").is_err());
    assert!(set(KeyFormat::Env(EnvReader::Docker), b"A=1\n", "A", "one\ntwo").is_err());
    assert!(set(SYSTEMD, b"A=\xff\n", "A", "1").is_err());
    assert_eq!(set(SYSTEMD, b"A=1\nA=2\nB=3", "A", "x y"), Ok(b"A=x y\nA=x y\nB=3".to_vec()));
    assert_eq!(set(SYSTEMD, b"B=3", "A", "1"), Ok(b"B=3\nA=1\n".to_vec()));
}

#[test]
fn passwords_of_urls() {
    for (url, old, new) in [
        ("redis://:old@127.0.0.1:6379/0", Some("old"), Some("redis://:n%2Fw@127.0.0.1:6379/0")),
        ("mongodb://a:o%40d@h/db?x=@&y=1", Some("o@d"), Some("mongodb://a:n%2Fw@h/db?x=@&y=1")),
        ("postgresql://a:p@ss@h", Some("p@ss"), Some("postgresql://a:n%2Fw@h")),
        ("redis://127.0.0.1:6379", None, None),
        ("https://user@host/a:b@c", None, None),
        ("word", None, None),
        ("x://a:%zz@h", Some("%zz"), Some("x://a:n%2Fw@h")),
    ] {
        assert_eq!(password(url).as_deref(), old, "{url}");
        assert_eq!(with_password(url, "n/w").as_deref(), new, "{url}");
    }
}
