//! Procedures of v-edfinance: a real PostgreSQL in a container beside Dokploy's, and a real ufw.

mod rotations;

use super::*;

const ASK: &str = "docker exec -i vedfinance-postgres psql -XAt -U postgres -d vedfinance_staging";
const BEFORE_USE: &str = "run before-use --answer severity=agreed --answer access=in --answer credentials=there --answer record=recorded --answer others=informed";

#[test]
fn procedures_of_v_edfinance() {
    let machine = Machine::boot_as("v-edfinance", "it-v-edfinance-procedures");
    contains(&opsctl(&machine, "run before-use", 5), &["agree on the severity"]);
    contains(&opsctl(&machine, &format!("{BEFORE_USE} --resume"), 0), &["5 of 5 steps"]);
    one_session_runs_without_end(&machine);
    payments(&machine);
    recovery(&machine);
    firewall(&machine);
    machine.sh("! grep -rE 'dummy-secret|dummysecret' /var/log/opsctl /var/lib/opsctl");
}

fn one_session_runs_without_end(machine: &Machine) {
    machine.sh(&format!(
        "{{ echo \"BEGIN; UPDATE \\\"User\\\" SET name = 'secret name' WHERE id = 'u1'; SELECT pg_sleep(600);\" | {ASK}; }} >/dev/null 2>&1 &
         until [ \"$(echo \"SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'\" | {ASK})\" = 1 ]; do sleep 0.1; done"
    ));
    let ask = |sql: &str| machine.sh(&format!("echo \"{sql}\" | {ASK}")).trim().to_owned();
    let pid = ask("SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'");
    for other in [ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'").as_str(), "4194304"] {
        contains(&opsctl(machine, &format!("run terminate-query {other} -y"), 5), &["is no session of a client"]);
    }
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    planned(machine, &format!("terminate-query {pid}"), &format!("echo '{count}' | {ASK}"));
    contains(
        &opsctl(machine, &format!("run terminate-query --pid {pid} -y"), 0),
        &["4 of 4 steps", "SELECT pg_sleep(600)", "vedfinance_staging"],
    );
    assert_eq!(ask(&count), "0");
    assert_eq!(ask("SELECT name FROM \\\"User\\\" WHERE id = 'u1'"), "Learner");
}

/// What may differ from Stripe is listed, and nothing changes.
fn payments(machine: &Machine) {
    let fill = "INSERT INTO \\\"Transaction\\\" (id, \\\"userId\\\", amount, status, \\\"stripePaymentIntentId\\\", \\\"createdAt\\\") VALUES
        ('old-pending', 'u1', 1, 'PENDING', 'pi_old', now() - interval '2 h'), ('charged', 'u1', 1, 'FAILED', 'pi_charged', now()),
        ('unpaid', 'u1', 1, 'COMPLETED', NULL, now()), ('twin', 'u1', 1, 'COMPLETED', 'pi_1', now()),
        ('ancient', 'u1', 1, 'PENDING', 'pi_ancient', now() - interval '3 d')";
    machine.sh(&format!("echo \"{fill}\" | {ASK}"));
    let sum = format!("echo 'SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM \"Transaction\" t' | {ASK}");
    let before = machine.sh(&sum);
    let listed = opsctl(machine, "run reconcile-payments", 0);
    contains(&listed, &["old-pending", "charged", "unpaid", "t1 twin", "vedfinance_staging"]);
    assert!(!listed.contains("ancient"), "{listed}");
    contains(&opsctl(machine, "run reconcile-payments --hours 100", 0), &["ancient"]);
    for wrong in ["postgres", "vedfinance_prod"] {
        contains(&opsctl(machine, &format!("run reconcile-payments --database {wrong}"), 3), &["--database NAME"]);
    }
    assert_eq!(machine.sh(&sum), before);
}

/// The database and the edge are stopped; what is healthy is left alone.
fn recovery(machine: &Machine) {
    let started = "docker inspect --format '{{.Name}} {{.State.StartedAt}}' vedfinance-redis vedfinance-api v-edfinance-web-staging";
    let before = machine.sh(started);
    machine.sh("docker stop vedfinance-postgres >/dev/null; docker kill v-edfinance-nginx-staging >/dev/null");
    planned(machine, "quick-recovery", "docker ps -a --format '{{.Names}} {{.State}}' | sort");
    contains(&opsctl(machine, "run quick-recovery -y --settle 1s", 0), &["Exited", "not needed: redis is running"]);
    machine
        .sh("curl -sf localhost/ >/dev/null; curl -sf localhost:3001/health | grep '\"database\":{\"status\":\"up\"'");
    let after = machine.sh(started);
    assert_eq!(before.lines().next(), after.lines().next());
    // A container that ends again at once: what comes after it is not touched.
    machine.sh("docker stop vedfinance-redis >/dev/null; mv /usr/bin/redis-server /usr/bin/redis-server.away; docker stop v-edfinance-nginx-staging >/dev/null");
    opsctl(machine, "run quick-recovery -y --settle 1s", 1);
    machine.sh("mv /usr/bin/redis-server.away /usr/bin/redis-server; [ \"$(docker inspect --format '{{.State.Running}}' v-edfinance-nginx-staging)\" = false ]");
    opsctl(machine, "run quick-recovery --resume -y --settle 1s", 0);
    machine.sh("curl -sf localhost/ >/dev/null; [ \"$(docker exec vedfinance-redis redis-cli ping)\" = PONG ]");
}

/// Somebody has shut SSH out; whoever comes in by another namespace is a stranger from the net.
fn firewall(machine: &Machine) {
    machine.sh(
        "ip netns add net; ip link add out type veth peer name in netns net; ip addr add 192.0.2.1/24 dev out; ip link set out up
         ip -n net addr add 192.0.2.2/24 dev in; ip -n net link set in up; ip -n net link set lo up",
    );
    let reaches = |port: u16| {
        machine.run(&["ip", "netns", "exec", "net", "timeout", "2", "nc", "-z", "192.0.2.1", &port.to_string()]).code
            == 0
    };
    assert!(reaches(22));
    machine.sh("ufw delete allow 22/tcp; ufw delete allow 443/tcp; ufw prepend deny proto tcp from any to any; ufw prepend deny from 203.0.113.7");
    assert!(!reaches(22));
    planned(machine, "firewall-recovery", "ufw show added; iptables -S; ip6tables -S");
    let asked = opsctl(machine, "run firewall-recovery -y", 8);
    contains(&asked, &["a person must do this: log in over SSH", "--resume"]);
    assert!(reaches(22));
    opsctl(machine, "run firewall-recovery --resume -y --answer try=works", 0);
    // Blocks of single addresses stay before it.
    let added = machine.sh("ufw show added");
    let rules: Vec<&str> = added.lines().skip(1).collect();
    assert!(rules.contains(&"ufw deny from 203.0.113.7") && rules.contains(&"ufw allow 443/tcp"), "{added}");
    // Off altogether, with the rule for SSH denied.
    machine.sh("ufw delete deny proto tcp from any to any; ufw delete allow OpenSSH; ufw deny 22/tcp; ufw disable");
    opsctl(machine, "run firewall-recovery -y --answer try=works", 0);
    assert!(reaches(22));
    machine.sh("ufw status | grep -q '^Status: active'");
    // Without a server there is nothing to let anybody in to.
    machine.sh("systemctl stop ssh.socket ssh 2>/dev/null || systemctl stop ssh");
    contains(&opsctl(machine, "run firewall-recovery -y", 5), &["nothing listens on port 22"]);
}
