//! PURE. Reasons that programs give in their last lines: who could not do what to which thing. Lines in, the reason that decides
//! out; `rules/` is how programs word them, and [`Family`] what they mean.

mod rules;
#[cfg(test)]
mod tests;

use crate::registry::Family;
use rules::Weight;

/// How many lines after it still belong to a reason that ends a program: stack traces, and what systemd says of the end.
const FATAL_WITHIN: usize = 60;
/// The same of one that may have passed: what comes after it shows that the program went on.
const PASSING_WITHIN: usize = 6;
/// How far before a line the place may be named that it complains of.
const HINT_WITHIN: usize = 12;
/// How far behind a complaint of code the place may be named: runtimes write it on the next line.
const PLACE_WITHIN: usize = 2;
/// How far apart lines of one kind may be of which only one names the thing: a stack trace lies between them.
const ALIKE_WITHIN: usize = 40;
/// Longest thing that is quoted, bytes.
const LONGEST: usize = 200;

/// Why a program failed, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What kind of reason.
    pub family: Family,
    /// What it is about: a path, `HOST:PORT`, a role, `FILE:LINE`, a setting. On one line, at most 200 bytes.
    pub thing: Option<String>,
    /// The line that says so.
    pub line: usize,
    /// The line before or behind it that names the thing, where it does not itself.
    pub names: Option<usize>,
}

impl Reason {
    /// The thing, or what stands for one that is not named.
    pub fn about(&self) -> &str {
        self.thing.as_deref().unwrap_or(self.family.unnamed())
    }

    /// The port at its end, where it is an address.
    pub fn port(&self) -> Option<u16> {
        self.thing.as_deref().and_then(port_of)
    }

    /// The thing where it is an absolute path; of `FILE:LINE` the file.
    pub fn path(&self) -> Option<&str> {
        let thing = self.thing.as_deref()?;
        let path = match thing.rsplit_once(':') {
            Some((path, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => path,
            _ => thing,
        };
        let is_plain = path.starts_with('/') && path.len() > 1 && !path.contains(char::is_whitespace);
        (is_plain && !path.starts_with("/proc/")).then_some(path)
    }

    /// In a sentence without its subject: `cannot find /srv/app/run`.
    pub fn words(&self) -> String {
        self.family.phrase().replace("{thing}", self.about())
    }
}

/// The port at the end of an address.
pub fn port_of(thing: &str) -> Option<u16> {
    thing.rsplit_once(':')?.1.parse().ok().filter(|port| *port > 0)
}

/// Something that a line says.
struct Hit {
    reason: Reason,
    weight: Weight,
}

/// The reason that decides, out of lines of one run and what its manager said of it, oldest first; none where no line gives one that
/// still holds at the end.
pub fn read<'l>(lines: impl IntoIterator<Item = &'l str>) -> Option<Reason> {
    let lines: Vec<&str> = lines.into_iter().collect();
    let run = &lines[last_attempt(&lines)..];
    let before = lines.len() - run.len();
    let hits = hits(run);
    // How many lines of the program come after each.
    let after = |index: usize| run[index + 1..].iter().filter(|line| counts(line)).count();
    let fresh = |hit: &&Hit| {
        let most = if hit.weight == Weight::Passing { PASSING_WITHIN } else { FATAL_WITHIN };
        after(hit.reason.line) <= most
    };
    let hits: Vec<&Hit> = hits.iter().filter(fresh).collect();
    let rank = |hit: &Hit| match (hit.weight, hit.reason.family.is_an_end()) {
        (Weight::Fatal, false) => 4,
        (Weight::Fatal, true) => 3,
        (Weight::Passing, false) => 2,
        (Weight::Vague, _) => 1,
        (Weight::Passing, true) => 0,
    };
    // The last of the gravest.
    let best = hits.iter().max_by_key(|hit| (rank(hit), hit.reason.line))?;
    let mut reason = best.reason.clone();
    if reason.thing.is_none() {
        // Another line of the same kind, near by, may name it.
        let alike = hits.iter().filter(|hit| hit.reason.family == reason.family && hit.reason.thing.is_some());
        let nearest = alike.min_by_key(|hit| hit.reason.line.abs_diff(reason.line));
        if let Some(other) = nearest.filter(|hit| hit.reason.line.abs_diff(reason.line) <= ALIKE_WITHIN) {
            reason = other.reason.clone();
        }
    }
    reason.line += before;
    reason.names = reason.names.map(|line| line + before);
    Some(reason)
}

fn hits(run: &[&str]) -> Vec<Hit> {
    let mut found = Vec::new();
    let mut place: Option<(usize, String)> = None;
    for (line, text) in run.iter().enumerate() {
        if let Some(said) = rules::say(text) {
            let hinted = || {
                let (at, hint) = place.as_ref().filter(|_| said.thing.is_none())?;
                let fits = matches!(
                    said.family,
                    Family::SyntaxError
                        | Family::SettingUnknown
                        | Family::SettingInvalid
                        | Family::FileMissing
                        | Family::PermissionDenied
                );
                (fits && line - at <= HINT_WITHIN).then(|| (*at, hint.clone()))
            };
            let behind = || {
                let is_code = said.thing.is_none() && said.family == Family::SyntaxError;
                let next = run.iter().enumerate().skip(line + 1).take(PLACE_WITHIN).filter(|_| is_code);
                next.into_iter().find_map(|(at, text)| Some((at, rules::hint(text)?)))
            };
            let hinted = hinted().or_else(behind);
            let names = hinted.as_ref().map(|(at, _)| *at);
            let thing = said.thing.or(hinted.map(|(_, hint)| hint));
            let thing = thing.map(|thing| tidy(&thing)).filter(|thing| !thing.is_empty());
            found.push(Hit { reason: Reason { family: said.family, thing, line, names }, weight: said.weight });
        }
        if let Some(hint) = rules::hint(text) {
            place = Some((line, hint));
        }
    }
    found
}

/// A thing on one line, without quotes and what ends a sentence.
fn tidy(thing: &str) -> String {
    let plain: String = thing.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut plain = plain.trim().trim_end_matches([',', ';', '.', ':']);
    for quote in ['\'', '`', '"'] {
        let inner = plain.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        plain = inner.filter(|inner| !inner.contains(quote)).unwrap_or(plain);
    }
    // `:::3000` is every address, as `*:3000` is.
    let plain = match plain.strip_prefix(":::") {
        Some(port) => format!(":{port}"),
        None => plain.to_owned(),
    };
    plain[..plain.floor_char_boundary(LONGEST)].trim().to_owned()
}

/// What systemd writes when it starts a unit again by itself.
const AGAIN: &str = "Scheduled restart job, restart counter is at";
/// What it writes when a process of it ended.
const ENDS: &[&str] = &[
    "Main process exited",
    "Control process exited",
    "Failed with result",
    "Failed to load environment files",
    "Failed to run 'start' task",
    "Deactivated successfully",
];

/// What it writes when it does not try again.
const REFUSED: &str = "Start request repeated";

/// Where the last attempt begins that came to an end; what one says that has only begun is not known yet.
fn last_attempt(lines: &[&str]) -> usize {
    let starts: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.contains(AGAIN)).map(|(index, _)| index).collect();
    let ended = |from: usize, to: usize| lines[from..to].iter().any(|line| ENDS.iter().any(|end| line.contains(end)));
    let mut to = lines.len();
    for start in starts.into_iter().rev() {
        // One that was refused for want of tries began nothing.
        let was_refused = lines[start..to].iter().any(|line| line.contains(REFUSED));
        if ended(start, to) && !was_refused {
            return start;
        }
        to = start;
    }
    0
}

/// Whether a line is the program's own, and more than a part of a stack trace or what systemd says of the end.
fn counts(line: &str) -> bool {
    let text = line.trim_start();
    let is_frame = text.starts_with("at ")
        || text.starts_with("File \"")
        || text.starts_with("Node.js v")
        || text.starts_with("goroutine ")
        || text.len() < 3
        || line.starts_with(char::is_whitespace);
    let managers = ["Scheduled restart", "Started ", "Starting ", "Stopped ", "Stopping ", "Failed to start "];
    !is_frame
        && !managers.iter().any(|word| text.contains(word))
        && !ENDS.iter().any(|end| text.contains(end))
        && !text.contains("Consumed ")
        && !text.contains(REFUSED)
}

/// The indices of the last lines that are the program's own; of a run that has none, its last lines.
pub fn last_lines(lines: &[&str], most: usize) -> Vec<usize> {
    let own: Vec<usize> = lines.iter().enumerate().filter(|(_, line)| counts(line)).map(|(index, _)| index).collect();
    let all: Vec<usize> = if own.is_empty() { (0..lines.len()).collect() } else { own };
    all[all.len().saturating_sub(most)..].to_vec()
}
