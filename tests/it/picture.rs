//! The picture in README.md: what `opsctl demo` shows on a terminal of eighty columns, as SVG, on a light and on a dark ground.
//! `SNAPSHOTS=overwrite` draws it anew.

use std::fmt::Write;
use std::path::Path;

use crate::machine::Machine;
use crate::terminal::on_columns;
use crate::transcript::same_as_file;

const COLUMNS: usize = 80;
/// Width of a character and height of a line, pixels.
const CELL: (f64, f64) = (8.4, 18.0);
/// Space around the text and for the bar above it.
const MARGIN: (f64, f64) = (14.0, 44.0);

/// Colours of a ground.
struct Theme {
    name: &'static str,
    ground: &'static str,
    bar: &'static str,
    text: &'static str,
    dim: &'static str,
    /// Of `ESC [ 30 m` to `ESC [ 37 m`.
    colours: [&'static str; 8],
}

const THEMES: [Theme; 2] = [
    Theme {
        name: "light",
        ground: "#ffffff",
        bar: "#d8dee4",
        text: "#1f2328",
        dim: "#656d76",
        colours: ["#24292f", "#c1121f", "#116329", "#855900", "#0550ae", "#8250df", "#0f6b76", "#6e7781"],
    },
    Theme {
        name: "dark",
        ground: "#0d1117",
        bar: "#30363d",
        text: "#e6edf3",
        dim: "#8b949e",
        colours: ["#6e7681", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#c9d1d9"],
    },
];

/// How a character is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Style {
    bold: bool,
    dim: bool,
    colour: Option<usize>,
}

/// Rows of runs of the same style, each with the column at which it begins: what a terminal makes of that text.
fn rows(text: &str) -> Vec<Vec<(usize, Style, String)>> {
    let mut rows: Vec<Vec<(usize, Style, String)>> = vec![Vec::new()];
    let (mut style, mut column) = (Style::default(), 0);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                let codes: String = rest.by_ref().skip(1).take_while(|c| *c != 'm').collect();
                for code in codes.split(';') {
                    match code.parse().unwrap_or(0) {
                        0 => style = Style::default(),
                        1 => style.bold = true,
                        2 => style.dim = true,
                        22 => (style.bold, style.dim) = (false, false),
                        39 => style.colour = None,
                        colour @ 30..=37 => style.colour = Some(colour - 30),
                        other => panic!("the picture does not know ESC [ {other} m"),
                    }
                }
            }
            '\r' => {}
            '\n' => {
                rows.push(Vec::new());
                column = 0;
            }
            c => {
                assert!(!c.is_control(), "the picture does not know {c:?}");
                if column == COLUMNS {
                    rows.push(Vec::new());
                    column = 0;
                }
                let row = rows.last_mut().unwrap();
                match row.last_mut() {
                    Some((_, last, text)) if *last == style => text.push(c),
                    _ => row.push((column, style, c.to_string())),
                }
                column += 1;
            }
        }
    }
    while rows.last().is_some_and(Vec::is_empty) {
        rows.pop();
    }
    rows
}

/// A count in a drawing.
fn px(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn draw(text: &str, theme: &Theme) -> String {
    let rows = rows(text);
    let width = MARGIN.0.mul_add(2.0, CELL.0 * px(COLUMNS));
    let height = CELL.1.mul_add(px(rows.len()), MARGIN.1 + MARGIN.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"opsctl demo on a terminal\">\n\
         <rect x=\".5\" y=\".5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"8\" fill=\"{}\" stroke=\"{}\"/>\n",
        width - 1.0,
        height - 1.0,
        theme.ground,
        theme.bar,
    );
    for x in [20, 40, 60] {
        writeln!(svg, "<circle cx=\"{x}\" cy=\"18\" r=\"6\" fill=\"{}\"/>", theme.bar).unwrap();
    }
    writeln!(
        svg,
        "<g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" \
         fill=\"{}\" xml:space=\"preserve\">",
        theme.text
    )
    .unwrap();
    for (number, row) in rows.iter().enumerate() {
        let y = CELL.1.mul_add(px(number), MARGIN.1 + 8.0);
        for (column, style, text) in row.iter().filter(|(_, _, text)| !text.trim().is_empty()) {
            // A browser may not keep blanks at the beginning.
            let blank = text.len() - text.trim_start().len();
            let text = text.trim();
            let x = CELL.0.mul_add(px(column + blank), MARGIN.0);
            let fill = match (style.colour, style.dim) {
                (Some(colour), _) => format!(" fill=\"{}\"", theme.colours[colour]),
                (None, true) => format!(" fill=\"{}\"", theme.dim),
                (None, false) => String::new(),
            };
            let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
            let length = CELL.0 * px(text.chars().count());
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.0}\" textLength=\"{length:.1}\"{fill}{weight}>{text}</text>")
                .unwrap();
        }
    }
    svg + "</g>\n</svg>\n"
}

#[test]
fn the_picture_is_what_a_terminal_shows() {
    let machine = Machine::new();
    let mut session = String::new();
    for view in [&["status", "wallet", "store"] as &[&str], &["diagnose"]] {
        let mut command = machine.command([&["demo"], view, &["--color", "always"]].concat());
        command.env("TERM", "xterm-256color");
        let shown = on_columns(u16::try_from(COLUMNS).unwrap(), &command, "");
        write!(session, "\x1b[1m$ opsctl demo {}\x1b[0m\n{shown}\n", view.join(" ")).unwrap();
    }
    for theme in &THEMES {
        same_as_file(&draw(&session, theme), &Path::new("docs").join(format!("picture-{}.svg", theme.name)));
    }
}
