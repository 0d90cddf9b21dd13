//! What a host stands on and that gives way: at the next reload, at the next boot, or now.

use super::super::*;
use super::{CONFIGURATION_OLD, DISK_FILLING};

/// Configurations that are not taken.
pub static REJECTED: &[&Cause] = &[&SSHD_REJECTS, &SUDOERS_REJECTED, &NGINX_REJECTS, &CADDY_REJECTS];

/// What fstab says.
pub static MOUNTS: &[&Cause] = &[&FSTAB_DEVICE, &FSTAB_UNMOUNTED];

/// How names become addresses.
pub static NAMES: &[&Cause] = &[&RESOLVER, &NAME_SWITCH, &LOCALHOST_NAME];

/// What every program relies on.
pub static FOOTING: &[&Cause] = &[
    &READ_ONLY,
    &BASE_PATH,
    &DELETED_FILES,
    &KERNEL_LIMIT,
    &LOGIN_CLOSED,
    &ACCOUNT_FILES_LOCKED,
    &ROOT_KEYS_IGNORED,
    &SSH_CLOSED,
];

const fn host(code: &'static str, what: Footing) -> Cause {
    Cause::new(code, Clue::Footing(what)).about(About::Host)
}

const LOOK: &[&Fix] =
    &[&Fix::new("see it as it is, and set it right", Risk::ReadOnly, Remedy::Command(&["ls", "-ld", "{thing}"]))];

/// The way in is closed by the next restart.
pub static SSHD_REJECTS: Cause = host("SSHD-REJECTS", Footing::Rejected(Checker::Sshd))
    .summary("sshd rejects its configuration, and nobody can log in after the next restart or boot: {thing}")
    .explanation("a file changed since sshd read it; it still runs with what it read before, and will not start again")
    .explains(&[&CONFIGURATION_OLD])
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "set right the line that it names, while a session is open",
        Risk::ReadOnly,
        Remedy::Command(&["sshd", "-t"]),
    )]);

/// Nobody becomes root.
pub static SUDOERS_REJECTED: Cause = host("SUDOERS-REJECTED", Footing::Rejected(Checker::Sudo))
    .summary("sudo's files do not hold together: sudo ignores part of them, or refuses everybody")
    .explanation("sudo reads them at every call: {thing}")
    .fixes(&[&Fix::new(
        "see which line it is, and set it right with visudo",
        Risk::ReadOnly,
        Remedy::Command(&["visudo", "-c"]),
    )]);

/// The next reload of nginx fails.
pub static NGINX_REJECTS: Cause = host("NGINX-REJECTS", Footing::Rejected(Checker::Nginx))
    .summary("nginx rejects its configuration, and is down after the next restart: {thing}")
    .explanation("a file changed since nginx read it; it serves by what it read before, and a reload changes nothing")
    .explains(&[&CONFIGURATION_OLD])
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "set right the line that it names, then reload",
        Risk::ReadOnly,
        Remedy::Command(&["nginx", "-t"]),
    )]);

/// The next reload of Caddy fails.
pub static CADDY_REJECTS: Cause = host("CADDY-REJECTS", Footing::Rejected(Checker::Caddy))
    .summary("Caddy rejects its configuration: the next reload changes nothing, after the next restart it is down")
    .explanation("{thing} changed since Caddy read it; it serves by what it read before")
    .explains(&[&CONFIGURATION_OLD])
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "set right the line that it names, then reload",
        Risk::ReadOnly,
        Remedy::Command(&["caddy", "adapt", "--adapter", "caddyfile", "--config", "{thing}"]),
    )]);

/// The boot stops.
pub static FSTAB_DEVICE: Cause = host("FSTAB-DEVICE", Footing::FstabDevice)
    .summary("the next boot stops in emergency mode: the device of {thing} does not exist")
    .explanation(
        "systemd waits 90 seconds for each device of fstab that has no nofail, then gives up the boot; only the console is left. \
         A container passes over it",
    )
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "correct the device in /etc/fstab, or add nofail, before the next boot",
        Risk::ReadOnly,
        Remedy::Command(&["findmnt", "--verify"]),
    )]);

/// Something is written beside its disk.
pub static FSTAB_UNMOUNTED: Cause = host("FSTAB-UNMOUNTED", Footing::FstabUnmounted)
    .summary("{thing} is not mounted, and fstab says that it is")
    .explanation(
        "what is written there goes to the file system below, and is hidden as soon as it is mounted again; what was there \
         before is missing",
    )
    .fixes(&[&Fix::new(
        "see why, then mount it while its users are stopped",
        Risk::ReadOnly,
        Remedy::Command(&["findmnt", "--verify"]),
    )]);

/// Nothing can be written.
pub static READ_ONLY: Cause = host("READ-ONLY", Footing::ReadOnly)
    .summary("{thing} is mounted read-only: what must write there cannot")
    .explanation(
        "the kernel does that after errors of the disk (errors=remount-ro), or somebody did it by hand; data that is only in \
         memory is lost with the next restart",
    )
    .fixes(&[&Fix::new(
        "see what the kernel says of the disk before it is made writable again",
        Risk::ReadOnly,
        Remedy::Command(&["journalctl", "-k", "-p", "err", "-n", "50", "--no-pager"]),
    )]);

/// A path that all programs know.
pub static BASE_PATH: Cause = host("BASE-PATH", Footing::BasePath)
    .summary("{thing} is not as every program expects it")
    .explanation(
        "programs that do not run as root fail there: usually a chmod, an unpacked archive or a redirect by mistake",
    )
    .fixes(LOOK);

/// Space that no directory shows.
pub static DELETED_FILES: Cause = Cause::new(
    "DELETED-FILES",
    Clue::All(&[
        Clue::Any(&[Clue::Disk(Verdict::Fail), Clue::Disk(Verdict::Warn)]),
        Clue::Footing(Footing::DeletedFiles),
    ]),
)
.about(About::Host)
.explains(&[&DISK_FILLING])
.summary("deleted files fill a disk: {thing} still holds them")
.explanation("du does not show them; their space is free as soon as the process closes them, and not before")
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "let the process open its files again: reload or restart its service",
    Risk::ReadOnly,
    Remedy::Command(&["lsof", "+L1"]),
)]);

/// The kernel has no more of something.
pub static KERNEL_LIMIT: Cause = host("KERNEL-LIMIT", Footing::KernelLimit)
    .summary("the kernel is near its bound of {thing}")
    .explanation("at the bound every program of the host fails: open, accept, connect or fork")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "find who uses so many before the bound is raised",
        Risk::ReadOnly,
        Remedy::Command(&["ps", "-eo", "nlwp,pid,user,comm", "--sort=-nlwp"]),
    )]);

/// Nobody but root.
pub static LOGIN_CLOSED: Cause = host("LOGIN-CLOSED", Footing::LoginsRefused)
    .summary("all users but root are refused at login: {thing} exists")
    .explanation("pam_nologin refuses them while the file is there; a maintenance or an interrupted shutdown left it")
    .verdict(Verdict::Warn)
    .fixes(LOOK);

/// useradd and passwd fail.
pub static ACCOUNT_FILES_LOCKED: Cause = host("ACCOUNT-FILES-LOCKED", Footing::AccountsLocked)
    .summary("no account can be changed: {thing} was left behind")
    .explanation("useradd, passwd and package scripts that add users fail; the process that held the lock is gone")
    .verdict(Verdict::Warn)
    .fixes(LOOK);

/// Keys that do not open.
pub static ROOT_KEYS_IGNORED: Cause = host("ROOT-KEYS-IGNORED", Footing::RootKeys)
    .summary("sshd ignores root's keys: nobody can log in as root")
    .explanation("with StrictModes, sshd takes no key from a file that others than its user could change")
    .fixes(&[&Fix::new(
        "take the rights of others away, while a session is open",
        Risk::Safe,
        Remedy::Manual("chown root /root /root/.ssh /root/.ssh/authorized_keys; chmod go-w on the same"),
    )]);

/// The next login is the last that works.
pub static SSH_CLOSED: Cause = host("SSH-CLOSED", Footing::SshClosed)
    .summary("the firewall closes port {thing}, on which sshd listens: new logins do not get through")
    .explanation("sessions that are open stay open; whoever logs out is locked out")
    .fixes(&[&Fix::new(
        "allow the port again, while a session is open",
        Risk::Safe,
        Remedy::Manual("ufw allow OpenSSH, or the port that sshd listens on"),
    )]);

const RESOLVING: &[&Fix] = &[&Fix::new(
    "see what is asked, and name a server that answers",
    Risk::ReadOnly,
    Remedy::Command(&["ls", "-l", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts"]),
)];

/// No name server is asked.
pub static RESOLVER: Cause = host("RESOLVER", Footing::Resolver)
    .summary("no name of another host has an address: /etc/resolv.conf leads to no name server")
    .explanation("usually a link that systemd-resolved or a DHCP client no longer fills; programs that run notice at their next lookup")
    .fixes(RESOLVING);

/// Not everything is asked.
pub static NAME_SWITCH: Cause = host("NAME-SWITCH", Footing::NameSwitch)
    .summary("names are not looked up where they are: /etc/nsswitch.conf leaves out files or DNS")
    .explanation("every program of this host that asks the C library is concerned; containers have a file of their own")
    .fixes(RESOLVING);

/// `localhost` leads astray.
pub static LOCALHOST_NAME: Cause = host("LOCALHOST-NAME", Footing::Localhost)
    .summary("localhost does not lead to what listens on this host")
    .explanation("what connects to localhost by name is refused, although the service answers at its address")
    .fixes(RESOLVING);
