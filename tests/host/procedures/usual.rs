//! What every deployment has: an address is blocked and let in again, looked at from a network of its own; space is freed on a disk
//! that is full to the last byte; who is logged in is listed.

use serde_json::Value;

use crate::machine::{Machine, Ran};

/// A second host behind a cable, that is 198.51.100.2 and `2001:db8:1::2`; a server that it can reach, and sshd.
const PEER: &str = r"
ip netns add peer
ip link add v0 type veth peer name v1
ip link set v1 netns peer
ip addr add 198.51.100.1/24 dev v0; ip addr add 2001:db8:1::1/64 dev v0 nodad; ip link set v0 up
ip netns exec peer ip addr add 198.51.100.2/24 dev v1
ip netns exec peer ip addr add 2001:db8:1::2/64 dev v1 nodad
ip netns exec peer ip link set v1 up; ip netns exec peer ip link set lo up
mkdir -p /root/.ssh; chmod 700 /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id; cp /root/.ssh/id.pub /root/.ssh/authorized_keys
systemctl start ssh
systemd-run --quiet --unit=web python3 -m http.server 8099 --bind ::
for i in $(seq 100); do curl -s -o /dev/null http://127.0.0.1:8099/ && break; sleep 0.1; done
";

const V4: &str = "198.51.100.2";
const V6: &str = "2001:db8:1::2";

fn opsctl(machine: &Machine, line: &str) -> Ran {
    let words: Vec<&str> = std::iter::once("opsctl").chain(line.split(' ')).collect();
    machine.run(&words)
}

/// Runs it as a document, which must end with this code.
fn document(machine: &Machine, line: &str, code: i32) -> Value {
    let ran = opsctl(machine, &format!("{line} -o json"));
    assert_eq!(ran.code, code, "{line}: {ran:#?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {ran:#?}"))
}

/// How the steps of a run ended, by name.
fn states(document: &Value) -> String {
    let steps = document["steps"].as_array().unwrap().iter();
    let state = |step: &Value| format!("{}={}", step["name"].as_str().unwrap(), step["state"].as_str().unwrap_or("-"));
    steps.map(state).collect::<Vec<_>>().join(" ")
}

/// Whether the peer reaches the server from that address.
fn reaches(machine: &Machine, from: &str) -> bool {
    let to = if from.contains(':') { "[2001:db8:1::1]" } else { "198.51.100.1" };
    let line = format!("ip netns exec peer curl -s -m 1 -o /dev/null http://{to}:8099/");
    machine.run(&["sh", "-c", &line]).code == 0
}

/// All rules of the firewall, without counters.
fn rules(machine: &Machine) -> String {
    machine.sh("set +e; iptables-save | grep '^-A'; ip6tables-save | grep '^-A'; ufw status numbered || true")
}

#[test]
fn block_ip_keeps_one_address_out_and_unblock_ip_lets_it_in_again() {
    let machine = Machine::boot_as("bare", "it-procedures-block");
    machine.sh(PEER);
    // What would lock the operator out is refused before anybody is asked.
    for (address, why) in [
        ("127.0.0.1", "no address of another host"),
        ("::1", "no address of another host"),
        ("0.0.0.0", "no address of another host"),
        ("198.51.100.1", "an address of this host"),
        ("2001:db8:1::1", "an address of this host"),
        ("::ffff:198.51.100.1", "an address of this host"),
        ("198.51.100.255", "an address of this host"),
        ("10.1.2.3", "a private address"),
        ("fd00::7", "a private address"),
    ] {
        let flag = if address.starts_with("10.") || address.starts_with("fd") { "" } else { " -y" };
        let ran = opsctl(&machine, &format!("run block-ip {address}{flag}"));
        assert!(ran.code == 5 && ran.stderr.contains(why), "{address}: {ran:#?}");
    }
    let own =
        machine.sh("SSH_CONNECTION='203.0.113.9 4 192.0.2.1 22' opsctl run block-ip 203.0.113.9 -y 2>&1 || echo $?");
    assert!(own.contains("is where you are connected from") && own.ends_with("5\n"), "{own}");
    // Somebody who is logged in counts, even where whoever asks came over sudo or a console; whoever only tries does not.
    machine.sh("systemd-run --quiet --unit=session ip netns exec peer ssh -i /root/.ssh/id -o StrictHostKeyChecking=no root@198.51.100.1 \
        sleep 600; for i in $(seq 100); do pgrep -f '[s]shd-session: root@' && break; sleep 0.1; done");
    let ran = opsctl(&machine, &format!("run block-ip {V4} -y"));
    assert!(ran.code == 5 && ran.stderr.contains("is connected to this host over SSH now"), "{ran:#?}");
    let logins = document(&machine, "run audit-logins", 0).to_string();
    assert!(logins.contains("Accepted publickey for root from 198.51.100.2"), "{logins}");
    machine.sh(
        "systemctl stop session; for i in $(seq 100); do pgrep -f '[s]shd-session: root@' || break; sleep 0.1; done",
    );
    machine.sh("systemd-run --quiet --unit=attacker ip netns exec peer nc 198.51.100.1 22; sleep 0.5");
    assert_eq!(opsctl(&machine, &format!("run block-ip {V4} --dry-run")).code, 0);
    machine.sh("systemctl stop attacker");

    // Without ufw, with ufw whose rules let everybody in, and with a rule that stands too late to have an effect.
    let ways = [
        ("true", "iptables"),
        ("ufw allow 22; ufw allow 8099; ufw --force enable", "ufw"),
        ("ufw deny from 198.51.100.2; ufw deny from 2001:db8:1::2", "reorder"),
    ];
    for (prepare, step) in ways {
        machine.sh(&format!("{{ {prepare}; }} >/dev/null"));
        for address in [V4, V6] {
            let before = rules(&machine);
            assert!(reaches(&machine, address), "{step}: {address} is kept out already");
            let plan = document(&machine, &format!("run block-ip {address} --dry-run"), 0);
            assert_eq!(rules(&machine), before, "a dry run changed something: {plan}");
            let ran = document(&machine, &format!("run block-ip {address} -y"), 0);
            let step = if step == "iptables" && address == V6 { "ip6tables" } else { step };
            assert!(states(&ran).contains(&format!("{step}=done")), "{}", states(&ran));
            assert!(!reaches(&machine, address), "{step}: {address} still gets in: {}", rules(&machine));
            let again = document(&machine, &format!("run block-ip {address} -y"), 0);
            assert!(!states(&again).contains("=done ") || !states(&again).contains("ufw=done"), "{}", states(&again));
            document(&machine, &format!("run unblock-ip {address}"), 0);
            assert!(reaches(&machine, address), "{step}: {address} is still kept out: {}", rules(&machine));
            if step != "reorder" {
                assert_eq!(rules(&machine), before, "{step}: {address}");
            }
        }
    }
    assert!(machine.sh("opsctl history -o json").contains("run block-ip"));
    // A plan needs no root; what was done does, and says so.
    let plan = machine.run_as("nobody", &["opsctl", "run", "make-room", "--dry-run"]);
    assert!(
        plan.code == 0 && plan.stdout.starts_with("make-room: 1 step, destructive; nothing was changed"),
        "{plan:#?}"
    );
    let status = machine.run_as("nobody", &["opsctl", "run", "--status"]);
    assert!(status.code == 4 && status.stderr.contains("needs root") && status.stderr.contains("sudo"), "{status:#?}");
}

/// Space is freed on a disk that is full to the last byte and that opsctl's own records are on, no more than is needed.
#[test]
fn make_room_works_on_a_disk_without_a_free_byte() {
    let machine = Machine::boot_as("bare", "it-procedures-room");
    machine.sh("mkdir -p /full /var/cache/apt/archives /root/.npm/_cacache /var/lib/opsctl /var/log/opsctl
         mount -t tmpfs -o size=64m full /full
         mkdir -p /full/apt/partial /full/npm /full/data; mkdir -m 700 /full/state /full/log
         mount --bind /full/apt /var/cache/apt/archives; mount --bind /full/npm /root/.npm/_cacache
         mount --bind /full/state /var/lib/opsctl; mount --bind /full/log /var/log/opsctl
         head -c 20m /dev/zero >/full/apt/a_1_amd64.deb; head -c 10m /dev/zero >/full/data/database
         dd if=/dev/zero of=/full/data/rest bs=64k 2>/dev/null || true; rm -f /full/data/x; echo x >/full/data/x || true
         ! { head -c 65536 /dev/zero >/full/data/y; } 2>/dev/null");
    let sizes = || machine.sh("stat -c '%n %s' /full/data/database /full/data/rest");
    let before = sizes();
    // No more than there is.
    let ran = opsctl(&machine, "run make-room --free 40M --on /var/cache/apt/archives -y");
    assert!(ran.code == 1 && ran.stdout.contains("wanted"), "{ran:#?}");
    machine.sh("opsctl run make-room --discard -y; head -c 18m /dev/zero >/full/apt/a_1_amd64.deb; \
        dd if=/dev/zero of=/full/data/more bs=64k 2>/dev/null || true");
    let ran = document(&machine, "run make-room --free 16M --on /var/cache/apt/archives -y", 0);
    let text = ran["steps"][0]["summary"].as_str().unwrap();
    assert!(text.contains("packages that apt has already installed") && text.contains("free before"), "{ran:#}");
    assert_eq!(sizes(), before, "data was touched");
    assert_eq!(machine.sh("ls /full/apt"), "lock\npartial\n");
    // Where enough is free, nothing is removed.
    machine.sh("head -c 1m /dev/zero >/full/apt/b_1_amd64.deb");
    let ran = document(&machine, "run make-room --free 1M --on /var/cache/apt/archives -y", 0);
    assert_eq!(states(&ran), "reclaim=already_done");
    assert!(machine.sh("ls /full/apt").contains("b_1_amd64.deb"));
    machine.sh("umount /var/cache/apt/archives /root/.npm/_cacache /var/lib/opsctl /var/log/opsctl; umount /full");
}
