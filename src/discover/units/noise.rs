//! PURE. Which packaged units serve nobody, by their names.

use super::stem;

/// Units of a distribution that keep the system itself going.
const NOISE: &[&str] = &[
    "accounts-daemon",
    "anacron",
    "apparmor",
    "apt-",
    "atd",
    "auditd",
    "avahi-daemon",
    "blk-availability",
    "bluetooth",
    "cloud-",
    "colord",
    "console-getty",
    "console-setup",
    "containerd",
    "cups",
    "dbus",
    "dm-event",
    "dpkg-db-backup",
    "e2scrub",
    "emergency",
    "fwupd",
    "getty@",
    "haveged",
    "ifup@",
    "initrd",
    "irqbalance",
    "iscsi",
    "keyboard-setup",
    "kmod",
    "logrotate",
    "lvm2-",
    "man-db",
    "mdadm",
    "mdmonitor",
    "modprobe@",
    "ModemManager",
    "multipathd",
    "networkd-dispatcher",
    "networking",
    "NetworkManager",
    "nfs-",
    "nftables",
    "open-iscsi",
    "open-vm-tools",
    "packagekit",
    "plymouth",
    "polkit",
    "procps",
    "qemu-guest-agent",
    "quotaon",
    "rc-local",
    "rescue",
    "rngd",
    "rpc-",
    "rpcbind",
    "rsyslog",
    "rtkit-daemon",
    "serial-getty@",
    "snapd",
    "smartmontools",
    "smartd",
    "sysstat",
    "systemd-",
    "thermald",
    "udev",
    "udisks2",
    "ufw",
    "unattended-upgrades",
    "upower",
    "user@",
    "user-runtime-dir@",
    "uuidd",
    "vgauth",
    "wpa_supplicant",
    "xe-daemon",
];

pub(super) fn is_noise(name: &str) -> bool {
    let stem = stem(name);
    NOISE.iter().any(|noise| match noise.ends_with(['-', '@']) {
        true => name.starts_with(noise),
        false => stem == *noise || stem.strip_prefix(noise).is_some_and(|rest| rest.starts_with(['@', '-'])),
    })
}

/// Packaged services that serve others of this host over a socket with a path, where they listen at no port.
pub(in super::super) fn is_known_server(name: &str) -> bool {
    let stem = stem(name);
    (stem.starts_with("php") && stem.ends_with("-fpm")) || ["supervisor", "supervisord", "memcached"].contains(&stem)
}
