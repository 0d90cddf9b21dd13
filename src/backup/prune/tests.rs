//! Histories in which somebody holds the key of the bucket: the objects there are whatever that person likes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;
use crate::backup::catalogue::Shelf;
use crate::backup::key::Key;
use crate::backup::manifest::{FORM, Manifest};
use crate::backup::record::{Came, Ended, Records};
use crate::backup::sequence;
use crate::registry::DEPLOYMENTS;

const DEPLOYMENT: &str = "prim";
const SIZE: usize = 64;

fn wallet() -> &'static BackupSet {
    DEPLOYMENTS[0].backup("wallet").unwrap()
}

fn is_manifest(path: &str) -> bool {
    matches!(name::parse(path, "wallet", "db"), Some((_, name::Kind::Manifest)))
}

/// What happens.
#[derive(Debug, Clone)]
enum Event {
    /// A run whose copy is proven, so many hours later.
    Good(u8),
    /// A run that leaves a copy without a manifest.
    Failed(u8),
    /// Old copies are pruned, with consent to any number.
    Prune,
    /// What somebody else does to the bucket.
    Attack(Attack, u8, u8),
}

#[derive(Debug, Clone, Copy)]
enum Attack {
    /// A copy and an unsigned manifest, under a name with a great number.
    Invent,
    /// The same, signed with another key.
    Sign,
    /// An object of one byte whose name has the greatest number.
    Plant,
    /// The newest copies are laid under a newer name, with their manifests as they are.
    Replay,
    /// The same, with the manifest changed to fit its name.
    Rename,
    /// Two manifests change their names.
    Swap,
    /// An object is cut.
    Cut,
    /// An object is deleted.
    Delete,
    /// An object is written as it was earlier.
    BringBack,
}

fn event() -> impl Strategy<Value = Event> {
    use Attack::*;
    let attack = prop::sample::select(vec![Invent, Sign, Plant, Replay, Rename, Swap, Cut, Delete, BringBack]);
    prop_oneof![
        5 => (1_u8..60).prop_map(Event::Good),
        1 => (1_u8..60).prop_map(Event::Failed),
        3 => Just(Event::Prune),
        8 => (attack, any::<u8>(), any::<u8>()).prop_map(|(attack, one, other)| Event::Attack(attack, one, other)),
    ]
}

/// A host with its key and its record, and a bucket.
struct World {
    key: Key,
    clock: Timestamp,
    bucket: BTreeMap<String, Vec<u8>>,
    /// All that was ever written there by anybody.
    history: Vec<(String, Vec<u8>)>,
    lines: Vec<BackupLine>,
    /// What this host wrote, by path.
    own: BTreeMap<String, Vec<u8>>,
    last: u64,
}

impl World {
    fn new() -> Self {
        World {
            key: Key::of(1),
            clock: "2026-01-01T03:00:00Z".parse().unwrap(),
            bucket: BTreeMap::new(),
            history: Vec::new(),
            lines: Vec::new(),
            own: BTreeMap::new(),
            last: 0,
        }
    }

    fn write(&mut self, path: String, content: Vec<u8>) {
        self.history.push((path.clone(), content.clone()));
        self.bucket.insert(path, content);
    }

    fn records(&self) -> Records {
        Records::of(self.lines.clone())
    }

    fn listed(&self) -> Vec<Listed> {
        let row = |(path, content): (&String, &Vec<u8>)| Listed { path: path.clone(), bytes: content.len() as u64 };
        self.bucket.iter().map(row).collect()
    }

    fn stock(&self) -> Stock {
        let shelf = Shelf::of(wallet(), &self.listed());
        let read = |id| {
            let text = &self.bucket[&name::manifest("wallet", id)];
            Manifest::read(text, Some(&self.key), DEPLOYMENT, wallet(), id)
        };
        Stock::of(wallet(), shelf, |_| None, read)
    }

    fn run(&mut self, hours: u8, is_good: bool) -> Result<(), TestCaseError> {
        self.clock += i64::from(hours).hours();
        let signed: Vec<u64> = self.stock().signed().collect();
        let recorded = self.records().sequences();
        let sequence = sequence::next(&recorded, &signed).unwrap();
        prop_assert_eq!(sequence, self.last + 1, "the number follows the last own");
        prop_assert_eq!(sequence::gap(&recorded, &signed), None);
        self.last = sequence;
        let id = Id::new(self.clock, sequence, 7);
        self.lines.push(BackupLine::Begun { id, time: self.clock, sets: vec!["wallet".to_owned()] });
        let copy = vec![sequence.to_le_bytes()[0]; SIZE];
        let path = name::copy("wallet", "db", id);
        self.own.insert(path.clone(), copy.clone());
        self.write(path, copy);
        let manifest = manifest(id, "own");
        let came = match is_good {
            true => {
                let (path, text) = (name::manifest("wallet", id), manifest.signed(&self.key).unwrap());
                self.own.insert(path.clone(), text.clone());
                self.write(path, text);
                Came::Proven
            }
            false => Came::Failed("it".to_owned()),
        };
        let (set, rows) = ("wallet".to_owned(), BTreeMap::new());
        self.lines.push(BackupLine::Ended(Ended { id, time: self.clock, set, came, bytes: 0, rows, signed_by: None }));
        Ok(())
    }

    fn attack(&mut self, attack: Attack, one: u8, other: u8) {
        let nth = |paths: Vec<String>, n: u8| (!paths.is_empty()).then(|| paths[usize::from(n) % paths.len()].clone());
        let all: Vec<String> = self.bucket.keys().cloned().collect();
        let manifests: Vec<String> = all.iter().filter(|path| is_manifest(path)).cloned().collect();
        let forged =
            Id::new(self.clock + i64::from(other).hours(), self.last + u64::from(one) * 4_000_000, u32::from(other));
        let (copy, described) = (name::copy("wallet", "db", forged), name::manifest("wallet", forged));
        let id_of = |path: &str| name::parse(path, "wallet", "db").map(|(id, _)| id);
        match attack {
            Attack::Invent => {
                self.write(copy, vec![one; SIZE]);
                self.write(described, serde_json::to_vec_pretty(&manifest(forged, "forged")).unwrap());
            }
            Attack::Sign => {
                self.write(copy, vec![one; SIZE]);
                self.write(described, manifest(forged, "forged").signed(&Key::of(2)).unwrap());
            }
            Attack::Plant => {
                let number =
                    [u64::MAX, u64::MAX - 1, u64::from(u32::MAX), name::LAST, i64::MAX as u64][usize::from(one % 5)];
                self.write(
                    format!("wallet/20260101T030000Z-{number}-ffffffff.{}", ["db", "json"][usize::from(other % 2)]),
                    vec![0],
                );
            }
            Attack::Replay | Attack::Rename => {
                let Some(from) = nth(manifests, one) else { return };
                let text = String::from_utf8_lossy(&self.bucket[&from]).into_owned();
                let text = match (attack, id_of(&from)) {
                    (Attack::Rename, Some(id)) => text.replace(&id.to_string(), &forged.to_string()),
                    _ => text,
                };
                self.write(copy, vec![one; SIZE]);
                self.write(described, text.into_bytes());
            }
            Attack::Swap => {
                let (Some(one), Some(other)) = (nth(manifests.clone(), one), nth(manifests, other)) else { return };
                let (first, second) = (self.bucket[&one].clone(), self.bucket[&other].clone());
                self.write(one, second);
                self.write(other, first);
            }
            Attack::Cut => {
                let Some(path) = nth(all, one) else { return };
                let mut content = self.bucket[&path].clone();
                content.truncate(content.len() * usize::from(other) / 256);
                self.write(path, content);
            }
            Attack::Delete => {
                let Some(path) = nth(all, one) else { return };
                self.bucket.remove(&path);
            }
            Attack::BringBack => {
                if !self.history.is_empty() {
                    let (path, content) = self.history[usize::from(one) * 7 % self.history.len()].clone();
                    self.write(path, content);
                }
            }
        }
    }

    /// Runs whose manifest and copy are there as this host wrote them, as far as their size tells, newest first.
    fn authentic(&self) -> Vec<Id> {
        let is_whole = |path: &String| {
            let id = name::parse(path, "wallet", "db").map(|(id, _)| id)?;
            let copy = self.bucket.get(&name::copy("wallet", "db", id))?;
            (is_manifest(path) && self.bucket.get(path) == self.own.get(path) && copy.len() == SIZE).then_some(id)
        };
        let mut all: Vec<Id> =
            self.bucket.keys().filter(|path| self.own.contains_key(*path)).filter_map(is_whole).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all
    }

    fn prune(&mut self) -> Result<(), TestCaseError> {
        let (stock, records) = (self.stock(), self.records());
        let gap = sequence::gap(&records.sequences(), &stock.signed().collect::<Vec<_>>());
        let planned = |count| plan(std::slice::from_ref(&stock), &records, gap, self.clock, count).remove(0);
        let mut one = planned(None);
        if let Err(Refusal::TooMany(count, _) | Refusal::Apart(count, ..)) = one.decision {
            one = planned(Some(count));
        }
        let Ok(decision) = &one.decision else { return Ok(()) };
        let authentic = self.authentic();
        let must_stay: BTreeSet<Id> = authentic.iter().take(3).copied().collect();
        for id in &decision.outlived {
            prop_assert!(authentic.contains(id) && !must_stay.contains(id), "{} goes", id);
            prop_assert!(
                self.clock.duration_since(id.time) > jiff::SignedDuration::from_hours(24 * 30),
                "{} is young",
                id
            );
        }
        let (manifests, copies) = one.paths();
        for path in manifests.iter().chain(&copies) {
            prop_assert!(self.own.contains_key(path), "{} is not ours", path);
        }
        for id in &decision.leftovers {
            let is_whole = self.own.contains_key(&name::manifest("wallet", *id));
            let is_pruned =
                self.lines.iter().any(|line| matches!(line, BackupLine::Pruned { ids, .. } if ids.contains(id)));
            prop_assert!(!is_whole || is_pruned, "{} was proven, and its manifest was taken away", id);
        }
        if !decision.outlived.is_empty() {
            let ids = decision.outlived.clone();
            self.lines.push(BackupLine::Pruned { time: self.clock, set: "wallet".to_owned(), ids });
        }
        for path in manifests.iter().chain(&copies) {
            self.bucket.remove(path);
        }
        Ok(())
    }
}

fn manifest(id: Id, host: &str) -> Manifest {
    Manifest {
        form: FORM,
        id,
        deployment: DEPLOYMENT.to_owned(),
        set: "wallet".to_owned(),
        host: host.to_owned(),
        object: Some(name::copy("wallet", "db", id)),
        kind: "sqlite".to_owned(),
        source: "/opt/prim/wallet.db".to_owned(),
        begun: id.time,
        proven: id.time,
        bytes: SIZE as u64,
        source_bytes: SIZE as u64,
        sha256: "ab".repeat(32),
        rows: BTreeMap::new(),
        left_out: Vec::new(),
        owner: None,
        revision: None,
        tools: BTreeMap::new(),
    }
}

fn histories() -> u32 {
    std::env::var("OPSCTL_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(histories()))]
    #[test]
    fn whoever_holds_the_key_of_the_bucket_can_delete_and_nothing_else(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        for event in events {
            match event {
                Event::Good(hours) => world.run(hours, true)?,
                Event::Failed(hours) => world.run(hours, false)?,
                Event::Prune => world.prune()?,
                Event::Attack(attack, one, other) => world.attack(attack, one, other),
            }
            let stock = world.stock();
            prop_assert_eq!(stock.newest().map(|backup| backup.id), world.authentic().first().copied());
            let verified: Vec<Id> = stock.backups.iter().filter(|backup| backup.is_verified()).map(|backup| backup.id).collect();
            prop_assert_eq!(&verified, &world.authentic());
            let records = world.records();
            let foreign: BTreeSet<String> = stock.foreign(|id| records.is_known("wallet", id)).into_iter().collect();
            let ids = |path: &String| name::parse(path, "wallet", "db").map(|(id, _)| id);
            let own: BTreeSet<Id> = world.own.keys().filter_map(ids).collect();
            for path in world.bucket.keys() {
                let is_own_name = ids(path).is_some_and(|id| own.contains(&id));
                prop_assert!(is_own_name || foreign.contains(path), "{} is told as foreign", path);
            }
        }
    }
}

/// The object that made the next number wrap to 0.
#[test]
fn the_greatest_number_of_all_steers_nothing() {
    let mut world = World::new();
    world.run(1, true).unwrap();
    for end in ["db", "json"] {
        world.write(format!("wallet/20261122T053000Z-18446744073709551615-ffffffff.{end}"), vec![0]);
        world.write(format!("wallet/20261122T053000Z-999999999-ffffffff.{end}"), vec![0]);
    }
    world.run(1, true).unwrap();
    assert_eq!((world.last, world.stock().newest().unwrap().id.sequence), (2, 2));
    assert_eq!(world.stock().foreign(|id| id.sequence < 3).len(), 4);
}

#[test]
fn numbers_that_do_not_follow_each_other_stop_every_prune() {
    let mut world = World::new();
    for _ in 0..50 {
        world.run(24, true).unwrap();
    }
    let (stock, records) = (world.stock(), world.records());
    let gap = sequence::Gap { before: 50, after: 5000 };
    let plans = plan(&[stock], &records, Some(gap), world.clock, Some(20));
    let refused = plans[0].decision.as_ref().unwrap_err().words();
    assert_eq!(refused, "the numbers of runs jump from 50 to 5000, more than 1000 at once");
}
