//! Tables as kernels wrote them, and made-up ones.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

/// A Debian server with docker, an NFS share, sshfs, a snap, a read-only disk and a stick.
const SERVER: &str = r"22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
23 28 0:21 / /proc rw,nosuid shared:14 - proc proc rw
24 28 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=987M
25 24 0:22 / /dev/pts rw shared:3 - devpts devpts rw
26 28 0:23 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,size=201M
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
29 24 0:25 / /dev/shm rw shared:4 - tmpfs tmpfs rw
30 26 0:26 / /run/lock rw shared:6 - tmpfs tmpfs rw,size=5M
31 22 0:27 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw
32 23 0:33 / /proc/sys/fs/binfmt_misc rw shared:11 - autofs systemd-1 rw,fd=29
33 28 254:15 / /boot/efi rw shared:30 - vfat /dev/vda15 rw
34 28 8:0 / /mnt/vol\040one rw shared:31 - xfs /dev/sda rw
35 28 8:0 /pg /var/lib/postgresql rw shared:31 - xfs /dev/sda rw
36 28 7:1 / /snap/core/1 ro shared:32 - squashfs /dev/loop1 ro
37 28 8:16 / /archive ro shared:33 - ext4 /dev/sdb ro
38 28 0:44 / /srv/share rw shared:34 - nfs4 nas:/share rw,hard
39 28 0:45 / /srv/remote rw shared:35 - fuse.sshfs me@far:/ rw,user_id=0,group_id=0,allow_other
40 26 0:46 / /run/user/1000/doc rw shared:36 - fuse.portal portal rw,user_id=1000,group_id=1000
41 28 0:47 / /var/lib/docker/overlay2/a/merged rw - overlay overlay rw,lowerdir=/l,upperdir=/var/lib/docker/overlay2/a/diff
42 28 8:32 / /var/lib/docker/volumes/db/_data rw - ext4 /dev/sdc rw
43 26 0:48 / /run/docker/netns/x rw - nsfs nsfs rw
44 26 8:48 / /run/media/me/STICK rw - vfat /dev/sdd1 rw
45 28 0:49 / /data rw - tmpfs tmpfs rw,size=1024k
46 28 0:50 / /scratch rw - overlay overlay rw,lowerdir=/l,upperdir=/mnt/upper
47 28 0:51 / /var/lib/kubelet/pods/p/volumes/secret rw - tmpfs tmpfs rw
48 28 0:52 /@home /home rw - btrfs /dev/sde rw,subvolid=257
49 28 0:52 /@log /var/log rw - btrfs /dev/sde rw,subvolid=258
50 28 0:53 / /net rw - autofs /etc/auto.net rw
";

fn points(text: &str, named: &[&str], uid: u32) -> Vec<String> {
    watched(&parse(text).unwrap(), named, uid).into_iter().map(|mount| mount.point.clone()).collect()
}

#[test]
fn k14_all_that_can_fill_up_is_watched_once() {
    let others = [
        "/",
        "/boot/efi",
        "/data",
        "/dev/shm",
        "/home",
        "/mnt/vol one",
        "/run",
        "/run/media/me/STICK",
        "/scratch",
        "/srv/remote",
        "/srv/share",
        "/var/lib/docker/volumes/db/_data",
    ];
    assert_eq!(points(SERVER, &[], 0), others);
    // What the registry names comes first, under the mount that holds it, also where it cannot be written to.
    let named =
        points(SERVER, &["/var/log", "/archive/old", "/srv", "/snap/core/1", "/var/lib/postgresql", "/proc/1"], 0);
    assert_eq!(named[..4], ["/var/log", "/archive", "/", "/var/lib/postgresql"]);
    let mut rest: Vec<&str> = others.to_vec();
    rest.retain(|point| !["/", "/home", "/mnt/vol one"].contains(point));
    assert_eq!(named[4..], rest);
    // Whose FUSE it is sees it.
    assert!(!points(SERVER, &[], 1000).iter().any(|point| point.starts_with("/run/user")), "it is below /run");
    let own = SERVER.replace("/run/user/1000/doc", "/mine");
    assert!(points(&own, &[], 1000).contains(&"/mine".to_owned()));
    assert!(!points(&own, &[], 0).contains(&"/mine".to_owned()));
}

#[test]
fn k14_a_mount_that_another_covers_is_not_asked_by_its_path() {
    let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
                2 1 8:2 / /srv rw - ext4 /dev/sda2 rw\n\
                3 2 8:3 / /srv/old rw - ext4 /dev/sda3 rw\n\
                4 2 8:4 / /srv rw - ext4 /dev/sda4 rw\n\
                5 4 8:5 / /srv/new rw - ext4 /dev/sda5 rw\n";
    let devices = |named: &[&str]| -> Vec<String> {
        watched(&parse(text).unwrap(), named, 0).into_iter().map(|mount| mount.device.clone()).collect()
    };
    assert_eq!(devices(&[]), ["8:1", "8:4", "8:5"]);
    assert_eq!(devices(&["/srv/old"]), ["8:4", "8:1", "8:5"]);
}

#[test]
fn a_table_that_is_none_is_an_error_and_no_cut_invents_a_mount() {
    for text in ["", "\n", "what", "1 2 x / / rw - ext4 /dev/sda rw", "1 2 8:1 / relative rw - ext4 /dev/sda rw"] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    let whole = parse(SERVER).unwrap();
    for end in (0..SERVER.len()).filter(|end| SERVER.is_char_boundary(*end)) {
        let Ok(mounts) = parse(&SERVER[..end]) else { continue };
        let known =
            |mount: &Mount| whole.iter().any(|other| other.point == mount.point && other.device == mount.device);
        assert!(mounts.iter().all(known), "cut at {end}");
    }
    assert_eq!(unescaped(r"/a\040b\011c\134d\x\04"), "/a b\tc\\d\\x\\04");
}

/// A mount below one of those before it: which of them, its name, device, kind, and whether it can be written to.
fn tables() -> impl Strategy<Value = Vec<(usize, String, u8, &'static str, bool)>> {
    let kinds = prop_oneof![
        Just("ext4"),
        Just("tmpfs"),
        Just("xfs"),
        Just("squashfs"),
        Just("proc"),
        Just("nfs4"),
        Just("fuse")
    ];
    prop::collection::vec((0..8_usize, "[a-c]{1,2}", 1..6_u8, kinds, any::<bool>()), 0..12)
}

proptest! {
    #[test]
    fn k14_each_file_system_that_can_fill_up_is_watched_exactly_once(table in tables(), named in "/[a-c]{0,2}") {
        let mut points = vec![String::new()];
        let mut text = "1 0 9:9 / / rw - ext4 /dev/root rw\n".to_owned();
        for (index, (parent, name, device, kind, writable)) in table.iter().enumerate() {
            let parent = parent % points.len();
            let point = format!("{}/{name}", points[parent]);
            let flag = if *writable { "rw" } else { "ro" };
            writeln!(text, "{} {} 8:{device} / {point} {flag} - {kind} /dev/x rw", index + 2, parent + 1).unwrap();
            points.push(point);
        }
        let mounts = parse(&text).unwrap();
        let found = watched(&mounts, &[&named], 0);
        let devices: Vec<&str> = found.iter().map(|mount| mount.device.as_str()).collect();
        for (index, device) in devices.iter().enumerate() {
            prop_assert!(!devices[..index].contains(device), "{device} twice\n{text}");
        }
        for mount in visible(&mounts) {
            if mount.matters(0) {
                prop_assert!(devices.contains(&mount.device.as_str()), "{} is not watched\n{text}", mount.point);
            }
        }
        // The path that is asked leads to the mount that is meant.
        for mount in &found {
            let last = mounts.iter().rfind(|other| other.point == mount.point);
            prop_assert_eq!(last.map(|last| &last.device), Some(&mount.device), "{}", text);
        }
        for image in ["squashfs", "proc"] {
            prop_assert!(found.iter().all(|mount| mount.kind != image));
        }
    }
}
