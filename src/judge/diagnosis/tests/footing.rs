//! Clues about what the host stands on, on evidence made by hand.

use std::net::IpAddr;

use super::*;
use crate::host::tools::{fstab, mountinfo};
use crate::observe::clues::footing::{Conf, Footing as Seen, Names, Planned};
use crate::registry::Footing;

/// A host in order.
fn seen() -> Seen {
    let mounts = "1 0 0:1 / / rw,relatime - ext4 /dev/vda rw\n2 1 0:2 / /tmp rw - tmpfs tmpfs rw\n";
    Seen {
        checked: Vec::new(),
        mounts: Ok(mountinfo::parse(mounts).unwrap()),
        fstab: Ok(planned("/dev/vda / ext4 defaults 0 1\n", false, false)),
        written: vec!["/var/log".to_owned(), "/tmp".to_owned()],
        names: Ok(names()),
        paths: Vec::new(),
        refusal: None,
        locks: Vec::new(),
        limits: vec![("open files", 10, 100, "/proc/sys/fs/file-nr")],
        keys: Ok(None),
        closed: None,
    }
}

fn planned(text: &str, is_missing: bool, is_covering: bool) -> Vec<Planned> {
    fstab::parse(text).into_iter().map(|entry| Planned { entry, is_missing, is_covering }).collect()
}

fn names() -> Names {
    Names {
        conf: Conf::Names(vec!["192.0.2.1".to_owned()]),
        sources: Some(vec!["files".to_owned(), "dns".to_owned()]),
        is_served: false,
        localhost: Some(vec![IpAddr::from([127, 0, 0, 1])]),
        ports: Vec::new(),
    }
}

fn says(seen: Seen, clue: Footing) -> String {
    let mut made = Made::well();
    made.clues.footing = Some(seen);
    match made.with(|case| case.outcome(&Clue::Footing(clue), None)) {
        Proven(facts) => facts.iter().map(|fact| fact.says.as_str()).collect::<Vec<_>>().join(" | "),
        RuledOut(_) => "out".to_owned(),
        Unknown(_) => "open".to_owned(),
    }
}

#[test]
fn a_host_in_order_has_no_finding() {
    for clue in [
        Footing::Rejected(crate::registry::Checker::Sshd),
        Footing::FstabDevice,
        Footing::FstabUnmounted,
        Footing::ReadOnly,
        Footing::Resolver,
        Footing::NameSwitch,
        Footing::Localhost,
        Footing::BasePath,
        Footing::LoginsRefused,
        Footing::AccountsLocked,
        Footing::KernelLimit,
        Footing::RootKeys,
        Footing::SshClosed,
    ] {
        assert_eq!(says(seen(), clue), "out", "{clue:?}");
    }
}

#[test]
fn a_boot_needs_the_devices_that_may_not_fail() {
    let of = |line: &str, is_missing, clue| says(Seen { fstab: Ok(planned(line, is_missing, true)), ..seen() }, clue);
    let (device, unmounted) = (Footing::FstabDevice, Footing::FstabUnmounted);
    let line = "UUID=1 /srv ext4 defaults 0 2\n";
    assert_eq!(of(line, true, device), "fstab mounts UUID=1 at /srv without nofail, and it does not exist");
    // It is told once.
    assert_eq!(of(line, true, unmounted), "out");
    assert_eq!(of(line, false, device), "out");
    assert_eq!(of(line, false, unmounted), "/srv is not mounted (fstab: UUID=1); its mount point contains files");
    let may_fail = "UUID=1 /srv ext4 nofail 0 2\n";
    assert_eq!(of(may_fail, true, device), "out");
    assert_eq!(
        of(may_fail, true, unmounted),
        "/srv is not mounted (fstab: UUID=1, which does not exist); its mount point contains files"
    );
    assert_eq!(of("tmpfs /tmp tmpfs defaults 0 0\n", false, unmounted), "out");
    let unread = Seen { fstab: Err(Trouble::Failed("no".into())), ..seen() };
    assert_eq!(says(unread, device), "open");
}

#[test]
fn what_must_be_written_to_may_not_be_read_only_unless_fstab_wants_it() {
    let mounts = || {
        mountinfo::parse("1 0 0:1 / / ro,relatime - ext4 /dev/vda rw\n2 1 0:2 / /tmp rw - tmpfs tmpfs rw\n").unwrap()
    };
    assert_eq!(
        says(Seen { mounts: Ok(mounts()), ..seen() }, Footing::ReadOnly),
        "/ is mounted read-only, and holds /var/log"
    );
    let meant = Ok(planned("/dev/vda / ext4 ro 0 1\n", false, false));
    assert_eq!(says(Seen { mounts: Ok(mounts()), fstab: meant, ..seen() }, Footing::ReadOnly), "out");
    assert_eq!(says(Seen { mounts: Err(Trouble::Failed("x".into())), ..seen() }, Footing::ReadOnly), "open");
}

#[test]
fn only_what_is_certain_to_resolve_nothing_is_found() {
    let of =
        |conf, is_served| says(Seen { names: Ok(Names { conf, is_served, ..names() }), ..seen() }, Footing::Resolver);
    let named = |servers: &[&str]| Conf::Names(servers.iter().map(|server| (*server).to_owned()).collect());
    for (conf, is_served, found) in [
        (Conf::Dangling, true, true),
        (Conf::Missing, false, true),
        (Conf::Missing, true, false),
        (named(&[]), false, true),
        (named(&[]), true, false),
        (named(&["127.0.0.53"]), false, true),
        (named(&["127.0.0.53"]), true, false),
        (named(&["127.0.0.53", "192.0.2.1"]), false, false),
        // A server of another kind, of which nothing is known.
        (named(&["127.0.0.1"]), false, false),
        (Conf::Unasked, false, false),
    ] {
        let words = format!("{conf:?} {is_served}");
        assert_eq!(of(conf, is_served) != "out", found, "{words}");
    }
    let switch = |words: &[&str]| {
        let sources = Some(words.iter().map(|word| (*word).to_owned()).collect());
        says(Seen { names: Ok(Names { sources, ..names() }), ..seen() }, Footing::NameSwitch)
    };
    assert!(switch(&["files"]).contains("omits DNS"));
    assert!(switch(&["dns"]).contains("omits /etc/hosts"));
    for fine in [&["files", "dns"][..], &["mymachines", "resolve", "myhostname"], &["files", "mdns4_minimal", "dns"]] {
        assert_eq!(switch(fine), "out", "{fine:?}");
    }
}

#[test]
fn localhost_is_where_services_listen() {
    let of = |addresses: &[&str], ports: Vec<(&'static str, u16, bool, bool)>| {
        let localhost = Some(addresses.iter().map(|address| address.parse().unwrap()).collect());
        says(Seen { names: Ok(Names { localhost, ports, ..names() }), ..seen() }, Footing::Localhost)
    };
    assert_eq!(of(&[], vec![]), "/etc/hosts has no line for localhost");
    assert_eq!(of(&["10.0.0.5"], vec![]), "/etc/hosts has localhost at 10.0.0.5, which is not a loopback address");
    let four = || vec![("keeper", 1000, true, false)];
    let both = || vec![("keeper", 1000, true, true)];
    assert_eq!(of(&["::1"], four()), "localhost is only ::1, and keeper listens on port 1000 of only IPv4");
    assert_eq!(of(&["::1"], both()), "out");
    assert_eq!(of(&["127.0.0.1"], four()), "out");
    assert_eq!(
        of(&["127.0.0.1"], vec![("keeper", 1000, false, true)]),
        "localhost is only 127.0.0.1, and keeper listens on port 1000 of only IPv6"
    );
}

#[test]
fn bounds_locks_and_paths_are_said_as_they_are() {
    let limits = |used| {
        says(Seen { limits: vec![("open files", used, 100, "/proc/sys/fs/file-nr")], ..seen() }, Footing::KernelLimit)
    };
    assert_eq!((limits(89).as_str(), limits(90).as_str()), ("out", "90 of 100 open files are used"));
    let paths = vec![("/tmp", "its mode is 755, and must be 1777".to_owned())];
    assert_eq!(says(Seen { paths, ..seen() }, Footing::BasePath), "/tmp: its mode is 755, and must be 1777");
    let since = now() - jiff::SignedDuration::from_hours(2);
    assert_eq!(
        says(Seen { refusal: Some(("/etc/nologin", Some(since))), ..seen() }, Footing::LoginsRefused),
        "/etc/nologin exists, for 2h0m"
    );
    assert!(
        says(Seen { locks: vec!["/etc/passwd.lock"], ..seen() }, Footing::AccountsLocked)
            .starts_with("/etc/passwd.lock exists")
    );
    assert_eq!(says(Seen { keys: Err(Trouble::NeedsRoot("to see it")), ..seen() }, Footing::RootKeys), "open");
    assert_eq!(
        says(Seen { keys: Ok(Some("/root has mode 777".into())), ..seen() }, Footing::RootKeys),
        "/root has mode 777"
    );
    assert!(says(Seen { closed: Some(22), ..seen() }, Footing::SshClosed).starts_with("sshd listens on 22"));
}
