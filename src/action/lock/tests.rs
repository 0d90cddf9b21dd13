use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Barrier, Mutex};

use super::*;
use crate::registry::LOCALHOST;

/// A root with nothing in it but what the kernel says of this process.
fn root(name: &str) -> (System, PathBuf) {
    let dir = std::env::temp_dir().join(format!("opsctl-lock-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let pid = std::process::id();
    std::fs::create_dir_all(dir.join(format!("proc/{pid}"))).unwrap();
    std::fs::create_dir_all(dir.join("run")).unwrap();
    std::fs::copy("/proc/self/stat", dir.join(format!("proc/{pid}/stat"))).unwrap();
    (System { root: dir.clone(), ..System::real() }, dir)
}

/// What somebody noted who is gone.
fn leave_unfinished(system: &System) {
    let note = Note {
        what: "restart ghost".to_owned(),
        who: "nobody".to_owned(),
        since: system.now(),
        pid: 4_194_305,
        pid_started: 7,
        step: None,
        by_hand: false,
    };
    let text = serde_json::to_vec(&note).unwrap();
    std::fs::write(system.path(&path(&LOCALHOST)), text).unwrap();
}

#[test]
fn losers_of_the_same_moment_are_told_who_holds_it() {
    const AT_ONCE: usize = 20;
    let (system, dir) = root("moment");
    let (start, end) = (Barrier::new(AT_ONCE), Barrier::new(AT_ONCE));
    let rounds: Vec<Mutex<(BTreeSet<String>, Vec<String>)>> = (0..50).map(|_| Mutex::default()).collect();
    thread::scope(|scope| {
        for racer in 0..AT_ONCE {
            let (system, start, end, rounds) = (&system, &start, &end, &rounds);
            scope.spawn(move || {
                for (round, told) in rounds.iter().enumerate() {
                    if racer == 0 && round % 2 == 1 {
                        leave_unfinished(system);
                    }
                    start.wait();
                    let what = format!("restart {round}-{racer}");
                    let taken = take(system, &LOCALHOST, &what, "ann", Duration::ZERO);
                    match &taken {
                        Ok(_) => drop(told.lock().unwrap().0.insert(what)),
                        Err(error) => told.lock().unwrap().1.push(error.message.clone()),
                    }
                    // Nobody gives it back before all have been told.
                    end.wait();
                    if let Ok((lock, _)) = taken {
                        lock.finish();
                    }
                }
            });
        }
    });
    for told in rounds {
        let (winners, losers) = told.into_inner().unwrap();
        assert_eq!((winners.len(), losers.len()), (1, AT_ONCE - 1), "{winners:?} {losers:?}");
        let winner = winners.first().unwrap();
        let pid = std::process::id();
        for message in losers {
            let (before, after) = (format!("is locked by {winner} (ann) since 2"), format!(", process {pid}; "));
            assert!(message.contains(&before) && message.contains(&after), "{winner}: {message}");
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_holder_that_never_notes_who_it_is_is_waited_for_a_moment_only() {
    let (system, dir) = root("mute");
    let open = || open(&system, &path(&LOCALHOST)).unwrap();
    let held = open();
    held.try_lock().unwrap();
    leave_unfinished(&system);
    let begun = Instant::now();
    for result in [
        take(&system, &LOCALHOST, "restart site", "ann", Duration::ZERO).map(drop),
        release(&system, &LOCALHOST, |_| Ok(())).map(drop),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.code, crate::error::Code::Locked);
        assert!(error.message.contains("by another run"), "{}", error.message);
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    // One that ends meanwhile gives way.
    let (taken, unfinished) = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            drop(held);
        });
        take(&system, &LOCALHOST, "restart site", "ann", Duration::ZERO).unwrap()
    });
    assert_eq!(unfinished.unwrap().what, "restart ghost");
    taken.finish();
    std::fs::remove_dir_all(dir).unwrap();
}
