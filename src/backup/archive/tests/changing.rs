//! Files that become others while they are read.

use std::io::Read;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::backup::archive::pack::Exactly;

fn read(path: &Path, change: impl FnOnce()) -> (Vec<u8>, Option<String>) {
    let file = File::open(path).unwrap();
    let before = rustix::fs::fstat(&file).unwrap();
    let mut exactly = Exactly::new(file, &before);
    let mut content = vec![0; 4];
    exactly.read_exact(&mut content).unwrap();
    change();
    exactly.read_to_end(&mut content).unwrap();
    (content, exactly.trouble(&before))
}

fn read_empty(path: &Path) -> (Vec<u8>, Option<String>) {
    let file = File::open(path).unwrap();
    let before = rustix::fs::fstat(&file).unwrap();
    assert_eq!(before.st_size, 0);
    let mut exactly = Exactly::new(file, &before);
    let mut content = Vec::new();
    exactly.read_to_end(&mut content).unwrap();
    (content, exactly.trouble(&before))
}

#[test]
fn f6_a_file_has_as_many_bytes_as_its_header_says() {
    let scratch = Scratch::new();
    let path = scratch.file("/srv/log", b"");
    let told = Some("it changed while it was read".to_owned());
    let set = |content: &[u8]| fs::write(&path, content).unwrap();
    set(b"twelve bytes");
    assert_eq!(read(&path, || ()), (b"twelve bytes".to_vec(), None));
    // Gone by name is still there for whoever has it open.
    assert_eq!(read(&path, || fs::remove_file(&path).unwrap()), (b"twelve bytes".to_vec(), None));
    set(b"twelve bytes");
    assert_eq!(read(&path, || set(b"short")), (b"twelt\0\0\0\0\0\0\0".to_vec(), told.clone()));
    set(b"twelve bytes");
    assert_eq!(read(&path, || set(b"twelve bytes and more")), (b"twelve bytes".to_vec(), told.clone()));
    set(b"twelve bytes");
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(read(&path, || set(b"other  bytes")), (b"twelr  bytes".to_vec(), told.clone()));
    // It says that it is empty, and has something to say.
    assert_eq!(read_empty(Path::new("/proc/self/status")), (Vec::new(), told));
}

#[test]
fn f6_an_archive_is_whole_whatever_happens_meanwhile() {
    let scratch = Scratch::new();
    let stop = AtomicBool::new(false);
    for at in 0..40 {
        scratch.file(&format!("/srv/app/{at}"), &vec![b'x'; at * 2000]);
    }
    scratch.file("/srv/app/steady", b"steady");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0_usize;
            while !stop.load(Ordering::Relaxed) {
                turn += 1;
                let path = scratch.live(&format!("/srv/app/{}", turn * 7 % 40));
                match turn % 5 {
                    0 => drop(fs::remove_file(&path)),
                    1 => {
                        let _ = fs::remove_file(&path);
                        let _ = mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0);
                    }
                    2 => {
                        let _ = fs::remove_file(&path);
                        let _ = symlink("/etc/passwd", &path);
                    }
                    _ => {
                        let _ = fs::remove_file(&path);
                        let _ = fs::write(&path, vec![b'y'; turn % 90_000]);
                    }
                }
            }
        });
        let mut told = 0;
        for _ in 0..150 {
            let (packed, left) = scratch.pack(&["/srv/app"], &[]);
            told += left.len();
            for line in &left {
                let known = ["a FIFO", "it was removed meanwhile", "it changed while it was read"];
                assert!(known.iter().any(|why| line.ends_with(why)), "{line}");
            }
            let into = scratch.empty("into");
            let found = unpack(&packed, &["/srv/app"], Lay::Scratch(&into)).unwrap();
            assert!(found["/srv/app"] >= 1);
            assert_eq!(fs::read(into.join("srv/app/steady")).unwrap(), b"steady");
        }
        stop.store(true, Ordering::Relaxed);
        assert!(told > 50, "nothing changed meanwhile: {told}");
    });
}
