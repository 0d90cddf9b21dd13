//! A tar archive, as far as a stream of regular files needs it: the ustar format of POSIX
//! (<https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html>).

/// What everything is a multiple of.
const BLOCK: usize = 512;

/// A file as it stands in an archive. The name must not be longer than 100 bytes; what is beyond is cut off.
pub fn file(name: &str, seconds: i64, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; BLOCK];
    let end = (0..=name.len().min(100)).rfind(|end| name.is_char_boundary(*end)).unwrap_or_default();
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &name[..end]);
    // Readable by its owner alone, who is root.
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, &format!("{:011o}\0", seconds.max(0)));
    // The sum of a header is taken with blanks in its own place.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    put(265, "root");
    put(297, "root");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut whole = header.to_vec();
    whole.extend_from_slice(content);
    whole.resize(whole.len().next_multiple_of(BLOCK), 0);
    whole
}

/// What ends an archive.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_header_and_whole_blocks() {
        let whole = file("a/b.json", 1_795_325_400, b"{}\n");
        assert_eq!(whole.len(), 1024);
        assert_eq!(&whole[..9], b"a/b.json\0");
        assert_eq!(&whole[124..136], b"00000000003\0");
        assert_eq!(&whole[136..148], b"15300476730\0");
        assert_eq!(&whole[257..265], b"ustar\x0000");
        let stated = u32::from_str_radix(std::str::from_utf8(&whole[148..154]).unwrap(), 8).unwrap();
        let blank: u32 = (0..8).map(|_| u32::from(b' ')).sum();
        let others = whole[..512].iter().enumerate().filter(|(at, _)| !(148..156).contains(at));
        assert_eq!(stated, blank + others.map(|(_, byte)| u32::from(*byte)).sum::<u32>());
        assert_eq!(&whole[512..515], b"{}\n");
        assert_eq!(file("x", 0, b"").len(), 512);
        assert_eq!(file(&"ä".repeat(80), 0, &[7; 512]).len(), 1024);
    }
}
