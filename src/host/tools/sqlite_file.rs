//! An SQLite file by its first bytes (<https://www.sqlite.org/fileformat.html>), and who holds its locks (proc(5), `/proc/locks`).

/// How many bytes the header has.
pub const HEADER: u64 = 100;

/// How such a file begins.
pub const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where SQLite locks in a file: the pending and the reserved byte, then the shared range. They are beyond any content.
const PENDING: u64 = 0x4000_0000;
const LAST: u64 = PENDING + 511;
/// The write lock of a log, in its index beside the file.
const LOG_WRITE: u64 = 120;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// There is none: a file without content, which SQLite takes for a new database.
    Empty,
    /// No database, or an encrypted one.
    Foreign,
    /// A database; whether it is written through a log (WAL).
    Database {
        /// Changes go to a log first, so that the directory must take new files.
        log: bool,
    },
}

/// Understands the first bytes.
pub fn header(bytes: &[u8]) -> Header {
    match bytes {
        [] => Header::Empty,
        _ if bytes.len() >= 20 && bytes.starts_with(MAGIC) => {
            Header::Database { log: bytes[18] == 2 || bytes[19] == 2 }
        }
        _ => Header::Foreign,
    }
}

/// Whether a file that is no database is one that SQLite itself cannot have written: text, or nothing but zeroes. What looks
/// random may be encrypted.
pub fn is_damaged(bytes: &[u8]) -> bool {
    let text = bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    let near = bytes.len() >= 16 && bytes[..16].iter().zip(MAGIC).filter(|(one, other)| one == other).count() >= 8;
    // The page size is a power of two and its fractions are fixed: bytes 21 to 23.
    let rest = bytes.len() >= 24 && bytes[21..24] == [64, 32, 32];
    bytes.iter().all(|byte| *byte == 0) || text || near || rest
}

/// A lock of the kernel that keeps others from writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteLock {
    /// Process that holds it; negative or 0 where it is of another namespace.
    pub pid: i64,
    /// Inode of the file.
    pub inode: u64,
    /// It is that of a log's index.
    pub log: bool,
}

/// The write locks of SQLite among all locks. Lines that wait (`->`) hold nothing.
pub fn write_locks(text: &str) -> Vec<WriteLock> {
    let one = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "POSIX" | "OFDLCK", _, "WRITE", pid, file, start, end] = words.as_slice() else { return None };
        let inode = file.rsplit(':').next()?.parse().ok()?;
        let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
        let log = start <= LOG_WRITE && (LOG_WRITE..128).contains(&end);
        (log || (PENDING..=LAST).contains(&start)).then_some(WriteLock { pid: pid.parse().ok()?, inode, log })
    };
    text.lines().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let mut good = [0_u8; 100];
        good[..16].copy_from_slice(MAGIC);
        (good[18], good[19]) = (1, 1);
        assert_eq!(header(&good), Header::Database { log: false });
        (good[18], good[19]) = (2, 2);
        assert_eq!(header(&good), Header::Database { log: true });
        assert_eq!(header(b""), Header::Empty);
        for cut in 1..20 {
            assert_eq!(header(&good[..cut]), Header::Foreign, "{cut}");
        }
    }

    #[test]
    fn an_encrypted_file_is_not_called_damaged() {
        let random: Vec<u8> = (0..100_u8).map(|n| n.wrapping_mul(73) | 0x80).collect();
        assert_eq!(header(&random), Header::Foreign);
        assert!(!is_damaged(&random));
        assert!(is_damaged(&[0; 100]) && is_damaged(b"<html>404</html>\n") && is_damaged(b"SQLite format 9\0xxxxxxxx"));
    }

    #[test]
    fn locks() {
        let text = "1: POSIX  ADVISORY  READ  400 08:01:77 1073741826 1073742335\n\
                    2: POSIX  ADVISORY  WRITE 401 08:01:78 1073741825 1073741825\n\
                    2: -> POSIX  ADVISORY  WRITE 402 08:01:78 1073741824 1073741824\n\
                    3: POSIX  ADVISORY  WRITE 403 00:2d:79 120 120\n\
                    4: FLOCK  ADVISORY  WRITE 404 00:19:80 0 EOF\n\
                    5: POSIX  ADVISORY  WRITE 405 00:19:81 0 EOF\n\
                    6: POSIX  ADVISORY  WRITE 406 00:19:82 124 124\n";
        let found: Vec<(i64, u64, bool)> = write_locks(text).into_iter().map(|l| (l.pid, l.inode, l.log)).collect();
        assert_eq!(found, [(401, 78, false), (403, 79, true)]);
        assert!(write_locks("").is_empty() && write_locks("x\n1: POSIX\n").is_empty());
    }
}
