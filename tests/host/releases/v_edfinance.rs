//! v-edfinance: images that are made elsewhere, switched by compose; and containers that are somebody else's to switch.

use super::*;

const COPY: &str = "/root/v-edfinance";
const API: &str = "luahoa/v-edfinance-api:staging";
const API_BEFORE: &str = "luahoa/v-edfinance-api:previous";
const WEB: &str = "luahoa/v-edfinance-web:staging";
const WEB_BEFORE: &str = "luahoa/v-edfinance-web:previous";

#[test]
fn releases_of_v_edfinance() {
    let machine = Machine::boot_as("v-edfinance", "it-v-edfinance-releases");
    let title = "sed -i 's|<title>[^<]*|<title>V-EdFinance two|' index.js";
    archive(&machine, WEB, "/root/v-edfinance/apps/web", title, "/root/two.tar");
    let ends = "sed -i '1i console.error(\"no region\"); process.exit(3);' index.js";
    archive(&machine, WEB, "/root/v-edfinance/apps/web", ends, "/root/three.tar");
    let ill = "sed -i 's|\"SELECT 1\"|\"SELECT 1 / 0\"|' index.js";
    archive(&machine, API, "/root/v-edfinance/apps/api", ill, "/root/ill.tar");
    good(&machine);
    undeliverable(&machine);
    bad(&machine);
    gone(&machine);
    of_others(&machine);
}

/// Images that run, and those that are named, of the API and of the web application.
fn images(machine: &Machine) -> [String; 6] {
    let [api, web] = ["vedfinance-api", "v-edfinance-web-staging"].map(|container| runs(machine, container));
    let [a, b, c, d] = [API, API_BEFORE, WEB, WEB_BEFORE].map(|tag| tagged(machine, tag));
    [api, web, a, b, c, d]
}

fn title(machine: &Machine) -> String {
    let page = page(machine, "http://localhost:3002/");
    page.split(['<', '>']).nth(4).unwrap_or_default().to_owned()
}

/// One archive with one of the two images: that one is switched, the other stays as it is.
fn good(machine: &Machine) {
    let before = images(machine);
    let second = push(machine, "v-edfinance", "echo '# two' >> docker-compose.yml", "Compose: second version");
    planned(machine, "redeploy --load /root/two.tar");
    let (done, document) = release(machine, "redeploy --load /root/two.tar -y --settle 500ms");
    assert_eq!(done, came(0, "done", "api done, web done", ""), "{document:#}");
    assert_eq!((title(machine).as_str(), head(machine, COPY)), ("V-EdFinance two", second));
    let now = images(machine);
    assert_ne!(now[1], before[1]);
    assert_eq!(now, [&before[0], &now[1], &before[0], &before[0], &now[1], &before[1]].map(Clone::clone));
    assert_eq!(document["to"]["images"][WEB], now[1]);
}

/// C7, J2: what cannot be had leaves what runs, its names and its files alone.
fn undeliverable(machine: &Machine) {
    machine.sh("head -c 20000 /root/two.tar > /root/cut.tar");
    push(machine, "v-edfinance", "echo '# three' >> docker-compose.yml", "Compose: third version");
    let before = (images(machine), head(machine, COPY), machine.sh("docker ps -aq | sort"));
    for (words, wanted) in [
        ("--load /root/cut.tar", "load the new images: exit 1"),
        ("--pull", "pull luahoa/v-edfinance-api:staging: exit 1"),
    ] {
        let (failed, document) = release(machine, &format!("redeploy {words} -y --settle 500ms"));
        assert_eq!(failed, came(1, "unswitched", "", ""), "{document:#}");
        let reason = document["reason"].as_str().unwrap();
        assert!(
            reason.starts_with(wanted) && reason.ends_with("the running version was not changed"),
            "{words}: {reason}"
        );
        assert_eq!((images(machine), head(machine, COPY), machine.sh("docker ps -aq | sort")), before, "{words}");
    }
    let said = refused(machine, "redeploy --pull=luahoa/v-edfinance-api:4 -y", 2);
    assert!(said.contains("--pull takes no name here"), "{said}");
}

/// J3: what is not well is taken back; what does not run stays where that is wanted.
fn bad(machine: &Machine) {
    let before = (images(machine), head(machine, COPY));
    let (failed, document) = release(machine, "redeploy --load /root/ill.tar -y --settle 500ms");
    assert_eq!(failed, came(9, "rolled_back", "api pending, web not_tried", "api done, web done"), "{document:#}");
    assert_eq!((images(machine), head(machine, COPY)), before);
    machine.sh("curl -sf localhost:3001/health");

    let (failed, document) = release(machine, "redeploy web --load /root/three.tar -y --settle 500ms --no-rollback");
    assert_eq!(failed, came(1, "bad", "web failed", ""), "{document:#}");
    assert!(document["targets"][0]["log"].to_string().contains("no region"), "{document:#}");
    let (done, document) = release(machine, "rollback -y --settle 500ms");
    assert_eq!(done, came(0, "done", "api done, web done", ""), "{document:#}");
    assert_eq!((title(machine).as_str(), &images(machine)[..2]), ("V-EdFinance two", &before.0[..2]));
}

/// J4: an image that was removed is refused before anything stops, and listed as gone.
fn gone(machine: &Machine) {
    let listed = document(&ops(machine, "rollback --list"));
    let first = listed["releases"].as_array().unwrap().last().unwrap();
    let id = first["images"][WEB].as_str().unwrap();
    machine.sh(&format!("docker rmi -f {id} >/dev/null"));
    let before = state(machine);
    let said = refused(machine, &format!("rollback -y --to {}", &id[7..19]), 5);
    assert!(said.contains("of luahoa/v-edfinance-web:staging no longer exists; it was probably pruned"), "{said}");
    assert_eq!(state(machine), before);
    let listed = document(&ops(machine, "rollback --list"));
    assert_eq!(listed["releases"].as_array().unwrap().last().unwrap()["available"], false);
}

/// What Dokploy or a hand started is not taken from them. What nobody runs any more is made again.
fn of_others(machine: &Machine) {
    for (label, wanted) in [
        ("com.docker.swarm.service.name=vedfinance-api", "container of api: Docker Swarm runs it"),
        // An image that compose built has this label, and gives it to each container of it.
        ("com.docker.compose.project=", "container of api: it does not belong to the compose project v-edfinance"),
    ] {
        machine.sh(&format!(
            "docker rm -f vedfinance-api >/dev/null
             docker run -d --name vedfinance-api --label {label} --network v-edfinance_default -p 3001:3001 \\
                --env-file {COPY}/apps/api/.env -v /usr:/usr:ro {API} >/dev/null"
        ));
        let before = state(machine);
        for words in ["redeploy -y", "redeploy --load /root/two.tar --dry-run", "rollback -y", "rollback --dry-run"] {
            let said = refused(machine, words, 5);
            assert!(said.contains(wanted), "{words}: {said}");
        }
        assert_eq!(state(machine), before);
    }
    machine.sh("docker rm -f vedfinance-api >/dev/null");
    let (done, document) = release(machine, "redeploy api -y --settle 500ms");
    assert_eq!(done, came(0, "done", "api done", ""), "{document:#}");
    machine.sh("curl -sf localhost:3001/health");
}
