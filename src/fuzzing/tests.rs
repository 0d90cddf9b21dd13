//! Drives every target over its corpus and over inputs that are made from it by chance, the same in each run: some hundred a
//! target, or as many as fit in `OPSCTL_FUZZ_SECONDS` for each. `OPSCTL_FUZZ` names one target.
//!
//! `cargo fuzz` sees which parts of the code an input reaches and finds more; it needs a C++ compiler, this needs nothing.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::*;

/// How many inputs are made for a target where no time is given.
const INPUTS: usize = 300;
/// The longest input that is made, bytes.
const LONGEST: usize = 80 << 10;
/// How long one input may take, in a test build on a machine that does other things besides.
const LIMIT: Duration = Duration::from_secs(10);

/// What parsers stumble over.
const TOKENS: &[&[u8]] = &[
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"4294967296",
    b"65536",
    b"-1",
    b"0",
    b"1e308",
    b"NaN",
    b"0.1",
    b"9999-12-31T23:59:59Z",
    b"0000-00-00T00:00:00Z",
    b"null",
    b"\0",
    b"\n",
    b"\r\n",
    b"\n\n",
    b" ",
    b"\t",
    b"=",
    b":",
    b"/",
    b"\\",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b"*",
    b"..",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x80\xae",
    b"\xc2\xa0",
    b"\x1b[31m",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\0\0\0",
];

/// Numbers that look like chance (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(64) + 1)
    }
}

/// Changes an input in one to four places.
fn mutate(input: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len());
        match chance.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
            1 if !bytes.is_empty() => bytes[at] = u8::try_from(chance.below(256)).unwrap(),
            2 => drop(bytes.drain(chance.range(bytes.len()))),
            3 => {
                let range = chance.range(bytes.len());
                let piece = bytes[range].repeat(1 + chance.below(40));
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at),
            5 => {
                let piece = other[chance.range(other.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            6 => {
                // A number becomes another one.
                let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                if let Some(start) = (at..bytes.len()).find(|index| bytes[*index].is_ascii_digit()) {
                    let end = start + digits(start);
                    bytes.splice(start..end, TOKENS[chance.below(11)].iter().copied());
                }
            }
            _ => drop(bytes.splice(at..at, TOKENS[chance.below(TOKENS.len())].iter().copied())),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// The kept inputs of a target, and small ones that every parser should have seen.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = Vec::new();
    for dir in [root.join("fuzz/corpus").join(name), root.join("fuzz/found").join(name)] {
        files.extend(fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()));
    }
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });

/// Tries one input: what was wrong with it, if anything.
fn wrong(target: fn(&[u8]), input: &[u8]) -> Option<String> {
    let begun = Instant::now();
    let ended = panic::catch_unwind(AssertUnwindSafe(|| target(input)));
    match ended {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            Some(text.chars().take(300).collect())
        }
        Ok(()) if begun.elapsed() > LIMIT => Some(format!("took {:.1?}", begun.elapsed())),
        Ok(()) => None,
    }
}

/// Drives a target: the first input of each kind of fault.
fn drive((name, target): Target, now: &Mutex<Vec<u8>>, time: Option<Duration>) -> BTreeMap<String, Vec<u8>> {
    let kept = corpus(name);
    let mut chance = Chance(name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31) ^ u64::from(byte)));
    let mut faults = BTreeMap::new();
    let mut one = |input: Vec<u8>| {
        now.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&input);
        if let Some(fault) = wrong(target, &input) {
            let kind: String = fault.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
            faults.entry(format!("{name}: {kind}")).or_insert(input);
        }
    };
    let small = [&b""[..], b"\n", b"\0", b"{}", b"[]", b"null", b"\xff\xfe"].map(<[u8]>::to_vec);
    kept.iter().cloned().chain(small).for_each(&mut one);
    let begun = Instant::now();
    let mut made = 0;
    while time.map_or(made < INPUTS, |time| begun.elapsed() < time) {
        let (input, other) = (&kept[chance.below(kept.len())], &kept[chance.below(kept.len())]);
        one(mutate(input, other, &mut chance));
        made += 1;
    }
    faults
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let kept: BTreeSet<String> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept, names.iter().map(|name| (*name).to_owned()).collect());
    for name in names {
        assert!(!corpus(name).is_empty(), "{name}");
    }
}

#[test]
fn parsers_of_foreign_text_neither_panic_nor_hang() {
    let seconds = std::env::var("OPSCTL_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let time = seconds.map(Duration::from_secs);
    let only = std::env::var("OPSCTL_FUZZ").ok();
    let targets: Vec<Target> =
        TARGETS.iter().copied().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name)).collect();
    assert!(!targets.is_empty(), "no such target");
    // Its words would be printed with each of the inputs that a fault is found by.
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !QUIET.get() {
            usual(info);
        }
    }));
    let next = Arc::new(AtomicUsize::new(0));
    let (sender, received) = mpsc::channel();
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(4));
    let inputs: Vec<Arc<Mutex<Vec<u8>>>> = (0..threads).map(|_| Arc::default()).collect();
    for input in &inputs {
        let (next, sender, input, targets) = (next.clone(), sender.clone(), input.clone(), targets.clone());
        std::thread::spawn(move || {
            QUIET.set(true);
            while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                sender.send((target.0, drive(*target, &input, time))).unwrap();
            }
        });
    }
    drop(sender);
    let mut left: BTreeSet<&str> = targets.iter().map(|(name, _)| *name).collect();
    let mut faults = BTreeMap::new();
    let patience = time.unwrap_or_default() + 12 * LIMIT;
    while !left.is_empty() {
        let Ok((name, found)) = received.recv_timeout(patience) else {
            let held = inputs.iter().map(|input| input.lock().unwrap_or_else(PoisonError::into_inner).clone());
            let held: Vec<String> = held.map(|input| input.escape_ascii().to_string()).collect();
            panic!("no end, or no driver, of {left:?}, with one of {held:#?}");
        };
        left.remove(name);
        faults.extend(found);
    }
    for (fault, input) in &faults {
        keep(fault, input);
    }
    let told = |(fault, input): (&String, &Vec<u8>)| {
        let shown: String = input.escape_ascii().to_string().chars().take(600).collect();
        format!("{fault}\n    {shown}")
    };
    let told: Vec<String> = faults.iter().map(told).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Keeps an input that a fault was found by, so that it is tried again.
fn keep(fault: &str, input: &[u8]) {
    let name = fault.split_once(':').map_or(fault, |(name, _)| name);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/found").join(name);
    let sum = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let _ = fs::create_dir_all(&dir).and_then(|()| fs::write(dir.join(format!("{sum:016x}")), input));
}
