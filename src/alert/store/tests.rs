use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::registry::DEPLOYMENTS;

fn system(name: &str) -> (System, std::path::PathBuf) {
    let root = std::env::temp_dir().join(format!("opsctl-check-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    for directory in ["var/lib", "run"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    (System { root: root.clone(), ..System::real() }, root)
}

fn record(seconds: u64) -> Record {
    let moment = Moment { time: jiff::Timestamp::UNIX_EPOCH, boot: "b".to_owned(), uptime_seconds: seconds };
    Record { checked: vec![moment], ..Record::default() }
}

#[test]
fn what_was_written_last_is_read_and_a_slot_that_is_cut_anywhere_leaves_the_one_before() {
    let (system, root) = system("cut");
    let deployment = DEPLOYMENTS[0];
    assert_eq!(read(&system, deployment).unwrap(), Record::default());
    let mut known = record(1);
    for seconds in 1..5 {
        known.checked = record(seconds).checked;
        write(&system, deployment, &mut known).unwrap();
        assert_eq!(read(&system, deployment).unwrap(), known);
    }
    let slots: Vec<_> = (0..2).map(|slot| root.join(format!("var/lib/opsctl/check/prim/state.{slot}"))).collect();
    let newest = slots.iter().max_by_key(|path| parse(&fs::read(path).unwrap()).unwrap().sequence).unwrap();
    let whole = fs::read(newest).unwrap();
    let length = whole.iter().rposition(|byte| *byte == b'}').unwrap();
    for cut in 0..=length {
        // What a write that was killed leaves: its beginning, and behind it what was there.
        let mut torn = whole.clone();
        torn[cut] ^= 1;
        fs::write(newest, &torn).unwrap();
        assert_eq!(read(&system, deployment).unwrap().checked, record(3).checked, "{cut}");
        fs::write(newest, &whole[..cut]).unwrap();
        assert_eq!(read(&system, deployment).unwrap().checked, record(3).checked, "{cut}");
    }
    let mode = fs::metadata(newest).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_thousand_documents_take_the_same_room() {
    let (system, root) = system("size");
    let deployment = DEPLOYMENTS[0];
    let mut known = record(1);
    let size = || {
        let files = fs::read_dir(root.join("var/lib/opsctl/check/prim")).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>()
    };
    write(&system, deployment, &mut known).unwrap();
    write(&system, deployment, &mut known).unwrap();
    let before = size();
    for seconds in 0..1000 {
        known.note_check(&record(seconds).checked[0], false);
        write(&system, deployment, &mut known).unwrap();
    }
    assert_eq!(size(), before);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn where_nothing_can_be_kept_on_disk_it_is_kept_in_memory_and_the_newer_one_counts() {
    let (system, root) = system("full");
    let deployment = DEPLOYMENTS[0];
    let mut known = record(1);
    write(&system, deployment, &mut known).unwrap();
    // What cannot be written, also by root.
    let directory = root.join("var/lib/opsctl/check/prim");
    let kept = root.join("kept");
    fs::rename(&directory, &kept).unwrap();
    fs::write(&directory, "").unwrap();
    known.checked = record(2).checked;
    write(&system, deployment, &mut known).unwrap();
    assert_eq!(read(&system, deployment).unwrap_or_default().checked, record(2).checked);
    fs::remove_file(&directory).unwrap();
    fs::rename(&kept, &directory).unwrap();
    assert_eq!(read(&system, deployment).unwrap().checked, record(2).checked);
    known.checked = record(3).checked;
    write(&system, deployment, &mut known).unwrap();
    assert_eq!(read(&system, deployment).unwrap().checked, record(3).checked);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn checks_that_come_regularly_and_stop_are_known() {
    let mut known = Record::default();
    for minute in [0, 60, 121, 180] {
        known.note_check(&record(minute).checked[0], false);
    }
    let after = |seconds: u64| known.stopped_seconds(&record(180 + seconds).checked[0]);
    assert_eq!((known.interval_seconds(), after(180), after(300)), (Some(61), None, Some(300)));
    let mut by_hand = Record::default();
    for minute in [0, 60, 9000, 9100] {
        by_hand.note_check(&record(minute).checked[0], false);
    }
    assert_eq!(by_hand.interval_seconds(), None);
    let mut tried = Record::default();
    for seconds in 0..6 {
        tried.note_check(&record(seconds).checked[0], true);
    }
    assert_eq!((tried.interval_seconds(), tried.last), (None, Some(record(5).checked[0].clone())));
}

#[test]
fn a_record_that_could_not_be_read_again_is_not_written() {
    let (system, root) = system("long");
    let deployment = DEPLOYMENTS[0];
    let mut known = record(1);
    write(&system, deployment, &mut known).unwrap();
    let before = read(&system, deployment).unwrap();
    let words = "x".repeat(usize::try_from(LONGEST).unwrap());
    known.drift = Some(Drift { at: known.checked[0].clone(), mismatches: vec![("host".to_owned(), words)] });
    assert!(write(&system, deployment, &mut known).unwrap_err().to_string().contains("too long"));
    assert_eq!(read(&system, deployment).unwrap(), before);
    fs::remove_dir_all(root).unwrap();
}
