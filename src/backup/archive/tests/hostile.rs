//! Archives that nobody made with us.

use tar::{Builder, EntryType, Header};

use super::*;

/// One entry, as it stands in a header.
struct Entry<'a>(&'a [u8], EntryType, u32, &'a [u8], &'a [u8]);

fn directory(name: &str) -> Entry<'_> {
    Entry(name.as_bytes(), EntryType::Directory, 0o755, b"", b"")
}

fn file(name: &str) -> Entry<'_> {
    Entry(name.as_bytes(), EntryType::Regular, 0o644, b"", b"evil")
}

fn link<'a>(name: &'a str, target: &'a str) -> Entry<'a> {
    Entry(name.as_bytes(), EntryType::Symlink, 0o777, target.as_bytes(), b"")
}

/// An archive with names as they are given, which the crate would not write.
fn crafted(entries: &[Entry<'_>], to: &Path) {
    let mut builder = Builder::new(zstd::Encoder::new(File::create(to).unwrap(), 3).unwrap());
    for Entry(name, kind, mode, target, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(*mode);
        header.set_uid(u64::from(rustix::process::geteuid().as_raw()));
        header.set_gid(u64::from(rustix::process::getegid().as_raw()));
        header.set_mtime(1_000_000_000);
        header.set_size(content.len() as u64);
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
}

#[test]
fn f8_what_would_leave_its_place_is_refused() {
    let scratch = Scratch::new();
    let outside = scratch.at("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), b"whole").unwrap();
    let out = outside.to_str().unwrap();
    let above = format!("{out}/planted");
    let long = "x".repeat(300).into_bytes();
    let cases: Vec<(&str, Vec<Entry<'_>>)> = vec![
        ("/srv/../x: it is not a valid name", vec![directory("srv"), file("srv/../x")]),
        ("/../x: it is not a valid name", vec![file("../x")]),
        ("it is not a valid name", vec![file(&above)]),
        ("it is not a valid name", vec![directory("srv"), file("srv//x")]),
        ("it is not a valid name", vec![directory("srv"), file("srv/./x")]),
        ("it is not a valid name", vec![directory("srv/")]),
        ("/: it is not a valid name", vec![file("")]),
        ("/etc/passwd: it is outside of the set", vec![directory("srv"), file("etc/passwd")]),
        ("/srvx: it is outside of the set", vec![file("srvx")]),
        ("/srv/l/x: its directory is not in the archive", vec![directory("srv"), link("srv/l", out), file("srv/l/x")]),
        ("/srv/x: its directory is not in the archive", vec![link("srv", out), file("srv/x")]),
        ("/srv/l: it cannot be staged: File exists", vec![directory("srv"), link("srv/l", out), directory("srv/l")]),
        ("/srv/l: it cannot be staged: File exists", vec![directory("srv"), link("srv/l", &above), file("srv/l")]),
        ("/srv/a: it cannot be staged: File exists", vec![directory("srv"), file("srv/a"), file("srv/a")]),
        ("/srv/a: it cannot be staged: File exists", vec![directory("srv"), file("srv/a"), link("srv/a", out)]),
        ("/srv/d: it cannot be staged: File exists", vec![directory("srv"), directory("srv/d"), directory("srv/d")]),
        ("/srv: it occurs twice", vec![directory("srv"), directory("srv")]),
        (
            "/srv/d/x: its directory is not in the archive",
            vec![directory("srv"), directory("srv/d"), file("srv/e"), file("srv/d/x")],
        ),
        ("/srv/a/b: its directory is not in the archive", vec![directory("srv"), file("srv/a/b")]),
        ("/srv/l: it is a link without a target", vec![directory("srv"), link("srv/l", "")]),
        (
            "/srv/h: it is a hard link",
            vec![directory("srv"), Entry(b"srv/h", EntryType::Link, 0o644, b"srv/../../outside/file", b"")],
        ),
        ("/srv/d: it is a device", vec![directory("srv"), Entry(b"srv/d", EntryType::Char, 0o666, b"", b"")]),
        ("/srv/d: it is a device", vec![directory("srv"), Entry(b"srv/d", EntryType::Block, 0o666, b"", b"")]),
        ("/srv/f: it is a FIFO", vec![directory("srv"), Entry(b"srv/f", EntryType::Fifo, 0o666, b"", b"")]),
        (
            "/srv/s: it is set-user-id or set-group-id",
            vec![directory("srv"), Entry(b"srv/s", EntryType::Regular, 0o4755, b"", b"evil")],
        ),
        (
            "/srv/s: it is set-user-id or set-group-id",
            vec![directory("srv"), Entry(b"srv/s", EntryType::Regular, 0o2755, b"", b"evil")],
        ),
        (
            "which archives of opsctl do not contain",
            vec![directory("srv"), Entry(b"srv/s", EntryType::GNUSparse, 0o755, b"", b"")],
        ),
        (
            "which archives of opsctl do not contain",
            vec![directory("srv"), Entry(b"srv/s", EntryType::XHeader, 0o755, b"", b"a=b")],
        ),
        (
            "which archives of opsctl do not contain",
            vec![directory("srv"), Entry(b"srv/s", EntryType::Continuous, 0o755, b"", b"")],
        ),
        (
            "it is incomplete: it ends with a name",
            vec![directory("srv"), Entry(b"x", EntryType::GNULongName, 0, b"", b"a\0")],
        ),
        ("an unterminated name", vec![Entry(b"x", EntryType::GNULongName, 0, b"", &long)]),
        (
            "/srv/../x: it is not a valid name",
            vec![directory("srv"), Entry(b"x", EntryType::GNULongName, 0, b"", b"srv/../x\0"), file("srv/x")],
        ),
        ("it is empty", vec![]),
    ];
    let count = cases.len();
    for (at, (told, entries)) in cases.into_iter().enumerate() {
        let archive = scratch.at("hostile");
        crafted(&entries, &archive);
        let scratched = unpack(&archive, &["/srv"], Lay::Scratch(&scratch.empty("into"))).unwrap_err();
        assert!(scratched.contains(told), "{at}: {told}: {scratched}");
        // Where it is laid beside the live data, nothing stays.
        let beside = scratch.empty("beside").join("new");
        let lay = Lay::Beside { root: "/srv", at: &beside };
        assert!(unpack(&archive, &["/srv"], lay).unwrap_err().contains(told), "{at}: {told}");
        assert!(beside.symlink_metadata().is_err(), "{at}: {told}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{at}: {told}");
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"whole");
        assert!(!scratch.at("x").exists() && !scratch.at("into/x").exists());
    }
    assert_eq!(count, 33);
    // The crafted ones fail because of what is crafted: without that they are laid.
    crafted(
        &[directory("srv"), file("srv/a"), directory("srv/d"), file("srv/d/x"), link("srv/l", out)],
        &scratch.at("good"),
    );
    let found = unpack(&scratch.at("good"), &["/srv"], Lay::Scratch(&scratch.empty("into"))).unwrap();
    assert_eq!(found["/srv"], 3);
}

#[test]
fn a_name_that_never_ends_is_not_read() {
    let scratch = Scratch::new();
    let name = vec![b'n'; 1 << 20];
    crafted(&[Entry(b"x", EntryType::GNULongName, 0, b"", &name), file("srv")], &scratch.at("hostile"));
    let told = unpack(&scratch.at("hostile"), &["/srv"], Lay::Scratch(&scratch.empty("into"))).unwrap_err();
    assert_eq!(told, "it contains a name that is too long");
}
