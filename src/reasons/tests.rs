//! Lines of runs that failed, of many runtimes, and lines of programs that are healthy.

use std::collections::BTreeSet;

use super::*;

const FAILING: &str = include_str!("samples/failing.txt");

/// Lines of programs while nothing was wrong with them: start, work, stop and start again.
const HEALTHY: &[(&str, &str)] = &[
    ("caddy", include_str!("samples/healthy/caddy.txt")),
    ("docker", include_str!("samples/healthy/docker.txt")),
    ("nginx", include_str!("samples/healthy/nginx.txt")),
    ("node", include_str!("samples/healthy/node.txt")),
    ("postgres", include_str!("samples/healthy/postgres.txt")),
    ("redis", include_str!("samples/healthy/redis.txt")),
    ("sshd", include_str!("samples/healthy/sshd.txt")),
    ("systemd", include_str!("samples/healthy/systemd.txt")),
];

/// As the reader is given them: on one line, and cut.
fn shortened(line: &str) -> String {
    let line = line.trim_end();
    line[..line.floor_char_boundary(200)].to_owned()
}

#[test]
fn the_reason_and_its_thing_are_read_from_the_last_lines_of_many_runtimes() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    let mut families = BTreeSet::new();
    for case in FAILING.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let parts: Vec<&str> = case.splitn(3, '\t').collect();
        let [family, thing, text] = parts[..] else { panic!("no case: {case}") };
        count += 1;
        families.insert(family.to_owned());
        let found = read(text.split("\\n"));
        let told = found.map(|r| (format!("{:?}", r.family), r.thing));
        let wanted = (family.to_owned(), (thing != "-").then(|| thing.to_owned()));
        let same = told.as_ref().is_some_and(|(family, thing)| {
            *family == wanted.0
                && thing.as_ref().map(|t| t.to_lowercase()) == wanted.1.as_ref().map(|t| t.to_lowercase())
        });
        if !same {
            wrong.push(format!("{text}\n  wanted {wanted:?}\n  found {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 200, "{count}");
    let missing: Vec<Family> = Family::all().filter(|family| !families.contains(&format!("{family:?}"))).collect();
    assert!(missing.is_empty(), "families without a case: {missing:?}");
}

#[test]
fn healthy_logs_give_no_reason_wherever_they_are_looked_at() {
    let mut wrong = Vec::new();
    for (program, text) in HEALTHY {
        let lines: Vec<String> = text.lines().map(shortened).collect();
        assert!(lines.len() >= 1000, "{program}: {}", lines.len());
        for (index, line) in lines.iter().enumerate() {
            if let Some(reason) = read([line.as_str()]) {
                wrong.push(format!("{program}:{}: {:?}: {line}", index + 1, reason.family));
            }
        }
        for (at, window) in lines.chunks(60).enumerate() {
            if let Some(reason) = read(window.iter().map(String::as_str)) {
                wrong.push(format!("{program}, part {at}: {reason:?}"));
            }
        }
    }
    wrong.truncate(40);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
