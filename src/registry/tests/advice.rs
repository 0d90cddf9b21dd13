//! No advice hurts whoever is not meant: it ends nobody else's process, and restores nothing while the data can be read.

use regex::Regex;

use super::*;

/// Words that end what is somebody else's.
const ENDS_OTHERS: &[&str] = &[
    r"(?i)\b(kill|killall|pkill|xkill)\b",
    r"(?i)fuser\b.* -k",
    r"(?i)by its process id",
    r"(?i)\bend(s|ed)? (the|that|this|it|its|those)\b.*\bprocess",
    r"(?i)\b(stop|end) (the other|that program|that process|that one([,.;]|$))",
    r"(?i)\bsystemctl (stop|kill)\b",
    r"(?i)\bdocker (stop|kill|rm)\b",
];
/// Words that put older data in the place of what is there.
const RESTORES: &str = r"(?i)\brestore\b|\brestored\b|pg_restore|mongorestore|unpack the archive";
/// Causes that say that the data cannot be read, or is not there: the code, and why.
const UNREADABLE: &[(&str, &str)] = &[
    ("AI-FSM-DATABASE-DAMAGED", "PostgreSQL says that it cannot read its pages"),
    ("V-EDFINANCE-CORRUPTION", "PostgreSQL says that it cannot read its pages"),
    ("PRIM-MAIL-STORE-DAMAGED", "RocksDB says that its files are damaged"),
    ("PLUGSPACE-MONGODB-DAMAGED", "WiredTiger cannot read its files"),
];

fn words(fix: &Fix) -> String {
    match &fix.remedy {
        Remedy::Manual(words) => format!("{}; {words}", fix.title),
        Remedy::Command(argv) => format!("{}; {}", fix.title, argv.join(" ")),
        _ => fix.title.to_owned(),
    }
}

fn all() -> impl Iterator<Item = (String, &'static Cause, &'static Fix)> {
    let deployments = DEPLOYMENTS.iter().copied().chain([&LOCALHOST]);
    deployments.flat_map(|deployment| {
        let causes = deployment.all_failures().flat_map(Failure::causes);
        causes.flat_map(move |cause| cause.fixes.iter().map(move |fix| (deployment.code(cause), cause, *fix)))
    })
}

#[test]
fn no_fix_ends_a_process_of_others_or_restores_what_can_be_read() {
    let ends: Vec<Regex> = ENDS_OTHERS.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
    let restores = Regex::new(RESTORES).unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (code, _, fix) in all() {
        let words = words(fix);
        seen += 1;
        // A procedure shows what it ends, and ends no other.
        let by_hand = words.replace("opsctl run kill-query", "");
        if ends.iter().any(|pattern| pattern.is_match(&by_hand)) {
            wrong.push(format!("{code} ends what may be another's: {words}"));
        }
        // Reading the list of a dump changes nothing.
        if restores.is_match(&words.replace("pg_restore --list", ""))
            && !UNREADABLE.iter().any(|(known, _)| *known == code)
        {
            wrong.push(format!("{code} restores: {words}"));
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(seen > 500, "{seen}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_patterns_find_such_advice() {
    let ends = |text: &str| ENDS_OTHERS.iter().any(|pattern| Regex::new(pattern).unwrap().is_match(text));
    for text in
        ["end it by its process id", "kill 12", "PM2_HOME=/root/.pm2 pm2 kill", "systemctl stop nginx", "stop that one"]
    {
        assert!(ends(text), "{text}");
    }
    for text in ["a second copy is ended there with Ctrl-C", "see who was killed", "opsctl stop mongodb"] {
        assert!(!ends(text), "{text}");
    }
}

/// What is a configuration, a permission or a missing thing is not mended by a restart alone.
#[test]
fn no_root_cause_in_files_offers_a_restart_by_itself() {
    let in_files = |clue: &Clue| {
        mentions(clue, &|clue| {
            matches!(clue, Clue::Env(_) | Clue::ReloadNeeded | Clue::PortTaken | Clue::RouteElsewhere)
        })
    };
    let mut wrong: Vec<String> = all()
        .filter(|(_, cause, fix)| {
            matches!(fix.remedy, Remedy::Restart | Remedy::Start)
                && cause.depth == Depth::Root
                && in_files(&cause.proof)
        })
        .map(|(code, ..)| code)
        .collect();
    wrong.sort();
    wrong.dedup();
    assert_eq!(wrong, Vec::<String>::new());
}

fn mentions(clue: &Clue, wanted: &dyn Fn(&Clue) -> bool) -> bool {
    match clue {
        Clue::All(parts) | Clue::Any(parts) => parts.iter().any(|part| mentions(part, wanted)),
        Clue::Not(part) | Clue::Of(_, part) => mentions(part, wanted),
        leaf => wanted(leaf),
    }
}

#[test]
fn a_password_file_of_a_probe_is_no_data_of_its_service() {
    // Redis never reads the file from which its password is taken for the probe.
    let redis = plugspace::DEPLOYMENT.services.iter().find(|service| service.name == "redis").unwrap();
    let own: Vec<&str> = redis.own_data().map(|data| data.path).collect();
    assert_eq!(own, ["/var/lib/redis"]);
}
