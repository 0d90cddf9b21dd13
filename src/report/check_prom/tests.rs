//! What Prometheus reads, of checks that are made up.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::report::check_nagios::tests::{check, service};

/// Every line as the format has it: families one after the other, each with its help and type, no series twice.
fn parsed(text: &str) -> Result<Vec<(String, String)>, String> {
    let series = regex::Regex::new(
        r#"^([a-z_]+)\{([a-z]+="(?:[^"\\]|\\\\|\\"|\\n)*"(?:,[a-z]+="(?:[^"\\]|\\\\|\\"|\\n)*")*)\} (-?[0-9]+(?:\.[0-9]+)?)$"#,
    )
    .unwrap();
    let (mut families, mut current, mut seen, mut found) =
        (BTreeSet::new(), String::new(), BTreeSet::new(), Vec::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').ok_or("no help")?;
            if !families.insert(name.to_owned()) || words.is_empty() {
                return Err(format!("{name} is there twice, or has no help"));
            }
            name.clone_into(&mut current);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').ok_or("no type")?;
            let is_counter = name.ends_with("_total");
            if name != current || kind != if is_counter { "counter" } else { "gauge" } {
                return Err(line.to_owned());
            }
        } else {
            let parts = series.captures(line).ok_or_else(|| format!("not a sample: {line}"))?;
            if parts[1] != current || !seen.insert(format!("{}{}", &parts[1], &parts[2])) {
                return Err(format!("out of its family, or twice: {line}"));
            }
            found.push((format!("{}{{{}}}", &parts[1], &parts[2]), parts[3].to_owned()));
        }
    }
    Ok(found)
}

#[test]
fn a_check_is_metrics() {
    let text = text(&check(Vec::new()));
    let expected = "\
# HELP opsctl_up Whether the last check was made, 0 where it could not be.
# TYPE opsctl_up gauge
opsctl_up{deployment=\"prim\"} 1
# HELP opsctl_check_timestamp_seconds When the last check was made, seconds since 1970.
# TYPE opsctl_check_timestamp_seconds gauge
opsctl_check_timestamp_seconds{deployment=\"prim\"} 1795325400.000
# HELP opsctl_check_duration_seconds How long the last check took.
# TYPE opsctl_check_duration_seconds gauge
opsctl_check_duration_seconds{deployment=\"prim\"} 0.400
";
    assert!(text.starts_with(expected), "{text}");
    let samples = parsed(&text).unwrap();
    let named: Vec<&str> = FAMILIES.iter().map(|(name, ..)| *name).collect();
    for name in named {
        assert!(samples.iter().any(|(series, _)| series.split('{').next() == Some(name)), "{name}");
    }
    for (series, value) in [
        ("opsctl_service_healthy{deployment=\"prim\",service=\"wallet\",severity=\"P1\"}", "1"),
        ("opsctl_service_verdict{deployment=\"prim\",service=\"wallet\",verdict=\"fail\"}", "0"),
        ("opsctl_service_restarts_total{deployment=\"prim\",service=\"store\"}", "3"),
        ("opsctl_disk_available_bytes{deployment=\"prim\",mountpoint=\"/\"}", "21474836480"),
        ("opsctl_disk_full_forecast_seconds{deployment=\"prim\",mountpoint=\"/\"}", "21600"),
        ("opsctl_certificate_expiry_timestamp_seconds{deployment=\"prim\",host=\"wallet.prim.sh\"}", "1799040600"),
        ("opsctl_backup_age_seconds{deployment=\"prim\",set=\"wallet\"}", "9000"),
    ] {
        assert!(samples.contains(&(series.to_owned(), value.to_owned())), "{series}\n{text}");
    }
}

#[test]
fn what_is_unknown_is_neither_healthy_nor_failed() {
    let mut made = check(Vec::new());
    made.services = vec![service("wallet", Verdict::Unknown), service("store", Verdict::Fail)];
    made.backups[0].verdict = Verdict::Unknown;
    made.backups[0].age_seconds = None;
    let text = text(&made);
    assert!(!text.contains("opsctl_service_healthy{deployment=\"prim\",service=\"wallet\""), "{text}");
    assert!(text.contains("opsctl_service_verdict{deployment=\"prim\",service=\"wallet\",verdict=\"unknown\"} 1\n"));
    assert!(text.contains("opsctl_service_healthy{deployment=\"prim\",service=\"store\",severity=\"P1\"} 0\n"));
    assert!(!text.contains("opsctl_backup"), "{text}");
}

#[test]
fn a_check_that_failed_has_no_old_numbers() {
    let text = failed(Some("prim"), "2026-11-22T05:30:00.250Z".parse().unwrap(), "0.1.0");
    let samples = parsed(&text).unwrap();
    let expected = [
        ("opsctl_up{deployment=\"prim\"}", "0"),
        ("opsctl_check_timestamp_seconds{deployment=\"prim\"}", "1795325400.250"),
        ("opsctl_build_info{deployment=\"prim\",version=\"0.1.0\"}", "1"),
    ];
    assert_eq!(samples, expected.map(|(series, value)| (series.to_owned(), value.to_owned())));
}

proptest! {
    #[test]
    fn it_is_the_format_whatever_others_wrote(
        names in proptest::collection::vec("\\PC{0,40}|[\\\\\"\n\r\u{1b}={},a]{0,12}", 0..8),
        seconds in proptest::num::f64::ANY,
        millis in -9_000_000_000_000_i64..9_000_000_000_000,
    ) {
        let mut made = check(Vec::new());
        made.seconds = seconds;
        made.head.time = Timestamp::from_millisecond(millis).unwrap();
        // Each name twice: no series is.
        let twice = names.iter().chain(&names);
        made.services = twice.map(|name| service(name, Verdict::Pass)).collect();
        let made = text(&made);
        let read = parsed(&made);
        prop_assert!(read.is_ok(), "{read:?}");
        prop_assert!(!made.chars().any(|c| c != '\n' && escape::is_hostile(c)));
    }
}
