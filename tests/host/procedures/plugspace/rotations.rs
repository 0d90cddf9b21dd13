//! New passwords of Redis, which is Debian's, and of MongoDB, of which server and shell are stand-ins that know passwords.

use super::super::unseen::Sampler;
use super::super::{contains, opsctl, run, says};
use crate::machine::Machine;

const ENV: &str = "/home/plugspace/plugspace/.env";
const API: &str = "/home/plugspace/plugspace/apps/api/.env";
const REDIS: &str = "/root/.plugspace/redis-credentials.txt";
const MONGODB: &str = "/root/.plugspace/mongodb-credentials.txt";

/// Owner and mode of files, and their contents.
fn files(machine: &Machine, paths: &str) -> (String, String) {
    (machine.sh(&format!("stat -c '%n %U:%G %a' {paths}")), machine.sh(&format!("cat {paths}")))
}

fn value(machine: &Machine, file: &str, key: &str) -> String {
    machine.sh(&format!("sed -n 's/^{key}=//p' {file} | tail -n 1")).trim().to_owned()
}

/// What Redis answers to a password.
fn redis(machine: &Machine, password: &str) -> String {
    machine
        .sh(&format!("printf 'AUTH {password}\\nPING\\n' | redis-cli"))
        .split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_password_of_redis_is_rotated() {
    let machine = &Machine::boot_as("plugspace", "it-plugspace-rotate-redis");
    let paths = format!("/etc/redis/redis.conf {ENV} {REDIS}");
    machine.sh(&format!("ln -s ../../.env {API}"));
    let (owners, before) = files(machine, &paths);
    says(machine, "rotate-redis --dry-run", 0, &["nothing was changed", "password in REDIS_URL"]);
    run(machine, "rotate-redis", 5);
    // Another password than that of the server is not written anywhere.
    machine.sh(&format!("sed -i.own s/dummy-secret-redis-password/dummy-secret-other-password/ {REDIS}"));
    says(machine, "rotate-redis -y", 5, &["Redis does not take the old password"]);
    machine.sh(&format!("mv {REDIS}.own {REDIS}"));
    assert_eq!(files(machine, &paths), (owners.clone(), before));

    let old = "dummy-secret-redis-password";
    let sampler = Sampler::start(machine);
    // Somebody who came in with the old password.
    machine.sh(&format!(
        "node -e 'const s = require(\"net\").connect(6379, \"127.0.0.1\", () => s.write(\"AUTH {old}\\r\\n\"));
             s.on(\"data\", console.log).on(\"close\", () => console.log(\"ended\"))' >/run/guest 2>&1 </dev/null &
         until [ -s /run/guest ]; do sleep 0.1; done"
    ));
    let output = opsctl(machine, "run rotate-redis -y --settle 500ms", 0);
    contains(&output, &["Redis refuses the old password", "redis_exporter has no password in its arguments"]);
    let new = value(machine, REDIS, "REDIS_PASSWORD");
    sampler.saw_nothing(&output, &[old, &new], "redis-exporter\\|node -e");
    machine.sh("grep -q ended /run/guest");
    assert_eq!((new.len(), new.bytes().all(|byte| byte.is_ascii_hexdigit())), (48, true), "{new}");
    let (after, content) = files(machine, &paths);
    assert_eq!(after, owners);
    assert_eq!((content.matches(new.as_str()).count(), content.contains(old)), (5, false), "{content}");
    let works = |password: &str, other: &str| {
        assert_eq!(
            (redis(machine, password).as_str(), redis(machine, other).split(' ').next()),
            ("OK PONG", Some("WRONGPASS"))
        );
        machine.sh("curl -fsS http://localhost:4000/health | grep -q '\"redis\":\"up\"'");
        assert_eq!(machine.sh("curl -fsS http://localhost:9121/metrics"), "redis_up 1\n");
    };
    works(&new, old);
    machine.sh(&format!("! ps -ww -eo args | grep -q '[r]edis.password'; test -L {API}"));
    // The file of the server says the same as the server does.
    machine.sh("systemctl restart redis-server");
    works(&new, old);

    // The API does not start: the old one is valid all the time, and again the only one.
    let main = "/home/plugspace/plugspace/apps/api/dist/index.js";
    machine.sh(&format!("mv {main} /root/; cp -p {ENV} /root/before"));
    says(machine, "rotate-redis -y --settle 500ms", 8, &["--undo"]);
    assert_eq!(redis(machine, &new), "OK PONG");
    let unused = value(machine, REDIS, "REDIS_PASSWORD");
    assert_ne!(unused, new);
    machine.sh(&format!("mv /root/index.js {main}"));
    run(machine, "rotate-redis --undo -y --settle 500ms", 0);
    works(&new, &unused);
    let (again, same) = files(machine, &paths);
    assert_eq!((again, same), (owners, content));
    machine.sh(&format!("cmp {ENV} /root/before"));
}

/// Whether MongoDB takes a password of plugspace_app.
fn mongodb(machine: &Machine, password: &str) -> bool {
    let script = format!(
        "db = connect('mongodb://plugspace_app:{password}@localhost:27017/plugspace?authSource=plugspace'); print('in');"
    );
    machine.run(&["sh", "-c", &format!("echo \"{script}\" | mongosh --quiet --nodb --norc --file /dev/stdin")]).stdout
        == "in\n"
}

#[test]
fn the_password_of_mongodb_is_rotated() {
    let machine = &Machine::boot_as("plugspace", "it-plugspace-rotate-mongodb");
    let paths = format!("{ENV} {MONGODB}");
    let (owners, before) = files(machine, &paths);
    says(machine, "rotate-db-credentials -y", 5, &["mongosh is not installed"]);
    machine.sh("install -m 755 /usr/local/lib/test-host/mongosh-standin.mjs /usr/bin/mongosh");
    says(machine, "rotate-db-credentials --dry-run", 0, &["nothing was changed", "password in MONGODB_APP_URI"]);
    machine.sh(&format!("cp -p {ENV} {API}"));
    says(machine, "rotate-db-credentials -y", 5, &["apps/api/.env is another file than .env"]);
    machine.sh(&format!("rm {API}"));
    // What pm2 keeps would win over the file.
    let pm2 = "cd / && setpriv --reuid=plugspace --regid=plugspace --init-groups env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2";
    machine.sh(&format!("{pm2} DATABASE_URL=mongodb://x pm2 --silent restart plugspace-admin --update-env"));
    says(machine, "rotate-db-credentials -y", 5, &["pm2 keeps its own DATABASE_URL"]);
    machine.sh(&format!("{pm2} pm2 --silent delete plugspace-admin; {pm2} pm2 --silent start /home/plugspace/plugspace/ecosystem.config.js --only plugspace-admin"));
    machine.sh(&format!("sed -i.own 's/dummy-secret-mongodb-admin@/wrong@/' {MONGODB}"));
    says(machine, "rotate-db-credentials -y", 5, &["MongoDB does not take the password of admin"]);
    machine.sh(&format!("mv {MONGODB}.own {MONGODB}"));
    assert_eq!(files(machine, &paths), (owners.clone(), before));

    let old = "dummy-secret-mongodb-app";
    let sampler = Sampler::start(machine);
    let output = opsctl(machine, "run rotate-db-credentials -y --settle 500ms", 0);
    contains(&output, &["MongoDB refuses the old password", "plugspace-api is running"]);
    let new = value(machine, MONGODB, "MONGODB_APP_PASSWORD");
    sampler.saw_nothing(&output, &[old, &new, "dummy-secret-mongodb-admin"], "nothing else");
    assert_eq!(new.len(), 48, "{new}");
    let (after, content) = files(machine, &paths);
    assert_eq!(after, owners);
    assert_eq!((content.matches(new.as_str()).count(), content.contains(old)), (4, false), "{content}");
    // The rest of the URL, with its unquoted &, is as it was.
    let rest = "@localhost:27017/plugspace?authSource=plugspace&replicaSet=plugspace-rs";
    assert_eq!(content.matches(rest).count(), 3, "{content}");
    let works = |password: &str, other: &str| {
        assert_eq!((mongodb(machine, password), mongodb(machine, other)), (true, false));
        machine.sh("curl -fsS http://localhost:4000/health | grep -q '\"database\":\"up\"'");
    };
    works(&new, old);
    machine.sh("systemctl restart mongod; until curl -fsS http://localhost:4000/ready; do sleep 0.2; done");
    works(&new, old);

    let main = "/home/plugspace/plugspace/apps/api/dist/index.js";
    machine.sh(&format!("mv {main} /root/"));
    says(machine, "rotate-db-credentials -y --settle 500ms", 8, &["--undo"]);
    let unused = value(machine, MONGODB, "MONGODB_APP_PASSWORD");
    assert_eq!((mongodb(machine, &unused), mongodb(machine, &new)), (true, false));
    machine.sh(&format!("mv /root/index.js {main}"));
    run(machine, "rotate-db-credentials --undo -y --settle 500ms", 0);
    works(&new, &unused);
    assert_eq!(files(machine, &paths), (owners, content));
}
