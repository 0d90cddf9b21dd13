//! `diagnose --bundle`: a tar of all evidence, in which no secret is.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::diagnose::{crash, prim};
use crate::machine::needs_root;

/// The regular files of an archive.
fn unpack(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut rest = archive;
    loop {
        let (header, behind) = rest.split_at(512);
        if header.iter().all(|byte| *byte == 0) {
            assert!(behind.len() == 512 && behind.iter().all(|byte| *byte == 0), "ends with two empty blocks");
            return files;
        }
        let text = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&header[range]).unwrap().trim_end_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        let name = text(0..100).split_once('/').unwrap().1.to_owned();
        files.insert(name, behind[..size].to_vec());
        rest = &behind[size.next_multiple_of(512)..];
    }
}

#[test]
#[ignore = "needs root"]
fn all_evidence_goes_into_a_stream_and_no_secret_with_it() {
    needs_root();
    let machine = prim();
    crash(&machine);
    let line = b"error: Unknown network: password=canary-in-a-line eip155:1";
    machine.journal("2026-11-22T05:29:59Z", "prim-wallet.service", &[("MESSAGE", line)]);
    // As it is: what differs between machines is not replaced in it.
    let output = machine.command(["diagnose", "--bundle", "-"]).output().unwrap();
    let prose = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{prose}");
    assert!(!prose.contains("canary") && !String::from_utf8_lossy(&output.stdout).contains("canary"));
    let files = unpack(&output.stdout);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "commands.json",
            "config.json",
            "diagnosis.json",
            "logs/stalwart.txt",
            "logs/wallet.txt",
            "manifest.json",
            "status.json"
        ]
    );
    let json = |name: &str| -> Value { serde_json::from_slice(&files[name]).unwrap() };
    assert_eq!(json("diagnosis.json")["findings"][0]["code"], "PRIM-NETWORK-UNKNOWN");
    assert_eq!(json("status.json")["schema"], "opsctl/status/v1");
    let config = json("config.json");
    let wallet = config.as_array().unwrap().iter().find(|file| file["path"] == "/etc/prim/wallet.env").unwrap();
    assert_eq!(wallet["keys"], serde_json::json!(["PORT", "PRIM_PAY_TO", "PRIM_NETWORK", "PRIM_INTERNAL_KEY"]));
    assert_eq!(wallet["sha256"].as_str().unwrap().len(), 64);
    assert!(json("commands.json").as_array().unwrap().iter().any(|ran| ran["exit_code"] == 0));
    assert_eq!(json("manifest.json")["left_out"], serde_json::json!([]));
    let said = String::from_utf8(files["logs/wallet.txt"].clone()).unwrap();
    assert!(
        said.contains("2026-11-22T05:29:58Z journal:prim-wallet.service error: Unknown network: eip155:1"),
        "{said}"
    );
}

#[test]
#[ignore = "needs root"]
fn a_bundle_is_a_new_file_for_its_owner_alone() {
    needs_root();
    let machine = prim();
    let path = machine.path("/tmp");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let file = path.join("evidence.tar");
    let name = file.to_str().unwrap();
    let run = machine.run(["diagnose", "--bundle", name]);
    assert_eq!((run.code, run.stdout.starts_with("PASS ")), (0, true), "{}", run.everything());
    assert!(run.stderr.contains("/tmp/evidence.tar: "), "{}", run.stderr);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    let files = unpack(&std::fs::read(&file).unwrap());
    assert!(files.contains_key("diagnosis.json"));
    assert!(!String::from_utf8_lossy(&std::fs::read(&file).unwrap()).contains("canary"));
    // tar itself takes it.
    let list = std::process::Command::new("tar").arg("-tf").arg(&file).output().unwrap();
    assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));

    let again = machine.run(["diagnose", "--bundle", name]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("cannot be written: File exists"), "{}", again.stderr);
    assert_eq!(unpack(&std::fs::read(&file).unwrap()).len(), files.len());
}
