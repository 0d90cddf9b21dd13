//! Env files, made up: the same ones every time. Some are settings that every program can read, in all the ways in which they may
//! be written; some are nonsense.

/// Numbers that look random and are not (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % bound
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// What values are made of. Every word is longer than what is too short to be a secret.
const WORDS: &[&str] =
    &["dummy-pa55", "w0rd-77x", "Zq81mfHn", "s3cr3t.k", "Xk29fjA0", "d1e2f3a4", "qu1ck+br0wn", "0x00c0ffee"];
/// What stands between them.
const BETWEEN: &[&str] = &[
    "", "-", " ", "  ", "\t", "=", ":", "#", " #", " # ", "\\", "\\\\", "\\$", "$$", "\\n", "\\t", "\\0101", "\\x41",
    "\\\"", "\\'", "'", "\"", "`", "!", "%40", "&", "|", ";", "~", "*", "é", "日本", "{", "}", "@", "/", ",", "\\ ",
    "\\;", "\\q", "()",
];

fn words(dice: &mut Dice, without: &[char]) -> String {
    let mut text = String::new();
    for at in 0..=dice.below(3) {
        if at > 0 {
            text.extend(dice.one(BETWEEN).chars().filter(|c| !without.contains(c)));
        }
        text.push_str(dice.one(WORDS));
    }
    text
}

/// A value as it is written, which nobody refuses.
fn value(dice: &mut Dice, before: &str) -> String {
    match dice.below(22) {
        0..=3 => words(dice, &['$', '"', '\'', '\\', '`', '#']),
        4 | 5 => words(dice, &['$']),
        6 | 7 => format!("\"{}\"", words(dice, &['"', '\\', '$'])),
        8 => format!("'{}'", words(dice, &['\'', '\\'])),
        9 => format!("\"{}\\$\\$word-77\"", dice.one(WORDS)),
        10 => format!("\"{}\"", words(dice, &['"', '\\', '$']).replace(' ', "\n")),
        11 => format!("\"{}\nand {}\n\"", dice.one(WORDS), words(dice, &['"', '\\', '$'])),
        12 => format!("'{}\n{}'", dice.one(WORDS), words(dice, &['\'', '\\'])),
        13 => format!("{} # why {}", words(dice, &['$', '"', '\'', '#']), dice.one(WORDS)),
        14 => format!("\"{}\" # {}", words(dice, &['"', '\\', '$']), dice.one(WORDS)),
        15 => format!("{}\"{}\"{}", dice.one(WORDS), dice.one(WORDS), dice.one(WORDS)),
        16 => format!("\"{}\\\"{}\\\\{}\"", dice.one(WORDS), dice.one(WORDS), dice.one(WORDS)),
        17 => format!("{}$${}", dice.one(WORDS), dice.one(WORDS)),
        18 => format!("{}${{{before}}}x${{{before}:-{}}}${before}", dice.one(WORDS), dice.one(WORDS)),
        19 => format!("\"{}\\\n{}\"", dice.one(WORDS), dice.one(WORDS)),
        20 => format!(" \t{}  \t", words(dice, &['$', '"', '\'', '#', '\\'])),
        _ => String::new(),
    }
}

/// A file of settings.
fn settings(dice: &mut Dice, file: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut before = String::from("NOTHING_BEFORE");
    text.push_str("NOTHING_BEFORE=x1\n");
    for line in 0..45 {
        let name =
            format!("K{file}_{line}_{}", dice.one(&["SECRET", "API_KEY", "PASSWORD", "TOKEN", "DB_URL", "PORT"]));
        let end = dice.one(&["\n", "\n", "\n", "\n", "\r\n"]);
        let written = value(dice, &before);
        let line = match dice.below(16) {
            0 => format!("# {name}={written}").replace('\n', " "),
            1 => format!("export {name}={written}"),
            2 => format!("  {name} = {written}"),
            3 => format!("{name}=first-{}{end}{name}={written}", dice.one(WORDS)),
            4 => format!("\t{name}\t={written}"),
            5 => format!("{end}{name}={written}"),
            _ => format!("{name}={written}"),
        };
        text.push_str(&line);
        text.push_str(end);
        before = name;
    }
    text.into_bytes()
}

/// What nonsense is made of.
const PIECES: &[&[u8]] = &[
    b"A=",
    b"B=",
    b"C_TOKEN=",
    b"export D=",
    b"E: ",
    b"F",
    b"=",
    b"\"",
    b"'",
    b"`",
    b"\\",
    b"\\\n",
    b"\n",
    b"\n",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b" ",
    b"\t",
    b"#",
    b" #",
    b";",
    b"$A",
    b"${A}",
    b"${B:-x}",
    b"${C_TOKEN-${A}}",
    b"${A:+alt}",
    b"${A?no}",
    b"${",
    b"$$",
    b"\\$",
    b"}",
    b"dummy-pa55",
    b"w0rd-77x",
    b"value",
    b"x",
    b"1",
    b"-",
    b".",
    b"[0]",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\x01",
    b"\x7f",
    b"\x1b[1m",
    b"# comment\\\n",
    b"G=\"two\nlines\"\n",
    b"H='a'b\"c\"\n",
    b"export I\n",
    b"J=$A$B\n",
    b"\\n",
    b"\\0101",
    b"\\x41",
    b"\xc2\xa0",
    b"0K=1\n",
];

/// A file of nonsense.
fn nonsense(dice: &mut Dice) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..3 + dice.below(24) {
        text.extend_from_slice(dice.one(PIECES));
    }
    text
}

/// A few settings whose values are nonsense.
fn odd(dice: &mut Dice) -> Vec<u8> {
    let mut text = Vec::new();
    for line in 0..=dice.below(4) {
        text.extend_from_slice(dice.one(&["A", "B", "C_TOKEN", "export D", " E ", "F"]).as_bytes());
        text.extend_from_slice(dice.one(&["=", "=", "=", ": ", "= "]).as_bytes());
        for _ in 0..dice.below(5) {
            text.extend_from_slice(dice.one(PIECES));
        }
        if line < 3 || dice.below(2) == 0 {
            text.push(b'\n');
        }
    }
    text
}

/// Those that anybody would think of first.
pub const FIRST: &[&str] = &[
    "export PORT=3001\nA=1\n",
    "A=first\\\nsecond\nB=2\n",
    "A=1\nA=2\n",
    "A=abc\"def\"ghi\nB=\"abc\"def\nC='a'b'c'\n",
    "PRIM_INTERNAL_KEY=\"dummy-pa\\$\\$word-77\"\n",
    "A=\"one\ntwo\nPORT=3001\n\"\nB=1\n",
    "# why\\\nPORT=3001\nB=1\n",
    "A=value # comment\nB=value#none\nC=\"value # none\" # comment\n",
    "; A=1\n#B=2\nC=3",
    "\u{feff}A=1\nB=2\n",
    "A=\nB=\"\"\nC=''\nD= \n",
    "A=$$b\nB=${A}c\nC='${A}'\nD=\"\\$A\"\nE=\\$A\n",
    "A = 1\nB= 2\nC =3\n",
    "A=1\r\nB=\"2\"\r\nC='3\r\n4'\r\n",
    "A=-----BEGIN\\nKEY-----\nB=\"-----BEGIN\\nKEY-----\"\n",
    "A='it''s'\nB=\"it\"\"s\"\nC=it\\'s\n",
    "A=`date`\nB=$(date)\n",
    "1A=1\nA-B=2\nA.B=3\nA B=4\n",
    "A",
    "A=\"open\nB=1\n",
    "A=1\nA=\u{1}\n",
    "A=tab\tin\nB=\"\u{1b}[1mbold\"\n",
    "A=\"\\a\\b\\f\\v\\c\\e\\0\\01\\012\\0123\\0377\\0400\"\n",
    "A=${B:-${C:-deep}}\nB=${A:+yes}\nC=${A+yes}${B-no}\n",
    "A=${MISSING?it must be there}\n",
    "A=1\nexport\nB=2\n",
    "export A=1\nexport\tB=2\nexport  C = 3\n",
    "A:1\nB: 2\nC : 3\n",
];

/// The files, in their order.
pub fn files() -> Vec<Vec<u8>> {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut all: Vec<Vec<u8>> = FIRST.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.extend((0..48).map(|file| settings(&mut dice, file)));
    all.extend((0..100).map(|_| odd(&mut dice)));
    all.extend((0..60).map(|_| nonsense(&mut dice)));
    all
}
