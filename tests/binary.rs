//! The binary as the kernel sees it: where it can be loaded, what of it can be written or run, which C library it needs.
//!
//! Without more it is the test build's; `./check` names the release build in `OPSCTL_BINARY`, `./release.sh` another bound
//! of the C library in `OPSCTL_GLIBC`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The C parts; each is built into an archive of its own.
const C_PARTS: [&str; 3] = ["libsqlite3-sys", "zstd-sys", "ring"];

/// What a protected function calls when its return address was overwritten.
const GUARD: &str = "__stack_chk_fail";

fn path() -> PathBuf {
    std::env::var_os("OPSCTL_BINARY").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_opsctl")), PathBuf::from)
}

/// A 64-bit little-endian ELF file.
struct Elf(Vec<u8>);

/// One entry of the table that says what is loaded, and how.
struct Segment {
    kind: u32,
    flags: u32,
    offset: usize,
    address: u64,
    size: usize,
}

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const STACK: u32 = 0x6474_e551;
const RELRO: u32 = 0x6474_e552;

impl Elf {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(bytes[..6], [0x7f, b'E', b'L', b'F', 2, 1], "{} is a 64-bit little-endian ELF file", path.display());
        Elf(bytes)
    }

    fn number(&self, offset: usize, length: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(&self.0[offset..offset + length]);
        u64::from_le_bytes(bytes)
    }

    fn size(&self, offset: usize, length: usize) -> usize {
        usize::try_from(self.number(offset, length)).unwrap()
    }

    fn half(&self, offset: usize) -> u32 {
        u32::try_from(self.number(offset, 4)).unwrap()
    }

    fn segments(&self) -> Vec<Segment> {
        let (table, entry, count) = (self.size(32, 8), self.size(54, 2), self.size(56, 2));
        let read = |at: usize| Segment {
            kind: self.half(at),
            flags: self.half(at + 4),
            offset: self.size(at + 8, 8),
            address: self.number(at + 16, 8),
            size: self.size(at + 32, 8),
        };
        (0..count).map(|index| read(table + index * entry)).collect()
    }

    fn segment(&self, kind: u32) -> Option<Segment> {
        self.segments().into_iter().find(|segment| segment.kind == kind)
    }

    /// What the dynamic linker is told: the value of each tag, the last one where there are several.
    fn dynamic(&self) -> BTreeMap<u64, u64> {
        let table = self.segment(DYNAMIC).expect("is dynamically linked");
        let entries = (table.offset..table.offset + table.size).step_by(16);
        entries.map(|at| (self.number(at, 8), self.number(at + 8, 8))).take_while(|(tag, _)| *tag != 0).collect()
    }

    /// The names of all that is dynamically linked, and of its versions.
    fn names(&self) -> Vec<String> {
        const STRING_TABLE: u64 = 5;
        const STRING_SIZE: u64 = 10;
        let (address, size) = (self.dynamic()[&STRING_TABLE], usize::try_from(self.dynamic()[&STRING_SIZE]).unwrap());
        let holds = |segment: &Segment| {
            segment.kind == LOAD && (segment.address..segment.address + segment.size as u64).contains(&address)
        };
        let segment = self.segments().into_iter().find(holds).unwrap();
        let start = segment.offset + usize::try_from(address - segment.address).unwrap();
        let table = &self.0[start..start + size];
        table.split(|byte| *byte == 0).map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }
}

#[test]
fn can_be_loaded_anywhere() {
    const SHARED_OBJECT: u64 = 3;
    const FLAGS_1: u64 = 0x6fff_fffb;
    const PIE: u64 = 0x0800_0000;
    let elf = Elf::read(&path());
    assert_eq!(elf.number(16, 2), SHARED_OBJECT, "the file has no fixed address");
    assert_ne!(elf.dynamic().get(&FLAGS_1).unwrap_or(&0) & PIE, 0, "the file is a program, no library");
}

#[test]
fn nothing_that_is_linked_can_be_changed_later() {
    const FLAGS: u64 = 30;
    const FLAGS_1: u64 = 0x6fff_fffb;
    const TEXT_RELOCATIONS: u64 = 22;
    let elf = Elf::read(&path());
    assert!(elf.segment(RELRO).is_some_and(|segment| segment.size > 0), "the table of addresses becomes read-only");
    let dynamic = elf.dynamic();
    let now = dynamic.get(&FLAGS).unwrap_or(&0) & 8 != 0 || dynamic.get(&FLAGS_1).unwrap_or(&0) & 1 != 0;
    assert!(now, "all addresses are found at the start (BIND_NOW)");
    assert!(!dynamic.contains_key(&TEXT_RELOCATIONS), "no code is changed at the start");
}

#[test]
fn nothing_can_be_both_written_and_run() {
    let elf = Elf::read(&path());
    let stack = elf.segment(STACK).expect("the file says what its stack is");
    assert_eq!(stack.flags & 1, 0, "the stack is not executable");
    let loaded: Vec<u32> = elf.segments().iter().filter(|one| one.kind == LOAD).map(|one| one.flags & 7).collect();
    assert!(loaded.contains(&5), "code is there: {loaded:?}");
    assert!(loaded.iter().all(|flags| flags & 3 != 3), "{loaded:?}");
}

/// The directories of build scripts' results, the newest of each package.
fn archives() -> BTreeMap<&'static str, Vec<PathBuf>> {
    let builds = path().parent().unwrap().join("build");
    let mut newest: BTreeMap<&str, (SystemTime, Vec<PathBuf>)> = BTreeMap::new();
    for entry in fs::read_dir(&builds).unwrap_or_else(|error| panic!("{}: {error}", builds.display())) {
        let entry = entry.unwrap().path();
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        let part = C_PARTS.into_iter().find(|part| name.rsplit_once('-').is_some_and(|(name, _)| name == *part));
        let (Some(part), Ok(made)) = (part, fs::read_dir(entry.join("out"))) else { continue };
        let made = made.map(|file| file.unwrap().path());
        let made: Vec<PathBuf> = made.filter(|file| file.extension().is_some_and(|end| end == "a")).collect();
        let Some(time) = made.iter().map(|file| file.metadata().unwrap().modified().unwrap()).max() else { continue };
        if newest.get(part).is_none_or(|(other, _)| *other < time) {
            newest.insert(part, (time, made));
        }
    }
    newest.into_iter().map(|(part, (_, made))| (part, made)).collect()
}

#[test]
fn c_code_notices_overwritten_return_addresses() {
    let elf = Elf::read(&path());
    assert!(elf.names().iter().any(|name| name == GUARD), "the binary has functions with a stack protector");
    let archives = archives();
    assert_eq!(archives.keys().copied().collect::<Vec<_>>(), ["libsqlite3-sys", "ring", "zstd-sys"]);
    for (part, files) in archives {
        let guarded = |file: &PathBuf| memchr::memmem::find(&fs::read(file).unwrap(), GUARD.as_bytes()).is_some();
        assert!(files.iter().any(guarded), "{part} is built without -fstack-protector-strong: {files:?}");
    }
}

#[test]
fn the_c_library_may_be_as_old_as_stated() {
    let bound = std::env::var("OPSCTL_GLIBC").unwrap_or_else(|_| "2.34".to_owned());
    let version = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect() };
    let names = Elf::read(&path()).names();
    let needed: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("GLIBC_")).collect();
    let newest = needed.iter().max_by_key(|text| version(text)).expect("the C library's symbols have versions");
    assert!(version(newest) <= version(&bound), "needs glibc {newest}, and {bound} is stated");
    println!("{}: {} bytes, needs glibc {newest}", path().display(), fs::metadata(path()).unwrap().len());
}
