//! Clues about what the host stands on.

use super::case::{Case, asked, told};
use super::outcome::{Conclusion, Fact, Why};
use crate::host::tools::command::Command;
use crate::host::tools::mountinfo::Mount;
use crate::host::trouble::Trouble;
use crate::observe::clues::footing::{Conf, Footing as Seen, Names, Planned};
use crate::registry::{Checker, Footing};
use crate::units::{age, bytes};

/// What a clue comes to.
pub(super) fn of_host(case: &Case<'_>, clue: Footing) -> Conclusion {
    if clue == Footing::DeletedFiles {
        return deleted(case);
    }
    let Some(seen) = &case.clues.footing else { return Conclusion::unknown("it was not checked") };
    match clue {
        Footing::Rejected(checker) => rejected(case, seen, checker),
        Footing::FstabDevice => devices(seen),
        Footing::FstabUnmounted => unmounted(seen),
        Footing::ReadOnly => read_only(seen),
        Footing::Resolver => names(seen, resolver),
        Footing::NameSwitch => names(seen, switch),
        Footing::Localhost => names(seen, localhost),
        Footing::BasePath => facts(
            "every basic path is correct",
            seen.paths.iter().map(|(path, flaw)| {
                Fact::new(Command::new(["ls", "-ld", path]), format!("{path}: {flaw}")).blaming(*path)
            }),
        ),
        Footing::LoginsRefused => facts(
            "nothing refuses logins",
            seen.refusal.iter().map(|(path, since)| {
                let ago = since.map(|since| format!(", for {}", age(since, case.evidence.time))).unwrap_or_default();
                Fact::new(Command::new(["ls", "-l", path]), format!("{path} exists{ago}")).blaming(*path).at(*since)
            }),
        ),
        Footing::AccountsLocked => facts(
            "no lock of accounts was left behind",
            seen.locks.iter().map(|path| {
                let says = format!("{path} exists, and the process that made it does not");
                Fact::new(Command::new(["ls", "-l", path]), says).blaming(*path)
            }),
        ),
        Footing::KernelLimit => limits(seen),
        Footing::RootKeys => match &seen.keys {
            Err(trouble) => open("root's keys", trouble),
            Ok(flaw) => facts(
                "sshd accepts root's keys, or needs none",
                flaw.iter().map(|flaw| {
                    let command = Command::new(["ls", "-ld", "/root", "/root/.ssh", "/root/.ssh/authorized_keys"]);
                    Fact::new(command, flaw.clone())
                }),
            ),
        },
        Footing::SshClosed => facts(
            "the firewall is off, or allows ssh",
            seen.closed.iter().map(|port| {
                let says =
                    format!("sshd listens on {port}, ufw denies by default, and no rule allows {port} over IPv4");
                Fact::new(Command::new(["ufw", "status", "verbose"]), says).blaming(port.to_string())
            }),
        ),
        Footing::DeletedFiles => Conclusion::unknown("it was not checked"),
    }
}

/// Proven by what was found; where that is nothing, ruled out.
fn facts(otherwise: &str, found: impl IntoIterator<Item = Fact>) -> Conclusion {
    let found: Vec<Fact> = found.into_iter().collect();
    match found.is_empty() {
        true => Conclusion::RuledOut(vec![Fact::new(Command::own(["diagnose"]), otherwise)]),
        false => Conclusion::Proven(found),
    }
}

fn open(what: &str, trouble: &Trouble) -> Conclusion {
    Conclusion::unknown(Why { says: format!("{what}: {trouble}"), needs_root: trouble.needs_root() })
}

fn rejected(case: &Case<'_>, seen: &Seen, checker: Checker) -> Conclusion {
    let Some(checked) = seen.checked.iter().find(|checked| checked.checker == checker) else {
        return facts("nothing changed since it was read", []);
    };
    match &checked.answer.result {
        Err(trouble) => Conclusion::unknown(told(&checked.answer.command, trouble)),
        Ok(None) => Conclusion::RuledOut(vec![Fact::new(&checked.answer.command, "it accepts its configuration")]),
        Ok(Some(said)) => {
            let ago = age(checked.time, case.evidence.time);
            let changed = Fact::new(
                Command::new(["ls", "-ld", &checked.changed]),
                format!("{} changed {ago} ago", checked.changed),
            );
            // Of Caddy the file stands in the command that shows it.
            let thing = if checker == Checker::Caddy { checked.changed.clone() } else { complaint(said) };
            let said = Fact::new(&checked.answer.command, said.clone()).blaming(thing);
            Conclusion::Proven(vec![said.about(program(checker)), changed])
        }
    }
}

/// What a finding about a rejected configuration is about.
fn program(checker: Checker) -> &'static str {
    match checker {
        Checker::Sshd => "sshd",
        Checker::Sudo => "sudo",
        Checker::Nginx => "nginx",
        Checker::Caddy => "caddy",
    }
}

/// The complaint that names a line, out of all that a program says of its configuration: `FILE: line 3: Bad configuration option: X`.
fn complaint(said: &str) -> String {
    let names_line = |part: &&str| {
        let number = part.split_once(": line ").or_else(|| part.rsplit_once(':')).map(|(_, after)| after);
        number.is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()))
            || part.split_whitespace().any(|word| {
                let place = word.split_once(':').map(|(path, line)| (path.contains('/'), line));
                place.is_some_and(|(is_path, line)| is_path && line.starts_with(|c: char| c.is_ascii_digit()))
            })
    };
    let parts = || said.split("; ").map(str::trim).filter(|part| !part.is_empty());
    let best = parts().find(names_line).or_else(|| parts().next()).unwrap_or(said);
    let best =
        ["nginx: ", "sshd: ", "visudo: "].iter().fold(best, |text, name| text.strip_prefix(name).unwrap_or(text));
    let best = best.split_once("[emerg] ").map_or(best, |(_, rest)| rest);
    // nginx states its process and thread: `27199#27199: `.
    let is_process = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'#');
    let best = best.split_once(": ").filter(|(head, _)| is_process(head)).map_or(best, |(_, rest)| rest);
    best.to_owned()
}

fn planned(seen: &Seen) -> Result<&[Planned], Conclusion> {
    seen.fstab.as_deref().map_err(|trouble| open("/etc/fstab", trouble))
}

fn devices(seen: &Seen) -> Conclusion {
    let planned = match planned(seen) {
        Ok(planned) => planned,
        Err(unknown) => return unknown,
    };
    let gone = planned.iter().filter(|planned| planned.is_missing && !planned.entry.may_fail());
    facts(
        "every device of fstab exists",
        gone.map(|Planned { entry, .. }| {
            let says =
                format!("fstab mounts {} at {} without nofail, and it does not exist", entry.device, entry.point);
            Fact::new(Command::new(["findmnt", "--verify"]), says)
                .about(entry.point.clone())
                .blaming(entry.point.clone())
        }),
    )
}

fn unmounted(seen: &Seen) -> Conclusion {
    let planned = match planned(seen) {
        Ok([]) => return facts("fstab mounts nothing", []),
        Ok(planned) => planned,
        Err(unknown) => return unknown,
    };
    let mounts = match &seen.mounts {
        Ok(mounts) => mounts,
        Err(trouble) => return open("mounts", trouble),
    };
    let absent = |planned: &&Planned| mounts.iter().all(|mount| mount.point != planned.entry.point);
    // One whose device is missing at boot is told with what the boot does.
    let told = |planned: &&Planned| planned.is_missing && !planned.entry.may_fail();
    let found = planned.iter().filter(absent).filter(|planned| !told(planned));
    facts(
        "all mounts of fstab are mounted",
        found.map(|planned| {
            let entry = &planned.entry;
            let why = if planned.is_missing { ", which does not exist" } else { "" };
            let below = if planned.is_covering { "; its mount point contains files" } else { "" };
            let says = format!("{} is not mounted (fstab: {}{why}){below}", entry.point, entry.device);
            Fact::new(Command::new(["findmnt", &entry.point]), says)
                .about(entry.point.clone())
                .blaming(entry.point.clone())
        }),
    )
}

/// The mount that a path lies on: the longest, and of those at one point the last.
fn holding<'m>(mounts: &'m [Mount], path: &str) -> Option<&'m Mount> {
    mounts
        .iter()
        .filter(|mount| std::path::Path::new(path).starts_with(&mount.point))
        .max_by_key(|mount| mount.point.len())
}

fn read_only(seen: &Seen) -> Conclusion {
    let mounts = match &seen.mounts {
        Ok(mounts) => mounts,
        Err(trouble) => return open("mounts", trouble),
    };
    let planned = seen.fstab.as_deref().unwrap_or_default();
    let meant = |mount: &Mount| planned.iter().any(|p| p.entry.point == mount.point && p.entry.is_read_only());
    let mut found: Vec<(&Mount, Vec<&str>)> = Vec::new();
    for path in &seen.written {
        let Some(mount) = holding(mounts, path).filter(|mount| !mount.is_writable() && !meant(mount)) else { continue };
        match found.iter_mut().find(|(other, _)| other.point == mount.point) {
            Some((_, paths)) => paths.push(path),
            None => found.push((mount, vec![path])),
        }
    }
    facts(
        "all file systems in use are writable",
        found.into_iter().map(|(mount, paths)| {
            let says = format!("{} is mounted read-only, and holds {}", mount.point, paths.join(", "));
            let command = Command::new(["findmnt", "-no", "OPTIONS", &mount.point]);
            Fact::new(command, says).about(mount.point.clone()).blaming(mount.point.clone())
        }),
    )
}

fn names(seen: &Seen, judge: fn(&Names) -> Conclusion) -> Conclusion {
    match &seen.names {
        Ok(names) => judge(names),
        Err(trouble) => open("/etc/resolv.conf", trouble),
    }
}

fn resolver(names: &Names) -> Conclusion {
    let says = match &names.conf {
        Conf::Dangling => "/etc/resolv.conf is a link to a file that does not exist",
        Conf::Missing if !names.is_served => "/etc/resolv.conf does not exist, and no name server runs here",
        Conf::Names(servers) if servers.is_empty() && !names.is_served => {
            "/etc/resolv.conf names no server, and none runs here"
        }
        Conf::Names(servers)
            if !servers.is_empty()
                && !names.is_served
                && servers.iter().all(|server| matches!(server.as_str(), "127.0.0.53" | "127.0.0.54")) =>
        {
            "/etc/resolv.conf names only the stub of systemd-resolved, and nothing listens there"
        }
        Conf::Missing | Conf::Names(_) | Conf::Unasked => {
            return facts("name servers are set, and none is known to be down", []);
        }
    };
    facts("", [Fact::new(Command::new(["ls", "-l", "/etc/resolv.conf"]), says)])
}

fn switch(names: &Names) -> Conclusion {
    let Some(sources) = &names.sources else { return facts("nsswitch.conf has no line for hosts", []) };
    let has = |words: &[&str]| sources.iter().any(|own| words.contains(&own.as_str()));
    let lacks = match (has(&["dns", "resolve"]), has(&["files", "resolve", "myhostname"])) {
        (true, true) => return facts("nsswitch.conf uses files and DNS", []),
        (false, true) => "omits DNS: names of other hosts do not resolve",
        (_, false) => "omits /etc/hosts: localhost and its other names do not resolve",
    };
    let says = format!("/etc/nsswitch.conf \"hosts: {}\" {lacks}", sources.join(" "));
    facts("", [Fact::new(Command::new(["grep", "^hosts:", "/etc/nsswitch.conf"]), says)])
}

fn localhost(names: &Names) -> Conclusion {
    let command = || Command::new(["getent", "ahosts", "localhost"]);
    let Some(found) = &names.localhost else { return facts("localhost needs no line in /etc/hosts", []) };
    if found.is_empty() {
        return facts("", [Fact::new(command(), "/etc/hosts has no line for localhost")]);
    }
    if let Some(other) = found.iter().find(|address| !address.is_loopback()) {
        return facts(
            "",
            [Fact::new(command(), format!("/etc/hosts has localhost at {other}, which is not a loopback address"))],
        );
    }
    let is_six = found.iter().all(std::net::IpAddr::is_ipv6);
    let apart = names.ports.iter().filter(|(_, _, four, six)| if is_six { *four && !six } else { *six && !four });
    let (own, other) = if is_six { ("::1", "IPv4") } else { ("127.0.0.1", "IPv6") };
    facts(
        "localhost is the address of the services",
        apart.map(|(service, port, ..)| {
            Fact::new(
                command(),
                format!("localhost is only {own}, and {service} listens on port {port} of only {other}"),
            )
        }),
    )
}

fn limits(seen: &Seen) -> Conclusion {
    const NEAR: u64 = 90;
    let near = seen.limits.iter().filter(|(_, used, most, _)| used.saturating_mul(100) >= most.saturating_mul(NEAR));
    facts(
        "the kernel is at no limit",
        near.map(|(what, used, most, path)| {
            Fact::new(Command::new(["cat", path]), format!("{used} of {most} {what} are used")).blaming(*what)
        }),
    )
}

/// Of full file systems, what processes hold of deleted files.
fn deleted(case: &Case<'_>) -> Conclusion {
    /// A twentieth of a file system is worth a restart.
    const PART: u64 = 20;
    let (command, held) = match asked(case.clues.deleted.as_ref()) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let mounts = match case.clues.footing.as_ref().map(|seen| &seen.mounts) {
        Some(Ok(mounts)) => mounts,
        Some(Err(trouble)) => return open("mounts", trouble),
        None => return Conclusion::unknown("it was not checked"),
    };
    let bound = case.deployment.checks.disk.warn_percent;
    let disks = case.health.host.iter().filter_map(|host| host.disks.as_ref()).flatten();
    let mut found = Vec::new();
    for disk in disks.filter(|disk| disk.used_percent >= bound) {
        let devices: Vec<&str> =
            mounts.iter().filter(|m| m.point == disk.mounted_on).map(|m| m.device.as_str()).collect();
        let own: Vec<_> = held.iter().filter(|held| devices.contains(&held.device.as_str())).collect();
        let sum = own.iter().map(|held| held.bytes).fold(0, u64::saturating_add);
        let Some(most) = own.iter().max_by_key(|held| held.bytes).filter(|_| sum >= disk.size_bytes / PART && sum > 0)
        else {
            continue;
        };
        let says = format!(
            "{}: processes hold {} of deleted files, {} by {} (pid {})",
            disk.mounted_on,
            bytes(sum),
            bytes(most.bytes),
            most.process,
            most.pid
        );
        let fact = Fact::new(command, says).blaming(format!("{} (pid {})", most.process, most.pid));
        found.push(fact.about(format!("{}{}", super::DISK, disk.mounted_on)));
    }
    facts("no full file system is full of deleted files", found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_that_names_a_line_is_the_one_that_is_told() {
        for (said, told) in [
            (
                "/etc/ssh/sshd_config.d/a.conf: line 1: Bad configuration option: PermitRootLogn; /etc/ssh/sshd_config.d/a.conf: terminating, 1 bad configuration options",
                "/etc/ssh/sshd_config.d/a.conf: line 1: Bad configuration option: PermitRootLogn",
            ),
            (
                "2026/11/26 20:02:20 [emerg] 27199#27199: unknown directive \"lisen\" in /etc/nginx/conf.d/shop.conf:2; nginx: configuration file /etc/nginx/nginx.conf test failed",
                "unknown directive \"lisen\" in /etc/nginx/conf.d/shop.conf:2",
            ),
            (
                "nginx: [emerg] invalid port in \"808o\" of the \"listen\" directive in /etc/nginx/sites-enabled/a:7; nginx: configuration file /etc/nginx/nginx.conf test failed",
                "invalid port in \"808o\" of the \"listen\" directive in /etc/nginx/sites-enabled/a:7",
            ),
            (
                "/etc/sudoers.d/deploy:1:35: syntax error; deploy ALL=(ALL) NOPASSWD /usr/bin/x",
                "/etc/sudoers.d/deploy:1:35: syntax error",
            ),
            ("sshd: no hostkeys available -- exiting.", "no hostkeys available -- exiting."),
            ("", ""),
        ] {
            assert_eq!(complaint(said), told, "{said}");
        }
    }
}
