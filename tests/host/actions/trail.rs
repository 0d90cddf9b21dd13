//! The trail that changes leave behind, also where it cannot be written. Called on the host of `order`.

use super::*;

/// Two lines a change in a file that only root can read, else in the journal, else nothing is done.
pub(super) fn written(machine: &Machine) {
    let lines = || -> usize { machine.sh("wc -l < /var/log/opsctl/audit.jsonl").trim().parse().unwrap() };
    let before = lines();
    must(machine, "restart track -y --settle 200ms", 0);
    must(machine, "restart wallet track", 5);
    must(machine, "restart nosuch -y", 2);
    assert_eq!(lines(), before + 2);
    let pairs =
        "tail -n 2 /var/log/opsctl/audit.jsonl | jq -c '[.phase, .operation, .targets[0], .exit_code, .outcome]'";
    assert_eq!(
        machine.sh(pairs),
        "[\"begin\",\"restart\",\"track\",null,null]\n[\"end\",\"restart\",\"track\",0,\"done\"]\n"
    );
    assert_eq!(machine.sh("grep -c dummy /var/log/opsctl/audit.jsonl || true"), "0\n");

    let history =
        || -> usize { machine.sh("opsctl history -n 100000 -o json | jq '.changes | length'").trim().parse().unwrap() };
    let known = history();
    machine.sh("mount --bind /var/log/opsctl /var/log/opsctl; mount -o remount,ro,bind /var/log/opsctl");
    must(machine, "restart track -y --settle 200ms", 0);
    let journal = "journalctl -t opsctl-audit -o cat --no-pager -n 2 | jq -r .phase";
    assert_eq!(machine.sh(journal), "begin\nend\n");
    // What the file did not take is part of the history, and what others write under that name is not.
    machine.sh(&format!(
        "line=$(tail -n 1 /var/log/opsctl/audit.jsonl | sed 's/\"id\":\"/&9/'); setpriv --reuid=nobody --clear-groups logger -t opsctl-audit -- \"$line\"
         setpriv --reuid=nobody --clear-groups logger -t opsctl-audit -- \"$(echo \"$line\" | sed 's/\"end\"/\"begin\"/')\"; sleep 0.2"
    ));
    assert_eq!(history(), known + 1);
    let track = pid(machine, "prim-track");
    machine.sh("mv /run/systemd/journal/socket /run/systemd/journal/socket.away");
    says(machine, "restart track -y --settle 200ms", 5, &["cannot record the operation, nothing was changed"]);
    machine.sh("mv /run/systemd/journal/socket.away /run/systemd/journal/socket; umount /var/log/opsctl");
    assert_eq!(pid(machine, "prim-track"), track);
}

/// A disk that is full in the middle of a line: the journal takes the whole of it, and the next line is not spoilt. (K10)
pub(super) fn torn(machine: &Machine) {
    machine.sh(
        "tail -n 10 /var/log/opsctl/audit.jsonl | tail -c 3900 | sed 1d > /run/tail; mount -t tmpfs -o size=4k,mode=700 full /var/log/opsctl
         umask 077; { head -c $((3900 - $(wc -c < /run/tail))) /dev/zero | tr '\\0' '\\n'; cat /run/tail; } > /var/log/opsctl/audit.jsonl",
    );
    must(machine, "restart faucet -y --settle 200ms", 0);
    machine.sh(
        "tail -c +3901 /var/log/opsctl/audit.jsonl > /run/torn; umount /var/log/opsctl; cat /run/torn >> /var/log/opsctl/audit.jsonl
         tail -n 1 /var/log/opsctl/audit.jsonl | grep -q '^{\"time\":' && ! tail -n 1 /var/log/opsctl/audit.jsonl | jq . 2>/dev/null",
    );
    let newest =
        "opsctl history -n 1 -o json 2>&1 | sed '/^opsctl: /d' | jq -c '.changes[0] | [.targets[0], .outcome]'";
    assert_eq!(machine.sh(newest), "[\"faucet\",\"done\"]\n");
    must(machine, "restart spawn -y --settle 200ms", 0);
    assert_eq!(machine.sh(newest), "[\"spawn\",\"done\"]\n");
    says(machine, "history -n 1", 0, &["1 line of /var/log/opsctl/audit.jsonl is damaged and left out"]);
}

/// The trail that all of this has left, one change of each kind, is what `history` is shown to read in the transcripts.
pub(super) fn keep(machine: &Machine) {
    let trail = std::fs::read_to_string(machine.root().join("var/log/opsctl/audit.jsonl")).unwrap();
    let parsed = |line: &str| serde_json::from_str::<Value>(line).ok();
    let ends: Vec<Value> = trail.lines().filter_map(parsed).filter(|entry| entry["phase"] == "end").collect();
    let end = |id: &Value| ends.iter().find(|end| end["id"] == *id);
    let mut kinds = Vec::new();
    let mut kept = Vec::new();
    for entry in trail.lines().filter_map(parsed).filter(|entry| entry["phase"] == "begin") {
        let kind =
            (entry["operation"].clone(), end(&entry["id"]).map(|end| end["exit_code"].clone()), entry["from"].clone());
        if !kinds.contains(&kind) {
            kinds.push(kind);
            kept.push(entry["id"].clone());
        }
    }
    let wanted = |line: &&str| parsed(line).is_none_or(|entry| kept.contains(&entry["id"]));
    let text: String = trail.lines().filter(wanted).map(|line| format!("{line}\n")).collect();
    let has =
        |operation: &str, code: Option<i32>| kinds.contains(&(operation.into(), code.map(Value::from), Value::Null));
    assert!(has("restart", Some(0)) && has("restart", Some(1)) && has("restart", Some(8)) && has("restart", None));
    assert!(
        has("lock acquire", Some(0)) && has("lock release", Some(0)) && text.lines().any(|line| parsed(line).is_none())
    );
    if std::env::var("SNAPSHOTS").is_ok_and(|action| action == "overwrite") {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/samples/audit.jsonl");
        std::fs::write(file, text).unwrap();
    }
}
