//! A text is read in the ways in which people may read it.

use super::*;

fn read(text: &str) -> Vec<String> {
    views(text).iter().map(|view| view.text.to_string()).collect()
}

#[test]
fn a_text_is_read_as_it_is_shown() {
    for (text, wanted) in [
        ("plain", &["plain"][..]),
        ("a\u{1b}[31mb\u{1b}[0m", &["a\u{1b}[31mb\u{1b}[0m", "ab"]),
        ("a\u{1b}]8;;http://x\u{1b}\\b\u{1b}]0;t\u{7}c", &["a\u{1b}]8;;http://x\u{1b}\\b\u{1b}]0;t\u{7}c", "abc"]),
        ("a\u{9b}1;2Hb\u{200b}c\u{feff}d\re", &["a\u{9b}1;2Hb\u{200b}c\u{feff}d\re", "abcde"]),
        ("x\u{8}y", &["x\u{8}y", "xy", "y"]),
        ("a\n  b", &["a\n  b", "ab"]),
        ("a%41%c3%a9", &["a%41%c3%a9", "aA\u{e9}"]),
        (r"\u0041\/\\\u00e9\ud83d\ude00", &[r"\u0041\/\\\u00e9\ud83d\ude00", "A/\u{e9}\u{1f600}"]),
        (r"\x41\101&#65;&#x41;&amp;\u{41}", &[r"\x41\101&#65;&#x41;&amp;\u{41}", "AAAA&A"]),
        (r"h\x9b31mi", &[r"h\x9b31mi", "h\u{9b}31mi", "hi"]),
        ("50% off & more;", &["50% off & more;"]),
    ] {
        let found = read(text);
        let found: Vec<&str> = found.iter().map(String::as_str).filter(|view| !view.is_empty()).collect();
        for view in wanted {
            assert!(found.contains(view), "{text:?}: {found:?} lacks {view:?}");
        }
        assert_eq!(found[0], text);
    }
    assert_eq!(read("plain").len(), 1);
}

#[test]
fn what_is_found_in_a_view_is_found_in_the_text() {
    let text = "x \u{1b}[1mhun\u{1b}[0mter y";
    let view = visible(text);
    let at = view.text.find("hunter").unwrap();
    assert_eq!(&text[view.origin(at..at + 6)], "hun\u{1b}[0mter");
    let text = r"a\u0041%42c";
    let views = views(text);
    let at = views[1].text.find("AB").unwrap();
    assert_eq!(&text[views[1].origin(at..at + 2)], r"\u0041%42");
}
