//! Archives that were whole once: cut short, with other bits, with more at their end. And how much memory a large one takes.

use super::*;

/// The same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

fn whole(scratch: &Scratch) -> Vec<u8> {
    let mut numbers = Numbers(7);
    for at in 0..5 {
        let noise: Vec<u8> = (0..300 * at).map(|_| u8::try_from(numbers.below(256)).unwrap()).collect();
        scratch.file(&format!("/srv/app/d{at}/noise"), &noise);
        scratch.file(&format!("/srv/app/d{at}/text"), "DATABASE_URL=postgres://\n".repeat(at * 9).as_bytes());
    }
    symlink("d1/noise", scratch.live("/srv/app/link")).unwrap();
    let (packed, told) = scratch.pack(&["/srv/app"], &[]);
    assert_eq!(told, Vec::<String>::new());
    fs::read(packed).unwrap()
}

fn lay(scratch: &Scratch, bytes: &[u8]) -> Result<BTreeMap<String, u64>, String> {
    fs::write(scratch.at("damaged"), bytes).unwrap();
    unpack(&scratch.at("damaged"), &["/srv/app"], Lay::Scratch(&scratch.empty("into")))
}

#[test]
fn an_archive_that_is_cut_short_or_goes_on_is_found() {
    let scratch = Scratch::new();
    let whole = whole(&scratch);
    assert!(lay(&scratch, &whole).is_ok());
    for cut in 0..whole.len() {
        assert!(lay(&scratch, &whole[..cut]).is_err(), "{cut} of {}", whole.len());
    }
    for more in [&b"\0"[..], b"x", &whole] {
        let told = lay(&scratch, &[&whole[..], more].concat()).unwrap_err();
        assert_eq!(told, "it has data after its end");
    }
}

#[test]
fn two_thousand_wrong_bits_never_make_another_tree() {
    let scratch = Scratch::new();
    let whole = whole(&scratch);
    assert!(lay(&scratch, &whole).is_ok());
    let live = tree(&scratch.live("/srv/app"));
    let mut numbers = Numbers(2026);
    let mut harmless = 0;
    for _ in 0..2000 {
        let (at, bit) = (numbers.below(whole.len()), numbers.below(8));
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << bit;
        if lay(&scratch, &damaged).is_ok() {
            // A bit that means nothing: only the hash of the file tells it.
            assert_eq!(tree(&scratch.at("into/srv/app")), live, "byte {at}, bit {bit}");
            harmless += 1;
        }
    }
    assert!(harmless < 20, "{harmless} of 2000 went unseen");
}

/// The most memory that this process has had, KiB.
fn most() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// By itself, because other tests take memory, too: `cargo test --lib -- --ignored a_large_tree`.
#[test]
#[ignore = "takes a minute and 700 MB of disk, and must be alone"]
fn a_large_tree_takes_little_memory() {
    let scratch = Scratch::new();
    let mut numbers = Numbers(300);
    let noise: Vec<u8> = (0..1 << 20).map(|_| u8::try_from(numbers.below(256)).unwrap()).collect();
    let file = File::create(scratch.file("/srv/app/big", b"")).unwrap();
    for at in 0..260_u64 {
        std::os::unix::fs::FileExt::write_all_at(&file, &noise, at << 20).unwrap();
    }
    for at in 0..20_000 {
        scratch.file(&format!("/srv/app/{}/{at}", at % 40), &noise[at..at + 2048]);
    }
    drop(noise);
    let before = most();
    let (packed, told) = scratch.pack(&["/srv/app"], &[]);
    assert_eq!(told, Vec::<String>::new());
    let found = unpack(&packed, &["/srv/app"], Lay::Scratch(&scratch.empty("into"))).unwrap();
    assert_eq!(found["/srv/app"], 20_001);
    let more = most() - before;
    assert!(most() < 32 << 10, "{} KiB, {more} KiB of them for this", most());
}
