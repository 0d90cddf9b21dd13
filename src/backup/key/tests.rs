use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

/// A machine whose `/var/lib/opsctl` is a new directory.
fn machine(name: &str) -> (System, PathBuf) {
    let root = std::env::temp_dir().join(format!("opsctl-key-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("var/lib")).unwrap();
    (System { root: root.clone(), ..System::real() }, root)
}

#[test]
fn a_key_is_made_once_and_found_again() {
    let (system, root) = machine("made");
    assert_eq!(Key::find(&system), Ok(None));
    let (key, made) = Key::obtain(&system).unwrap();
    assert!(made);
    assert_eq!(Key::obtain(&system), Ok((key.clone(), false)));
    assert_eq!(Key::find(&system), Ok(Some(key.clone())));
    let path = system.path(KEY);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing lies beside it");
    // Another that was made meanwhile stays.
    assert!(!Key::of(7).write(&system).unwrap());
    assert_eq!(Key::find(&system), Ok(Some(key.clone())));
    assert_ne!(Key::random().unwrap(), Key::random().unwrap());
    assert!(!format!("{key:?}").contains(&hex(&key.0)) && !key.mark().contains(&hex(&key.0)[..16]));
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn what_is_no_safe_key_is_none_and_never_written_over() {
    let (system, root) = machine("unsafe");
    let path = system.path(KEY);
    Key::obtain(&system).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    for wrong in ["", "hello", FORM, &good[..good.len() - 2], &good.to_uppercase(), &format!("{good}{good}")] {
        fs::write(&path, wrong).unwrap();
        assert!(Key::obtain(&system).unwrap_err().contains("not a key that opsctl created"), "{wrong:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
    }
    fs::write(&path, &good).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(Key::obtain(&system).unwrap_err().contains("others can use it"), "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&path, root.join("elsewhere")).unwrap();
    symlink(root.join("elsewhere"), &path).unwrap();
    assert!(Key::obtain(&system).is_err(), "a link");
    fs::remove_file(&path).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
    assert!(Key::obtain(&system).unwrap_err().contains("is a FIFO, not a regular file"), "a FIFO");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(Key::obtain(&system).is_err(), "a directory");
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(Key::find(&system).is_err(), "a directory that others can write to");
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_signature_holds_for_one_key_and_one_text() {
    let (one, other) = (Key::of(1), Key::of(2));
    let signature = one.sign(&[b"text"]);
    assert_eq!(signature.len(), 64);
    assert_eq!(signature, one.sign(&[b"te", b"xt"]));
    assert!(one.has_signed(&[b"text"], &signature));
    assert!(!one.has_signed(&[b"texT"], &signature) && !other.has_signed(&[b"text"], &signature));
    for wrong in ["", "zz", &signature[..62], &signature.to_uppercase(), &format!("{signature}00")] {
        assert!(!one.has_signed(&[b"text"], wrong), "{wrong}");
    }
    assert_ne!(one.mark(), other.mark());
}

/// What openssl makes of the same: `printf 'opsctl manifest 1\0{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0101…01`.
#[test]
fn it_is_the_function_that_others_know() {
    assert_eq!(Key::of(1).sign(&[b"{}"]), "17fa17bccd5102ccc625fa11f4467403a13003f2bc53eb292c4c933e6b090058");
}
