//! Containers, and applications of pm2.

use super::*;

#[test]
fn containers_of_ai_fsm() {
    let machine = Machine::boot_as("ai-fsm", "it-ai-fsm-actions");
    says(
        &machine,
        "restart web --dry-run",
        0,
        &["web loses: the rate limits, which it keeps in memory", "docker restart -- ai-fsm-web"],
    );
    must(&machine, "restart web", 5);
    for words in ["restart web", "stop web", "start web", "restart postgres", "restart --all"] {
        must(&machine, &format!("{words} -y --settle 500ms"), 0);
    }
    must(&machine, "status", 0);
    must(&machine, "reload web", 5);

    // C4: a container in its place that ends at once, is unhealthy, or cannot be started.
    let replace = |create: &str| {
        machine.sh(&format!(
            "docker rm -f ai-fsm-web >/dev/null 2>&1 || true
             label() {{ docker inspect web-orig --format \"{{{{index .Config.Labels \\\"com.docker.compose.$1\\\"}}}}\"; }}
             docker {create} >/dev/null; sleep 1"
        ));
    };
    machine.sh("docker stop -t 1 ai-fsm-web; docker rename ai-fsm-web web-orig");
    let named = "--name ai-fsm-web --stop-timeout 1 --network host --label com.docker.compose.project=$(label project) \
                 --label com.docker.compose.service=web -v /usr:/usr:ro --entrypoint";
    let image = "$(docker inspect web-orig --format '{{.Config.Image}}')";
    for (create, code, wanted) in [
        (
            format!(
                "run -d --restart=unless-stopped {named} node {image} -e 'console.log(\"it is broken\"); process.exit(3)'"
            ),
            1,
            "exit 3",
        ),
        (format!("run -d {named} node {image} -e 'process.exit(3)'"), 1, "exit 3"),
        (format!("create {named} /nonexistent {image}"), 1, "failed to create task"),
        (
            format!(
                "run -d --health-cmd 'exit 1' --health-interval 500ms --health-retries 1 {named} node {image} -e \
                 'require(\"http\").createServer((q, s) => {{ s.statusCode = 503; s.end(); }}).listen(3000)'"
            ),
            7,
            "health check fails",
        ),
    ] {
        for verb in ["restart", "start"] {
            replace(&create);
            says(&machine, &format!("{verb} web -y --settle 500ms --timeout 6s"), code, &[wanted]);
        }
    }
    machine.sh("docker rm -f ai-fsm-web; docker rename web-orig ai-fsm-web");
    must(&machine, "start web --settle 500ms", 0);

    // At whatever moment the signal comes, the container comes up.
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for after in ["0.05", "0.3"] {
            let run = format!(
                "opsctl restart web -y --settle 20s >/run/said 2>&1 & p=$!; sleep {after}; kill -{signal} $p; c=0; wait $p || c=$?; sleep 1.5
                 echo $c $(docker inspect ai-fsm-web --format '{{{{.State.Status}}}}') $(pgrep -fc '^/usr/bin/docker restart')"
            );
            let ran = machine.run(&["bash", "-mc", &run]);
            assert_eq!(ran.stdout, format!("{code} running 0\n"), "{signal} after {after}: {ran:#?}");
        }
    }
    must(&machine, "restart web -y --settle 500ms", 0);

    machine.sh("docker pause ai-fsm-redis");
    says(&machine, "restart redis -y", 5, &["it is paused"]);
    machine.sh("docker unpause ai-fsm-redis; docker rename ai-fsm-redis elsewhere");
    says(&machine, "restart redis -y", 5, &["container ai-fsm-redis not found"]);
    machine.sh("docker rename elsewhere ai-fsm-redis; kill -STOP $(pidof dockerd)");
    let begun = Instant::now();
    says(&machine, "restart web -y", 4, &["nothing was changed", "no answer in"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    machine.sh("kill -CONT $(pidof dockerd); systemctl stop docker.socket docker");
    says(&machine, "restart web -y", 4, &["nothing was changed", "the docker engine is not running"]);
    must(&machine, "restart web --dry-run", 4);
    assert_eq!(machine.sh("systemctl is-active docker || true"), "inactive\n");
}

#[test]
fn containers_of_v_edfinance() {
    let machine = Machine::boot_as("v-edfinance", "it-v-edfinance-actions");
    let before = snapshot(&machine);
    must(&machine, "restart --all --dry-run", 0);
    must(&machine, "restart redis", 5);
    unchanged(&machine, &before);
    says(&machine, "restart redis --dry-run", 0, &["redis loses: the whole cache: it has no volume"]);
    must(&machine, "restart redis api -y --settle 500ms", 0);
    must(&machine, "stop web -y --settle 500ms", 0);
    must(&machine, "start web --settle 500ms", 0);
}

/// pm2 as the user who owns the daemon, its applications' names, states and numbers of restarts.
const PM2: &str = "cd /; pm2() { setpriv --reuid=plugspace --regid=plugspace --init-groups env -i PATH=/usr/local/bin:/usr/bin:/bin \
    HOME=/home/plugspace PM2_HOME=/home/plugspace/.pm2 pm2 --silent \"$@\"; }\n\
    list() { pm2 jlist | jq -c '[.[] | select(.name == \"'$1'\") | [.pm2_env.status, .pm2_env.restart_time]]'; }\n";

#[test]
fn pm2_of_plugspace() {
    let machine = Machine::boot_as("plugspace", "it-plugspace-actions");
    let list = |name: &str| machine.sh(&format!("{PM2} list {name}"));
    let before = snapshot(&machine);
    says(&machine, "restart --all --dry-run", 0, &["sudo -u plugspace pm2 restart plugspace-api"]);
    must(&machine, "restart plugspace-api", 5);
    unchanged(&machine, &before);

    assert_eq!(list("plugspace-api"), "[[\"online\",0],[\"online\",0]]\n");
    must(&machine, "restart plugspace-api -y --settle 500ms", 0);
    assert_eq!(list("plugspace-api"), "[[\"online\",1],[\"online\",1]]\n");
    must(&machine, "reload plugspace-api --settle 500ms", 0);
    assert_eq!(list("plugspace-api"), "[[\"online\",2],[\"online\",2]]\n");
    must(&machine, "stop plugspace-api -y --settle 500ms", 0);
    assert_eq!(list("plugspace-api"), "[[\"stopped\",2],[\"stopped\",2]]\n");
    must(&machine, "start plugspace-api --settle 500ms", 0);
    assert_eq!(list("plugspace-api"), "[[\"online\",2],[\"online\",2]]\n");
    // What is run belongs to its owner, and nothing of the caller's environment reaches it.
    machine.sh("SECRET=canary-environment opsctl -q restart plugspace-voice -y --settle 500ms >/dev/null");
    assert_eq!(machine.sh("ps -C node -o user= | sort -u; grep -lz canary-environment /proc/[0-9]*/environ 2>/dev/null | grep -v -e self -e $$ || true").lines().filter(|line| line.contains("/proc")).count(), 0);
    assert_eq!(machine.sh("pgrep -u root -f '[G]od Daemon' || true"), "");
    for target in ["plugspace-voice", "--all"] {
        for user in ["plugspace", "nobody"] {
            assert_eq!(machine.run_as(user, &["opsctl", "restart", target, "-y"]).code, 5, "{user} {target}");
        }
    }

    // D4
    machine.sh("cp /home/plugspace/plugspace/apps/admin/server.js /root/; echo 'process.exit(3)' > /home/plugspace/plugspace/apps/admin/server.js");
    for verb in ["restart", "reload", "start"] {
        must(&machine, &format!("{verb} plugspace-admin -y --settle 2s"), 1);
    }
    machine.sh(&format!(
        "cp /root/server.js /home/plugspace/plugspace/apps/admin/server.js; {PM2} pm2 stop plugspace-admin"
    ));
    must(&machine, "start plugspace-admin --settle 500ms", 0);

    // nginx keeps serving.
    let nginx = pid(&machine, "nginx");
    machine.sh("echo garbage >> /etc/nginx/nginx.conf");
    for verb in ["restart", "reload"] {
        let ran = ops(&machine, &format!("{verb} nginx -y --settle 500ms"));
        assert!([1, 5].contains(&ran.code) && (ran.stdout + &ran.stderr).contains("/etc/nginx/nginx.conf:"));
    }
    assert_eq!(pid(&machine, "nginx"), nginx);
    machine.sh("sed -i '$d' /etc/nginx/nginx.conf");
    must(&machine, "reload nginx --settle 500ms", 0);

    // D1: refused, and no daemon is started by asking.
    machine
        .sh(&format!("systemctl stop pm2-plugspace || true; {PM2} pm2 kill; pkill -9 -u plugspace || true; sleep 0.5"));
    for verb in ["restart", "reload", "start", "stop"] {
        says(&machine, &format!("{verb} plugspace-api -y"), 5, &["no running pm2 daemon has it"]);
        must(&machine, &format!("{verb} plugspace-api --dry-run"), 5);
    }
    assert_eq!(machine.sh("pgrep -u plugspace || pgrep -f '[G]od Daemon' || true"), "");
}
