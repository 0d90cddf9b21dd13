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
    &[&Fix::new("see its present state, and correct it", Risk::ReadOnly, Remedy::Command(&["ls", "-ld", "{thing}"]))];

/// The way in is closed by the next restart.
pub static SSHD_REJECTS: Cause = host("SSHD-REJECTS", Footing::Rejected(Checker::Sshd))
    .summary("sshd rejects its configuration, and nobody can log in after the next restart or boot: {thing}")
    .explanation(
        "a file changed since sshd read it; sshd still runs with the old configuration and will not start \
     again",
    )
    .explains(&[&CONFIGURATION_OLD])
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "correct the line that it names, while you keep a session open",
        Risk::ReadOnly,
        Remedy::Command(&["sshd", "-t"]),
    )]);

/// Nobody becomes root.
pub static SUDOERS_REJECTED: Cause = host("SUDOERS-REJECTED", Footing::Rejected(Checker::Sudo))
    .summary("sudo's files have errors: sudo ignores part of them, or refuses all users")
    .explanation("sudo reads them at every call: {thing}")
    .fixes(&[&Fix::new(
        "see which line it is, and correct it with visudo",
        Risk::ReadOnly,
        Remedy::Command(&["visudo", "-c"]),
    )]);

/// The next reload of nginx fails.
pub static NGINX_REJECTS: Cause = host("NGINX-REJECTS", Footing::Rejected(Checker::Nginx))
    .summary("nginx rejects its configuration, and will not start after the next restart: {thing}")
    .explanation(
        "a file changed since nginx read it; nginx serves with the old configuration, and a reload has no \
     effect",
    )
    .explains(&[&CONFIGURATION_OLD])
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "correct the line that it names, then reload",
        Risk::ReadOnly,
        Remedy::Command(&["nginx", "-t"]),
    )]);

/// The next reload of Caddy fails.
pub static CADDY_REJECTS: Cause = host("CADDY-REJECTS", Footing::Rejected(Checker::Caddy))
    .summary("Caddy rejects its configuration: the next reload has no effect, after the next restart it is down")
    .explanation("{thing} changed since Caddy read it; Caddy serves with the old configuration")
    .explains(&[&CONFIGURATION_OLD])
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "correct the line that it names, then reload",
        Risk::ReadOnly,
        Remedy::Command(&["caddy", "adapt", "--adapter", "caddyfile", "--config", "{thing}"]),
    )]);

/// The boot stops.
pub static FSTAB_DEVICE: Cause = host("FSTAB-DEVICE", Footing::FstabDevice)
    .summary("the next boot stops in emergency mode: the device of {thing} does not exist")
    .explanation(
        "systemd waits 90 seconds for each device of fstab without nofail, then stops the boot; only the console is \
         left. A container skips this",
    )
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "correct the device in /etc/fstab, or add nofail, before the next boot",
        Risk::ReadOnly,
        Remedy::Command(&["findmnt", "--verify"]),
    )]);

/// Something is written beside its disk.
pub static FSTAB_UNMOUNTED: Cause = host("FSTAB-UNMOUNTED", Footing::FstabUnmounted)
    .summary("{thing} is in fstab and not mounted")
    .explanation(
        "writes go to the file system below and are hidden once it is mounted again; its own files are missing \
         meanwhile",
    )
    .fixes(&[&Fix::new(
        "see why, then stop its users and mount it",
        Risk::ReadOnly,
        Remedy::Command(&["findmnt", "--verify"]),
    )]);

/// Nothing can be written.
pub static READ_ONLY: Cause = host("READ-ONLY", Footing::ReadOnly)
    .summary("{thing} is mounted read-only: writes there fail")
    .explanation(
        "the kernel does that after disk errors (errors=remount-ro), or somebody did it by hand; the next restart \
         loses data that is only in memory",
    )
    .fixes(&[&Fix::new(
        "read the kernel's messages about the disk before you make it writable again",
        Risk::ReadOnly,
        Remedy::Command(&["journalctl", "-k", "-p", "err", "-n", "50", "--no-pager"]),
    )]);

/// A path that all programs know.
pub static BASE_PATH: Cause = host("BASE-PATH", Footing::BasePath)
    .summary("{thing} has the wrong type, owner or mode")
    .explanation("programs that do not run as root fail there: usually a wrong chmod, unpacked archive or redirect")
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
.summary("deleted files fill a disk: {thing} still has them open")
.explanation("du does not show them; their space is free only when the process closes them")
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "make the process reopen its files: reload or restart its service",
    Risk::ReadOnly,
    Remedy::Command(&["lsof", "+L1"]),
)]);

/// The kernel has no more of something.
pub static KERNEL_LIMIT: Cause = host("KERNEL-LIMIT", Footing::KernelLimit)
    .summary("the kernel is near its limit of {thing}")
    .explanation("at the limit every program of the host fails: open, accept, connect or fork")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "find which process uses so many before you raise the limit",
        Risk::ReadOnly,
        Remedy::Command(&["ps", "-eo", "nlwp,pid,user,comm", "--sort=-nlwp"]),
    )]);

/// Nobody but root.
pub static LOGIN_CLOSED: Cause = host("LOGIN-CLOSED", Footing::LoginsRefused)
    .summary("all users but root are refused at login: {thing} exists")
    .explanation("pam_nologin refuses them while the file exists; a maintenance or an interrupted shutdown left it")
    .verdict(Verdict::Warn)
    .fixes(LOOK);

/// useradd and passwd fail.
pub static ACCOUNT_FILES_LOCKED: Cause = host("ACCOUNT-FILES-LOCKED", Footing::AccountsLocked)
    .summary("accounts cannot be changed: {thing} was left behind")
    .explanation("useradd, passwd and package scripts that add users fail; the process that took the lock has ended")
    .verdict(Verdict::Warn)
    .fixes(LOOK);

/// Keys that do not open.
pub static ROOT_KEYS_IGNORED: Cause = host("ROOT-KEYS-IGNORED", Footing::RootKeys)
    .summary("sshd ignores root's keys: nobody can log in as root")
    .explanation("with StrictModes, sshd accepts no key from a file that other users can change")
    .fixes(&[&Fix::new(
        "remove the write permission of others, while you keep a session open",
        Risk::Safe,
        Remedy::Manual("chown root /root /root/.ssh /root/.ssh/authorized_keys; chmod go-w on the same"),
    )]);

/// The next login is the last that works.
pub static SSH_CLOSED: Cause = host("SSH-CLOSED", Footing::SshClosed)
    .summary("the firewall blocks sshd's port {thing}: new logins fail")
    .explanation("open sessions remain open; users who log out are locked out")
    .fixes(&[&Fix::new(
        "allow the port again, while you keep a session open",
        Risk::Safe,
        Remedy::Manual("ufw allow OpenSSH, or the port that sshd listens on"),
    )]);

const RESOLVING: &[&Fix] = &[&Fix::new(
    "see which name server is configured, and set one that answers",
    Risk::ReadOnly,
    Remedy::Command(&["ls", "-l", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts"]),
)];

/// No name server is asked.
pub static RESOLVER: Cause = host("RESOLVER", Footing::Resolver)
    .summary("host names do not resolve: /etc/resolv.conf leads to no name server")
    .explanation(
        "usually its link target is missing, because systemd-resolved or a DHCP client no longer writes it; \
     running programs fail at their next lookup",
    )
    .fixes(RESOLVING);

/// Not everything is asked.
pub static NAME_SWITCH: Cause = host("NAME-SWITCH", Footing::NameSwitch)
    .summary("host names do not resolve: /etc/nsswitch.conf omits files or DNS")
    .explanation("this affects every program that resolves names with the C library; containers have their own file")
    .fixes(RESOLVING);

/// `localhost` leads astray.
pub static LOCALHOST_NAME: Cause = host("LOCALHOST-NAME", Footing::Localhost)
    .summary("localhost does not resolve to the address of services on this host")
    .explanation("connections to the name localhost are refused, although the service answers at its address")
    .fixes(RESOLVING);
