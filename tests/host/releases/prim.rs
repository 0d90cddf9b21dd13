//! prim: from a git checkout, and delivered by rsync.

use super::*;

const ALL: [&str; 11] =
    ["wallet", "store", "faucet", "spawn", "search", "email", "token", "mem", "domain", "track", "site"];

fn each(outcome: &str) -> String {
    ALL.map(|name| format!("{name} {outcome}")).join(", ")
}

#[test]
fn releases_of_prim() {
    let machine = Machine::boot_as("prim", "it-prim-releases");
    delivered(&machine);
    machine.sh(". /usr/local/lib/test-host/guest.sh; make_repository /opt/prim prim");
    // What runs since before the files came to where they are is not taken for what they are.
    machine.sh("opsctl -q restart --all -y --settle 200ms");
    let first = head(&machine, "/opt/prim");
    let second = good(&machine, &first);
    bad(&machine, &second);
    in_the_way(&machine, &second);
    back(&machine, &first, &second);
    swept(&machine);
    owned(&machine);
}

/// D12: without a `.git` there is nothing to fetch and nothing to go back to, and that is said.
fn delivered(machine: &Machine) {
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done, came(0, "done", &each("done"), ""));
    assert_eq!(titles(&document), ["install dependencies", "build the payment middleware"]);
    assert!(refused(machine, "rollback -y", 5).contains("/opt/prim has no .git"));
    assert_eq!(document["to"]["revision"], Value::Null);
}

fn good(machine: &Machine, first: &str) -> String {
    let pids =
        "systemctl show -P MainPID prim-wallet prim-track; git -c safe.directory='*' -C /opt/prim rev-parse HEAD";
    let before = machine.sh(pids);
    let second = push(machine, "prim", "echo '// two' >> packages/track/src/index.ts", "Track: second version");
    assert!(refused(machine, "redeploy", 5).contains("there is no terminal to ask"));
    let (_, plan) = release(machine, "redeploy --dry-run");
    assert_eq!((&plan["from"]["revision"], &plan["to"]["revision"]), (&first.into(), &second.as_str().into()));
    assert_eq!((machine.sh(pids), machine.sh("ls /var/lib/opsctl 2>/dev/null | wc -l")), (before, "0\n".to_owned()));

    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done, came(0, "done", &each("done"), ""));
    let move_ = format!("check out {}", &second[..12]);
    let wanted = ["fetch the new version", &move_, "install dependencies", "build the payment middleware"];
    assert_eq!(titles(&document), wanted);
    assert!(document["steps"].as_array().unwrap().iter().all(|step| step["user"] == "prim"), "{document:#}");
    assert_eq!(head(machine, "/opt/prim"), second);
    machine.sh("test -f /opt/prim/packages/x402-middleware/dist/index.ts");
    let listed = document_of(machine, "rollback --list");
    let rows: Vec<_> = listed["releases"].as_array().unwrap().iter().map(row).collect();
    let wanted = [
        (second.clone(), "redeployed", "Ada Deploy", "Track: second version", true),
        (first.to_owned(), "found", "deploy", "Release", false),
    ];
    assert_eq!(rows, wanted.map(|(a, b, c, d, e)| (a, b.to_owned(), c.to_owned(), d.to_owned(), e)));
    second
}

fn document_of(machine: &Machine, words: &str) -> Value {
    document(&ops(machine, words))
}

fn row(row: &Value) -> (String, String, String, String, bool) {
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    (text("revision"), text("how"), text("author"), text("subject"), row["current"].as_bool().unwrap())
}

/// J2, J3: what does not build never serves; what does not run is taken back, with its last words kept.
fn bad(machine: &Machine, second: &str) {
    let wallet = machine.sh("systemctl show -P MainPID prim-wallet");
    push(machine, "prim", "sed -i 's/mkdir/exit 7; mkdir/' packages/x402-middleware/package.json", "Does not build");
    let (failed, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(failed, came(1, "unswitched", "", ""));
    assert_eq!(head(machine, "/opt/prim"), second);
    assert_eq!(machine.sh("systemctl show -P MainPID prim-wallet"), wallet);
    let reason = document["reason"].as_str().unwrap();
    assert!(reason.starts_with("build the payment middleware: exit 7"), "{reason}");
    assert!(reason.ends_with("the running version was not changed"), "{reason}");

    let edit = "git reset -q --hard HEAD~1; sed -i '1i console.error(\"no such table: quotas\"); process.exit(3);' packages/store/src/index.ts";
    let broken = push(machine, "prim", edit, "Does not start");
    let (failed, document) = release(machine, "redeploy -y --settle 500ms");
    let mut targets = each("not_tried");
    targets = targets.replace("wallet not_tried, store not_tried", "wallet done, store failed");
    assert_eq!(failed, came(9, "rolled_back", &targets, "wallet done, store done"));
    assert!(document["targets"][1]["log"].to_string().contains("no such table: quotas"), "{document:#}");
    assert_eq!((head(machine, "/opt/prim").as_str(), &document["to"]["revision"]), (second, &second.into()));
    machine.sh("opsctl status");

    let (failed, _) = release(machine, "redeploy -y --settle 500ms --no-rollback");
    assert_eq!(failed, came(1, "bad", &targets, ""));
    assert_eq!(head(machine, "/opt/prim"), broken);
    let (done, document) = release(machine, "rollback -y --settle 500ms");
    assert_eq!(done, came(0, "done", &each("done"), ""));
    assert_eq!(document["to"]["revision"], second);
    // J5: neither works, and that is the end of it.
    let (stuck, _) = {
        machine.sh(
            "cp /etc/prim/store.env /root/store.env; sed -i s/PRIM_NETWORK=.*/PRIM_NETWORK=mars/ /etc/prim/store.env",
        );
        release(machine, "redeploy store -y --settle 500ms")
    };
    assert_eq!(stuck, came(1, "stuck", "store failed", "store failed"));
    machine.sh("cp /root/store.env /etc/prim/store.env");
    let (done, _) = release(machine, "rollback -y --settle 500ms --to second".replace("second", &second[..8]).as_str());
    assert_eq!((done.code, head(machine, "/opt/prim").as_str()), (0, second));
}

/// J1: whatever is in the way is said before anything is done.
fn in_the_way(machine: &Machine, second: &str) {
    let git = "runuser -u prim -- git -C /opt/prim";
    for (inject, heal, code, wanted) in [
        (
            "echo x >> /opt/prim/package.json".to_owned(),
            format!("{git} checkout -q package.json"),
            5,
            "changed by hand: package.json",
        ),
        (
            format!("{git} checkout -q --detach"),
            format!("{git} checkout -q main"),
            5,
            "/opt/prim is on no branch, not on main",
        ),
        (format!("{git} checkout -q -b hotfix"), format!("{git} checkout -q main"), 5, "is on branch hotfix, not main"),
        (
            "mv /srv/origin/prim.git /srv/away".to_owned(),
            "mv /srv/away /srv/origin/prim.git".to_owned(),
            4,
            "origin cannot be reached",
        ),
        (
            "mv /opt/prim/.git/HEAD /root/HEAD".to_owned(),
            "mv /root/HEAD /opt/prim/.git/HEAD".to_owned(),
            4,
            "git in /opt/prim",
        ),
        (
            "sed -i s/^PRIM_PAY_TO/X/ /etc/prim/mem.env".to_owned(),
            "sed -i s/^X/PRIM_PAY_TO/ /etc/prim/mem.env".to_owned(),
            5,
            "mem needs PRIM_PAY_TO",
        ),
        (
            "mount -t tmpfs -o size=512m tmpfs /mnt; cp -a /opt/prim/. /mnt; mount --bind /mnt /opt/prim".to_owned(),
            "umount /opt/prim; umount /mnt".to_owned(),
            5,
            "GiB free at /opt/prim, less than 1.0",
        ),
    ] {
        machine.sh(&inject);
        for words in ["redeploy -y", "redeploy --dry-run"] {
            let said = refused(machine, words, code);
            assert!(said.contains(wanted), "{inject}: {said}");
        }
        machine.sh(&heal);
    }
    // Force-pushed: the origin has another history. Seen only once it is fetched, before anything is built.
    push(machine, "prim", &format!("git reset -q --hard {second}~1; echo >> site/serve.ts"), "Another history");
    let before = head(machine, "/opt/prim");
    let (failed, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!((failed, head(machine, "/opt/prim")), (came(1, "unswitched", "", ""), before.clone()));
    assert!(document["reason"].as_str().unwrap().contains("fast-forward"), "{document:#}");
    push(
        machine,
        "prim",
        &format!("git fetch -q /opt/prim/.git {before}; git reset -q --hard {before}; echo >> site/serve.ts"),
        "Mended",
    );
}

/// J4: what is gone is refused before anything stops.
fn back(machine: &Machine, first: &str, second: &str) {
    let (done, document) = release(machine, "redeploy -y --settle 500ms");
    assert_eq!(done.code, 0, "{document:#}");
    let (done, _) = release(machine, "rollback track -y --settle 500ms");
    assert_eq!((done, head(machine, "/opt/prim").as_str()), (came(0, "done", "track done", ""), second));
    for (words, code, wanted) in [
        ("rollback -y --to 0000000000", 5, "no version 0000000000 is recorded"),
        ("rollback -y --to=--force", 2, "expected a version"),
        ("rollback caddy -y", 2, "caddy is not part of the release"),
        ("redeploy --load /nonexistent -y", 2, "no such file"),
        ("redeploy --pull -y", 2, "prim has no images to load or pull"),
    ] {
        let said = refused(machine, words, code);
        assert!(said.contains(wanted), "{words}: {said}");
    }
    machine.sh(&format!("sed -i s/{first}/{}/g /var/lib/opsctl/prim.releases.jsonl", "f".repeat(40)));
    let said = refused(machine, "rollback -y --to ffffffff", 5);
    assert!(said.contains("commit ffffffffffff is no longer in the repository"), "{said}");
    machine.sh(&format!("sed -i s/{}/{first}/g /var/lib/opsctl/prim.releases.jsonl", "f".repeat(40)));
    machine.sh("opsctl status");
}

/// J8: a signal at every step boundary; the service is up, the next status tells, and the same again finishes it.
fn swept(machine: &Machine) {
    let mut points = 0;
    for signal in ["KILL", "HUP", "INT", "TERM"] {
        for n in 1.. {
            let wanted =
                push(machine, "prim", "date +%N >> site/serve.log; echo // >> packages/track/src/index.ts", "Next");
            if !struck(machine, "redeploy track -y --settle 200ms", signal, n) {
                break;
            }
            points += 1;
            page(machine, "-o /dev/null localhost:3010");
            let said = machine.sh("systemctl is-active prim-track; opsctl status track; opsctl lock status || true");
            let unfinished = said.contains("redeploy of prim (root) did not finish") || said.contains("redeploy of");
            // The last boundary is the release of the lock itself.
            assert!(unfinished || said.ends_with("free\n"), "{signal} at {n}: {said}");
            let (done, document) = release(machine, "redeploy track -y --settle 200ms");
            assert_eq!((done.code, head(machine, "/opt/prim")), (0, wanted), "{signal} at {n}: {document:#}");
            assert_eq!(
                machine.sh("opsctl lock status; pgrep -fc '[p]npm --dir|[g]it --no-opt' || true"),
                "free\n0\n",
                "{signal} at {n}"
            );
        }
    }
    eprintln!("redeploy of prim: a signal at {points} step boundaries, each finished by the next run");
    assert!(points >= 4 * 9, "{points}");
}

/// L10: nothing of the repository runs as root, whatever it brings.
fn owned(machine: &Machine) {
    machine.sh("cd /opt/prim; printf '#!/bin/sh\\nid -u >> /tmp/ran\\n' > /tmp/hook; chmod 755 /tmp/hook
         for hook in post-merge post-checkout reference-transaction; do cp /tmp/hook .git/hooks/$hook; done
         git -c safe.directory='*' config core.fsmonitor /tmp/hook; chown -R prim .git; rm -f /tmp/ran; touch /tmp/ran; chmod 666 /tmp/ran");
    let edit = "sed -i 's/\"build\": \"/\"build\": \"id -u >> \\/tmp\\/ran; /' packages/x402-middleware/package.json";
    push(machine, "prim", edit, "Runs things");
    let (done, document) = release(machine, "redeploy track -y --settle 200ms");
    assert_eq!(done.code, 0, "{document:#}");
    let ran = machine.sh("sort -u /tmp/ran");
    assert_eq!(ran, machine.sh("id -u prim"));
}
