//! The tools that unpack old logs, and by what the packed content is known: names of files say what somebody called them.

use super::{Argv, Input};

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip, and the older compress, which its tool reads as well.
    Gzip,
    /// xz, and the older lzma, which its tool reads as well.
    Xz,
    /// Zstandard.
    Zstd,
    /// bzip2.
    Bzip2,
    /// LZ4 frames.
    Lz4,
}

/// So many bytes of a file tell how it is packed.
pub const HEAD: usize = 8;

const MAGIC: &[(&[u8], Packing)] = &[
    (b"\x1f\x8b", Packing::Gzip),
    (b"\x1f\x9d", Packing::Gzip),
    (b"\xfd7zXZ\0", Packing::Xz),
    (b"\x5d\0\0", Packing::Xz),
    (b"\x28\xb5\x2f\xfd", Packing::Zstd),
    (b"BZh", Packing::Bzip2),
    (b"\x04\x22\x4d\x18", Packing::Lz4),
];

/// How archives of several files begin, which are no logs.
const ARCHIVES: &[&[u8]] = &[b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c"];

/// How packed files are called beyond the name that they had.
pub const EXTENSIONS: [&str; 8] = [".gz", ".xz", ".zst", ".bz2", ".lz4", ".Z", ".lzma", ".zip"];

/// How the file that begins with these bytes is packed; `None` where it is not.
pub fn packing(head: &[u8]) -> Option<Packing> {
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, packing)| *packing)
}

/// Whether the file that begins with these bytes is an archive, of which no tool makes one text.
pub fn is_archive(head: &[u8]) -> bool {
    ARCHIVES.iter().any(|magic| head.starts_with(magic))
}

/// Unpacks what it reads. What a header asks for in memory is bounded.
pub fn unpack(packing: Packing, input: Input) -> Argv {
    let (program, args): (&'static str, &[&str]) = match packing {
        Packing::Gzip => ("gzip", &["-dc"]),
        Packing::Xz => ("xz", &["-dc", "--memlimit-decompress=256MiB"]),
        Packing::Zstd => ("zstd", &["-dcq", "--memory=256MB"]),
        Packing::Bzip2 => ("bzip2", &["-dc"]),
        Packing::Lz4 => ("lz4", &["-dcq"]),
    };
    Argv { input: Some(input), ..Argv::new(program, args.iter().copied()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b20_content_tells_how_it_is_packed_and_text_never_does() {
        for (magic, packed) in MAGIC {
            assert_eq!(packing(&[magic, b"more".as_slice()].concat()), Some(*packed));
            for end in 0..magic.len() {
                assert_eq!(packing(&magic[..end]), None, "{magic:?} cut at {end}");
            }
        }
        for text in ["", "2026-11-22 05:00:00 hello", "{\"level\":\"info\"}", "PK is a name", "BZ", "\u{feff}x"] {
            assert_eq!(packing(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn b20_archives_are_no_logs() {
        assert!(is_archive(b"PK\x03\x04more") && !is_archive(b"PK is a name") && packing(b"PK\x03\x04more").is_none());
    }

    #[test]
    fn each_is_unpacked_from_what_is_handed_over() {
        let input = || Input::bytes("/var/log/x.log.2", "");
        let argv = unpack(Packing::Xz, input()).to_string();
        assert_eq!(argv, "xz -dc --memlimit-decompress=256MiB < /var/log/x.log.2");
    }
}
