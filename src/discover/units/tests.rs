use std::fs;
use std::os::unix::fs::symlink;

use super::*;

#[test]
fn ports_of_this_host_are_found_in_addresses() {
    let of = |text: &str| local_ports(text).into_iter().collect::<Vec<_>>();
    assert_eq!(
        of("DATABASE_URL=postgres://shop:pw@localhost:5432/shop\nREDIS=\"redis://127.0.0.1:6379\""),
        [5432, 6379]
    );
    assert_eq!(of("A=http://[::1]:8080/x B=localhost:81"), [81, 8080]);
    for text in [
        "CORS_ORIGIN=http://localhost:3000",
        "X=http://notlocalhost:80",
        "X=http://db.localhost:80",
        "X=localhost:99999",
        "X=localhost:",
        "PORT=3000",
    ] {
        assert_eq!(of(text), Vec::<u16>::new(), "{text}");
    }
}

/// A host with these files (paths that end with `/` are directories), links, and units that run.
fn found(files: &[(&str, &str)], links: &[(&str, &str)], running: &[&str]) -> Units {
    let root = std::env::temp_dir().join(format!("opsctl-discover-{}-{:p}", std::process::id(), files));
    let place = |path: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    fs::create_dir_all(root.join("run/systemd/system")).unwrap();
    for (path, text) in files {
        fs::write(place(path), text).unwrap();
    }
    for (path, target) in links {
        symlink(target, place(path)).unwrap();
    }
    for name in running {
        symlink("0123456789abcdef0123456789abcdef", place(&format!("run/systemd/units/invocation:{name}"))).unwrap();
    }
    let found = read(&System { root: root.clone(), ..System::real() }, &BTreeMap::new());
    fs::remove_dir_all(root).unwrap();
    found
}

fn names(found: &Units) -> Vec<&str> {
    found.services.keys().map(String::as_str).collect()
}

const SIMPLE: &str = "[Service]\nExecStart=/bin/x\n[Install]\nWantedBy=multi-user.target\n";
const ONCE: &str = "[Service]\nType=oneshot\nExecStart=/bin/x\n";

#[test]
fn units_of_the_administrator_are_services_and_the_distributions_own_are_not() {
    let etc = |name: &str| format!("etc/systemd/system/{name}");
    let lib = |name: &str| format!("usr/lib/systemd/system/{name}");
    let files = [
        (etc("myapp.service"), SIMPLE),
        // Switched off, and meant for this host all the same.
        (etc("off.service"), SIMPLE),
        (etc("worker@.service"), SIMPLE),
        // Ends, and nothing starts it again.
        (etc("setup.service"), ONCE),
        (etc("nightly.service"), ONCE),
        (etc("nightly.timer"), "[Timer]\nOnCalendar=daily\n"),
        // What asks, which therefore always runs.
        (
            etc("opsctl-check-localhost.service"),
            "# Written by opsctl check -d localhost --install\n[Service]\nType=oneshot\n",
        ),
        (
            etc("opsctl-check-localhost.timer"),
            "# Written by opsctl check -d localhost --install\n[Timer]\nOnBootSec=1\n",
        ),
        (etc("stays.service"), "[Service]\nType=oneshot\nRemainAfterExit=yes\n[Install]\nWantedBy=x\n"),
        // Only another starts it, and it does not run.
        (etc("helper.service"), "[Service]\nExecStart=/bin/x\n"),
        (etc("getty@tty1.service.d/autologin.conf"), "[Service]\nX=y\n"),
        (etc("packaged.service.d/limits.conf"), "[Service]\nEnvironment=URL=http://localhost:99\n"),
        (lib("packaged.service"), SIMPLE),
        (lib("idle.service"), SIMPLE),
        (lib("getty@.service"), SIMPLE),
        (lib("systemd-logind.service"), SIMPLE),
        (lib("server.service"), SIMPLE),
        (etc("door.socket"), "[Socket]\nListenStream=127.0.0.1:7777\nListenStream=/run/door\n"),
        (etc("door.service"), "[Service]\nExecStart=/bin/x\n"),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let wants = "etc/systemd/system/multi-user.target.wants";
    let links: Vec<(String, &str)> = vec![
        (format!("{wants}/myapp.service"), "/etc/systemd/system/myapp.service"),
        (format!("{wants}/worker@7.service"), "/etc/systemd/system/worker@.service"),
        (format!("{wants}/setup.service"), "/etc/systemd/system/setup.service"),
        (format!("{wants}/nightly.timer"), "/etc/systemd/system/nightly.timer"),
        (format!("{wants}/opsctl-check-localhost.timer"), "/etc/systemd/system/opsctl-check-localhost.timer"),
        (format!("{wants}/door.socket"), "/etc/systemd/system/door.socket"),
        (etc("alias.service"), "/etc/systemd/system/myapp.service"),
        (etc("masked.service"), "/dev/null"),
    ];
    let links: Vec<(&str, &str)> = links.iter().map(|(path, target)| (path.as_str(), *target)).collect();
    let running =
        ["myapp.service", "packaged.service", "systemd-logind.service", "getty@tty1.service", "server.service"];
    let found = found(&files, &links, &running);
    assert_eq!(
        names(&found),
        [
            "door.service",
            "myapp.service",
            "nightly.service",
            "off.service",
            "packaged.service",
            "server.service",
            "stays.service",
            "worker@7.service"
        ]
    );
    assert_eq!(found.left_out, 2);
    let of = |name: &str| &found.services[name];
    assert_eq!((of("myapp.service").enabled, of("myapp.service").running), (true, true));
    assert_eq!((of("off.service").enabled, of("off.service").running), (false, false));
    assert_eq!(of("nightly.service").trigger.as_deref(), Some("nightly.timer"));
    assert_eq!(of("door.service").sockets, ["127.0.0.1:7777".parse().unwrap()]);
    assert_eq!(
        of("packaged.service").own,
        Some(Own::DropIn("/etc/systemd/system/packaged.service.d/limits.conf".to_owned()))
    );
    assert_eq!(of("packaged.service").named_ports, BTreeSet::from([99]));
    assert_eq!(of("server.service").own, None);
}

/// `systemctl link` of a file that has another name, and a timer that is an instance.
#[test]
fn units_that_come_from_elsewhere_or_from_a_template_are_found() {
    let files = [
        ("srv/shop/unit-v2.service", SIMPLE),
        ("etc/systemd/system/real.service", SIMPLE),
        ("etc/systemd/system/clean@.service", ONCE),
        ("etc/systemd/system/clean@.timer", "[Timer]\nOnCalendar=daily\n"),
    ];
    let wants = "etc/systemd/system/timers.target.wants/clean@a.timer";
    let links = [
        ("etc/systemd/system/shop.service", "/srv/shop/unit-v2.service"),
        ("etc/systemd/system/other.service", "real.service"),
        (wants, "/etc/systemd/system/clean@.timer"),
    ];
    let found = found(&files, &links, &["shop.service", "clean@a.service"]);
    assert_eq!(names(&found), ["clean@a.service", "real.service", "shop.service"]);
    assert_eq!(found.services["clean@a.service"].trigger.as_deref(), Some("clean@a.timer"));
}

#[test]
fn a_host_without_systemd_has_no_units() {
    let root = std::env::temp_dir().join(format!("opsctl-discover-none-{}", std::process::id()));
    fs::create_dir_all(root.join("etc/systemd/system")).unwrap();
    fs::write(root.join("etc/systemd/system/x.service"), SIMPLE).unwrap();
    let found = read(&System { root: root.clone(), ..System::real() }, &BTreeMap::new());
    fs::remove_dir_all(root).unwrap();
    assert!(found.services.is_empty());
}

/// A socket that starts an instance for each connection is one service, however many there are.
#[test]
fn a_socket_with_accept_is_one_service_by_its_own_name() {
    let accepts = "[Socket]\nListenStream=127.0.0.1:7778\nListenStream=/run/echo.sock\nAccept=yes\n";
    let files = [
        ("etc/systemd/system/echo.socket", accepts),
        ("etc/systemd/system/echo@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n"),
        // A packaged one is the distribution's own.
        ("usr/lib/systemd/system/sshd.socket", accepts),
        ("usr/lib/systemd/system/sshd@.service", "[Service]\nExecStart=/bin/x\n"),
    ];
    let wants = "etc/systemd/system/sockets.target.wants";
    let links = [
        (format!("{wants}/echo.socket"), "/etc/systemd/system/echo.socket"),
        (format!("{wants}/sshd.socket"), "/usr/lib/systemd/system/sshd.socket"),
    ];
    let links: Vec<(&str, &str)> = links.iter().map(|(path, target)| (path.as_str(), *target)).collect();
    let running = ["echo.socket", "sshd.socket", "echo@0-127.0.0.1:7778-127.0.0.1:40000.service", "sshd@1-x.service"];
    let found = found(&files, &links, &running);
    assert_eq!(names(&found), ["echo.socket"]);
    let echo = &found.services["echo.socket"];
    assert_eq!(
        (&echo.sockets[..], &echo.paths[..]),
        (&["127.0.0.1:7778".parse().unwrap()][..], &["/run/echo.sock".to_owned()][..])
    );
    assert!(echo.accepts() && echo.enabled && echo.running && echo.is_on_demand());
}

#[test]
fn links_in_the_search_path_are_other_names_of_a_unit() {
    let files = [("etc/systemd/system/real.service", SIMPLE), ("usr/lib/systemd/system/packaged.service", SIMPLE)];
    let links = [
        ("etc/systemd/system/alias.service", "/etc/systemd/system/real.service"),
        ("etc/systemd/system/over.service", "alias.service"),
        ("etc/systemd/system/dbus-x.service", "/usr/lib/systemd/system/packaged.service"),
        ("etc/systemd/system/circle.service", "circle2.service"),
        ("etc/systemd/system/circle2.service", "circle.service"),
        ("etc/systemd/system/-rf.service", "real.service"),
    ];
    let found = found(&files, &links, &["packaged.service"]);
    assert_eq!(names(&found), ["packaged.service", "real.service"]);
    assert_eq!(found.services["real.service"].aliases, ["alias.service", "over.service"]);
    assert_eq!(found.services["packaged.service"].aliases, ["dbus-x.service"]);
}

/// What podman's generator makes of the files of an administrator; volumes and networks serve nobody.
#[test]
fn a_quadlet_is_a_service_of_the_administrator() {
    let made =
        |source: &str| format!("[Unit]\nSourcePath={source}\n[Service]\nExecStart=/bin/x\n[Install]\nWantedBy=x\n");
    let texts = ["web.container", "data.volume"].map(|name| made(&format!("/etc/containers/systemd/{name}")));
    let files = [
        ("run/systemd/generator/web.service", texts[0].as_str()),
        ("run/systemd/generator/data-volume.service", texts[1].as_str()),
        ("run/systemd/generator/script.service", SIMPLE),
    ];
    let wants = "run/systemd/generator/multi-user.target.wants";
    let links =
        [(format!("{wants}/web.service"), "../web.service"), (format!("{wants}/script.service"), "../script.service")];
    let links: Vec<(&str, &str)> = links.iter().map(|(path, target)| (path.as_str(), *target)).collect();
    let found = found(&files, &links, &[]);
    assert_eq!(names(&found), ["web.service"]);
    let web = &found.services["web.service"];
    assert_eq!(
        (web.file.as_str(), &web.own, web.enabled),
        ("/etc/containers/systemd/web.container", &Some(Own::File), true)
    );
}
