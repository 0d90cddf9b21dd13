//! Keys that are not there, that others can read, that are none, and that are others; with the real `age` where there is one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Parser;

use super::*;
use crate::commands::Cli;
use crate::host::system::System;

/// Two identities that guard nothing.
const ONE: &str = "AGE-SECRET-KEY-1JL2YXTPVFHFJRA8M5KKSQYYFD9TUM5FVQ6C9AA46PFPX9XCY55CQFLZDCV";
const OTHER: &str = "AGE-SECRET-KEY-15G283CE0ZZHHUR72VH39UHNYJT4X90JUZCZJD2LR8Z64YNRKGFQSKH0NLD";

/// A machine with a key, in a directory that goes with the test.
struct Machine(PathBuf);

impl Machine {
    fn new(key: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("opsctl-seal-{}-{count}", std::process::id()));
        fs::create_dir_all(path.join("etc/opsctl")).unwrap();
        let machine = Machine(path);
        machine.key(key, 0o600);
        machine
    }

    fn key(&self, key: &str, mode: u32) {
        let path = self.0.join("etc/opsctl/backup.key");
        fs::write(&path, format!("# created: 2026-02-26T02:11:07Z\n{key}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        fs::write(self.at(name), content).unwrap();
        self.at(name)
    }

    fn with<T>(&self, tools: &[&str], work: impl FnOnce(&Context<'_>) -> T) -> T {
        let tool_path = tools.iter().map(PathBuf::from).collect();
        let system = System { root: self.0.clone(), tool_path, ..System::real() };
        let cli = Cli::try_parse_from(["opsctl", "status"]).unwrap();
        work(&Context::new(&system, cli.global.settings()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const REAL: [&str; 2] = ["/usr/local/bin", "/usr/bin"];

#[test]
fn f7_without_a_key_that_is_ours_alone_nothing_is_sealed_and_nothing_is_left() {
    let machine = Machine::new(ONE);
    let path = machine.at("etc/opsctl/backup.key");
    let seal = || {
        let plain = machine.file("plain", b"token");
        let told = machine.with(&REAL, |context| seal(context, &plain, &machine.at("sealed"))).unwrap_err();
        assert!(!plain.exists() && !machine.at("sealed").exists(), "{told}");
        assert!(!told.contains("AGE-SECRET"), "{told}");
        let sealed = machine.file("other", b"age-encryption.org/v1\n");
        let opened = machine.with(&REAL, |context| opened(context, &sealed, &plain, |_| Ok(()))).unwrap_err();
        assert_eq!(opened, told);
        assert!(!plain.exists());
        assert_eq!(machine.with(&REAL, ready).unwrap_err(), told);
        told
    };
    machine.key(ONE, 0o640);
    assert_eq!(
        seal(),
        "others can read the key /etc/opsctl/backup.key: chmod 600; if they did read it, create a new one"
    );
    for none in ["", "AGE-SECRET-KEY", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"] {
        machine.key(none, 0o600);
        assert_eq!(seal(), "/etc/opsctl/backup.key is not a key of age-keygen");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(
        seal(),
        "no key to encrypt with: install -d -m 700 /etc/opsctl && age-keygen -o /etc/opsctl/backup.key, then store a copy of it elsewhere"
    );
    machine.file("elsewhere", ONE.as_bytes());
    symlink(machine.at("elsewhere"), &path).unwrap();
    assert_eq!(seal(), "root does not own /etc/opsctl/backup.key, or it is not a regular file");
}

#[test]
fn without_age_its_package_is_named() {
    let machine = Machine::new(ONE);
    let plain = machine.file("plain", b"token");
    let told = machine.with(&[], |context| seal(context, &plain, &machine.at("sealed"))).unwrap_err();
    assert_eq!(told, "it cannot be encrypted: age is not installed: apt-get install age");
    assert!(!plain.exists() && !machine.at("sealed").exists());
    assert_eq!(machine.with(&[], ready).unwrap_err(), "age is not installed: apt-get install age");
}

/// Where this machine has no age, that is what is told; hosts of ring 3 have it.
#[test]
fn f7_what_one_key_has_sealed_no_other_opens() {
    let machine = Machine::new(ONE);
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let plain = machine.file("plain", &content);
    let sealed = machine.at("sealed");
    match machine.with(&REAL, |context| seal(context, &plain, &sealed)) {
        Ok(()) => {}
        Err(told) => {
            assert_eq!(told, "it cannot be encrypted: age is not installed: apt-get install age");
            assert!(REAL.iter().all(|directory| !Path::new(directory).join("age").exists()));
            return;
        }
    }
    assert!(!plain.exists(), "the plain file outlived the call");
    let whole = fs::read(&sealed).unwrap();
    assert!(whole.starts_with(b"age-encryption.org/v1\n") && whole.len() > content.len());
    assert_eq!(sealed.metadata().unwrap().mode() & 0o7777, 0o600);
    let open = |work: &dyn Fn(&Path) -> Result<Vec<u8>, String>| {
        let opened = machine.with(&REAL, |context| opened(context, &sealed, &plain, work));
        assert!(!plain.exists(), "the plain file outlived the call");
        opened
    };
    let read = |path: &Path| {
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
        fs::read(path).map_err(|error| error.to_string())
    };
    assert_eq!(open(&read), Ok(content));
    assert_eq!(open(&|_| Err("it is not whole".to_owned())), Err("it is not whole".to_owned()));
    machine.with(&REAL, ready).unwrap();
    // Something that is there is never written over.
    machine.file("plain", b"mine");
    assert!(machine.with(&REAL, |context| opened(context, &sealed, &plain, read)).unwrap_err().contains("File exists"));
    assert_eq!(fs::read(&plain).unwrap(), b"mine");
    fs::remove_file(&plain).unwrap();
    machine.key(OTHER, 0o600);
    assert_eq!(open(&read), Err("it was encrypted with another key than /etc/opsctl/backup.key".to_owned()));
    machine.key(ONE, 0o600);
    for (cut, flipped) in [(0, 0), (100, 0), (whole.len() - 1, 0), (whole.len(), 1)] {
        let mut damaged = whole[..cut].to_vec();
        damaged.iter_mut().skip(whole.len() / 2).take(flipped).for_each(|byte| *byte ^= 1);
        fs::write(&sealed, damaged).unwrap();
        let told = open(&read).unwrap_err();
        assert!(told.starts_with("it cannot be decrypted: "), "{cut}: {told}");
    }
    // What age says of a key that is broken says nothing of the key.
    let broken = format!("{}X", &ONE[..ONE.len() - 1]);
    machine.key(&broken, 0o600);
    fs::write(&sealed, &whole).unwrap();
    let told = open(&read).unwrap_err();
    assert!(told.starts_with("it cannot be decrypted: ") && !told.contains(&broken[16..]), "{told}");
}
