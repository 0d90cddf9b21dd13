//! New secrets of the API: a real PostgreSQL whose pg_hba.conf is that of the official image, tokens that the API checks, and a stand-in
//! of Stripe, because there is no way to the real one.

use super::super::unseen::Sampler;
use super::super::{contains, opsctl, run, says};
use crate::machine::Machine;

const ENV: &str = "/root/v-edfinance/apps/api/.env";

fn value(machine: &Machine, key: &str) -> String {
    machine.sh(&format!("sed -n 's/^{key}=//p' {ENV}")).trim().to_owned()
}

fn password(machine: &Machine) -> String {
    value(machine, "DATABASE_URL").split(['@', ':']).nth(2).unwrap().to_owned()
}

/// Owner and mode of files, and their contents.
fn files(machine: &Machine) -> (String, String) {
    (machine.sh(&format!("stat -c '%n %U:%G %a' {ENV} /root/.env")), machine.sh(&format!("cat {ENV} /root/.env")))
}

/// Whether PostgreSQL lets somebody in who comes over the network.
fn database(machine: &Machine, password: &str) -> bool {
    let script = format!("\\\\connect 'postgresql://postgres:{password}@postgres:5432/vedfinance_staging'\\n");
    let command =
        format!("printf \"{script}SELECT 1;\\n\" | docker exec -i vedfinance-postgres psql -XAtq -U postgres");
    machine.run(&["sh", "-c", &command]).stdout == "1\n"
}

fn is_healthy(machine: &Machine) {
    machine.sh("for i in $(seq 100); do curl -fsS http://localhost:3001/health | grep '\"database\":{\"status\":\"up\"' && exit; sleep 0.1; done; exit 1");
}

/// The API does not start while the program that it runs ends at once.
fn broken(machine: &Machine, line: &str) {
    machine.sh("docker tag luahoa/v-edfinance-api:staging kept:1
                printf 'FROM luahoa/v-edfinance-api:staging\\nCMD [\"node\", \"missing.js\"]\\n' | docker build -q -t luahoa/v-edfinance-api:staging - >/dev/null");
    says(machine, &format!("{line} -y --settle 500ms"), 8, &["--undo"]);
    machine.sh("docker tag kept:1 luahoa/v-edfinance-api:staging");
    let (slug, _) = line.split_once(' ').unwrap_or((line, ""));
    run(machine, &format!("{slug} --undo -y --settle 500ms"), 0);
}

#[test]
fn the_password_of_postgres_is_rotated() {
    let machine = &Machine::boot_as("v-edfinance", "it-v-edfinance-rotate-db");
    let (owners, before) = files(machine);
    says(machine, "rotate-db --dry-run", 0, &["nothing was changed", "password in DATABASE_URL"]);
    run(machine, "rotate-db", 5);
    // Over an address that trusts everybody, nothing can be proven.
    let hba = "/var/lib/postgresql/data/pg_hba.conf";
    let reload = "docker exec vedfinance-postgres psql -XAtqU postgres -c 'SELECT pg_reload_conf()'";
    machine.sh(&format!("docker exec vedfinance-postgres sed -i 's/^host all all all scram-sha-256/host all all all trust/' {hba}; {reload}"));
    says(machine, "rotate-db -y", 5, &["PostgreSQL takes any password"]);
    machine.sh(&format!("docker exec vedfinance-postgres sed -i 's/^host all all all trust/host all all all scram-sha-256/' {hba}; {reload}"));
    assert_eq!(files(machine), (owners.clone(), before));

    let old = "dummy-secret-postgres-password";
    let sampler = Sampler::start(machine);
    let output = opsctl(machine, "run rotate-db -y --settle 500ms", 0);
    contains(&output, &["PostgreSQL refuses the old password", "the API has the new password"]);
    let new = password(machine);
    sampler.saw_nothing(&output, &[old, &new], "nothing else");
    assert_eq!((new.len(), database(machine, &new), database(machine, old)), (48, true, false));
    is_healthy(machine);
    let (after, content) = files(machine);
    assert_eq!(after, owners);
    assert_eq!((content.matches(new.as_str()).count(), content.contains(old)), (2, false), "{content}");
    // Neither the log of the server nor its statistics have it.
    machine.sh(&format!("! docker logs vedfinance-postgres 2>&1 | grep -F {new}"));
    machine.sh("docker exec vedfinance-postgres psql -XAtqU postgres vedfinance_staging -c 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements'");
    let kept = machine.sh("docker exec vedfinance-postgres psql -XAtqU postgres vedfinance_staging -c 'SELECT query FROM pg_stat_statements'");
    assert!(!kept.contains(new.as_str()) && !kept.contains(old) && kept.contains("pg_reload_conf"), "{kept}");
    // Whatever compose makes anew afterwards takes the same.
    machine.sh("cd /root/v-edfinance && docker compose --progress quiet up -d --wait");
    is_healthy(machine);

    broken(machine, "rotate-db");
    assert_eq!((password(machine), files(machine)), (new.clone(), (owners, content)));
    assert!(database(machine, &new));
    is_healthy(machine);
}

#[test]
fn the_keys_of_tokens_and_of_stripe_are_rotated() {
    let machine = &Machine::boot_as("v-edfinance", "it-v-edfinance-rotate-keys");
    jwt(machine);
    stripe(machine);
}

fn jwt(machine: &Machine) {
    let (owners, _) = files(machine);
    let login = || {
        machine.sh("curl -fsS http://localhost:3001/auth/login -H 'Content-Type: application/json' -d '{\"email\":\"learner@example.org\",\"password\":\"dummy-secret-learner-password\"}' | jq -r .access_token").trim().to_owned()
    };
    let asks = |token: &str| {
        machine.sh(&format!("curl -s -o /dev/null -w '%{{http_code}}' http://localhost:3001/payment/transaction/x -H 'Authorization: Bearer {token}'"))
    };
    let before = login();
    assert_eq!((asks(&before).as_str(), asks("a.b.c").as_str()), ("404", "401"));
    says(machine, "rotate-jwt --dry-run", 0, &["every user must log in again"]);
    let old = value(machine, "JWT_SECRET");
    let sampler = Sampler::start(machine);
    let output = opsctl(machine, "run rotate-jwt -y --settle 500ms", 0);
    let (new, refresh) = (value(machine, "JWT_SECRET"), value(machine, "JWT_REFRESH_SECRET"));
    sampler.saw_nothing(&output, &[&old, &new, &refresh], "nothing else");
    assert!(new != old && new != refresh && new.len() == 48 && refresh.len() == 48, "{new} {refresh}");
    is_healthy(machine);
    let after = login();
    assert_eq!((asks(&before).as_str(), asks(&after).as_str()), ("401", "404"));
    broken(machine, "rotate-jwt");
    is_healthy(machine);
    assert_eq!((value(machine, "JWT_SECRET"), asks(&after).as_str()), (new, "404"));
    assert_eq!(files(machine).0, owners);
}

fn stripe(machine: &Machine) {
    let (owners, before) = files(machine);
    let (old, new) = ("sk_test_dummysecretstripekey", "sk_test_dummysecretstripekeytwo");
    machine.sh(&format!(
        ". /usr/local/lib/test-host/guest.sh; make_authority; make_certificate /etc/test-host stripe api.stripe.com
         echo '127.0.0.1 api.stripe.com' >>/etc/hosts; printf '{old}\\n{new}\\nsk_live_dummysecretstripekey\\n' >/run/keys; umask 077; echo {new} >/root/key; echo sk_live_dummysecretstripekey >/root/live
         echo pk_test_dummysecretstripekey >/root/public
         systemd-run -q --unit=stripe node /usr/local/lib/test-host/stripe-standin.mjs /etc/test-host /run/keys
         until curl -s https://api.stripe.com/ >/dev/null; do sleep 0.1; done"
    ));
    machine.sh("cp /root/key /root/open; chmod 644 /root/open");
    says(machine, "rotate-stripe /root/open -y", 5, &["others than root can read or change it"]);
    for other in ["live", "public"] {
        says(machine, &format!("rotate-stripe /root/{other} -y"), 5, &["is no secret key"]);
    }
    machine.sh(&format!("sed -i /^{new}$/d /run/keys"));
    says(machine, "rotate-stripe /root/key -y", 5, &["Stripe does not accept the new key"]);
    machine.sh(&format!("echo {new} >>/run/keys; systemctl stop stripe"));
    says(machine, "rotate-stripe /root/key -y", 4, &["cannot determine"]);
    machine.sh("systemd-run -q --unit=stripe node /usr/local/lib/test-host/stripe-standin.mjs /etc/test-host /run/keys
                until curl -s https://api.stripe.com/ >/dev/null; do sleep 0.1; done");
    assert_eq!(files(machine), (owners.clone(), before.clone()));

    // The API with the new key does not start: it has the old one again, which nobody revoked.
    broken(machine, "rotate-stripe /root/key");
    assert_eq!(files(machine), (owners.clone(), before));
    let held = || machine.sh("docker exec vedfinance-api printenv STRIPE_SECRET_KEY").trim().to_owned();
    assert_eq!(held(), old);

    let sampler = Sampler::start(machine);
    let asked = opsctl(machine, "run rotate-stripe /root/key -y --settle 500ms", 8);
    contains(&asked, &["make a small payment", "--answer payment=paid"]);
    assert_eq!(held(), new);
    is_healthy(machine);
    machine.sh(&format!("(sleep 5; sed -i '/^{old}$/d' /run/keys) </dev/null >/dev/null 2>&1 &"));
    let rest = opsctl(
        machine,
        "run rotate-stripe --resume -y --settle 500ms --answer payment=paid --answer revoke=revoked",
        0,
    );
    contains(&rest, &["Stripe refuses the old key"]);
    sampler.saw_nothing(&(asked + &rest), &[old, new], "echo\\|sed -i\\|sh -c");
    assert_eq!((held().as_str(), value(machine, "STRIPE_SECRET_KEY").as_str()), (new, new));
    assert_eq!(files(machine).0, owners);
}
