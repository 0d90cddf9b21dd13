//! Secrets that no single line shows as such: cut by a colour, spread over lines, written elsewhere than as they are known.

use super::*;

/// A key as openssl writes it; nobody's.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC7VJTUt9Us8cKj
x9wLrVm0Q2hYzTn4Uo8eHgRk1dPsXbFaMuEiWlNvG7tZyQ5cJ3pSfD6BqTrAaKm0
hUiOyCzEwLgV2nRx8sM4fPjQ1bWtXdIk5lYoN7vHcZaGeTuJpS3qBmDrKyFwA90=
-----END PRIVATE KEY-----";

/// Everything that shows lines, in every form.
fn everything(machine: &Machine) -> String {
    let mut all = String::new();
    for form in ["text", "wide", "json"] {
        for args in [
            &["logs", "wallet", "-v"] as &[&str],
            &["logs", "wallet", "stalwart", "caddy", "--since", "1h"],
            &["logs", "wallet", "--grep", "e"],
            &["logs", "--source", "prim-backup"],
            &["status", "wallet"],
            &["diagnose"],
        ] {
            all.push_str(&machine.run(args.iter().chain(&["-o", form])).everything());
        }
    }
    all.push_str(&machine.run(["diagnose", "--bundle", "-"]).everything());
    all
}

/// Runs of six characters of what nobody may see.
fn leaks(all: &str, secrets: &[&str]) -> Vec<String> {
    let six =
        |secret: &str| secret.as_bytes().windows(6).map(|six| String::from_utf8_lossy(six).into_owned()).collect();
    let all_of: Vec<String> = secrets.iter().flat_map(|secret| -> Vec<String> { six(secret) }).collect();
    all_of.into_iter().filter(|six| all.contains(six.as_str())).collect()
}

#[test]
fn l4_secrets_that_are_cut_or_spread_over_lines_are_in_no_line() {
    let machine = prim::two();
    machine.answer("docker-ps", &listed("666b", "stalwart", "running"));
    machine.container("666b", &sample("prim/docker-inspect-stalwart.json"));
    prim::files(&machine);
    machine.change_unit("prim-wallet.service", &prim::CRASH_LOOP);
    machine.stop(3001);
    let env = format!(
        "PORT=3001\nPRIM_INTERNAL_KEY=Hunter2-Zq81mf\nUPSTREAM=postgres://app:Xk29fjA0s%40Lq@h/db\nSIGNING_KEY=\"{KEY}\"\n\
         LONG_TOKEN=\"first9partAA\\nsec0nd8partBB\"\n"
    );
    machine.file("/etc/prim/wallet.env", &env);
    let body: Vec<&str> = KEY.lines().filter(|line| !line.contains("PRIVATE KEY")).collect();
    let other = "Qw8ErTy6UiOp4AsDf2GhJk0LzXc9VbNm7QwErTyUiOpAsDfGhJkLzXcVbNm1234Z";
    let secrets =
        [&["Hunter2-Zq81mf", "Xk29fjA0s%40Lq", "Xk29fjA0s@Lq", "first9partAA", "sec0nd8partBB", other], &body[..]]
            .concat();
    let mut lines: Vec<String> = [
        "error: key Hunter2\u{1b}[31m-Zq81mf\u{1b}[0m refused",
        "error: key Hunter2\u{200b}-Zq8\u{ad}1mf refused",
        "error: key Hunx\u{8}ter2-Zq81mf refused",
        "error: key Hunter2-\rZq81mf refused",
        r#"{"level":"error","msg":"key Hunter2\u001b[1m-Zq81mf refused"}"#,
        r#"{"level":"error","msg":"\u0048unter2-Zq81mf refused"}"#,
        "error: login as Xk29fjA0s@Lq failed",
        "error: login as Xk29fjA0s%2540Lq failed",
        "error: first9partAA",
        "error: key Hunter2-",
        "Zq81mf refused",
        "error: cannot read -----BEGIN OPENSSH PRIVATE KEY-----",
        other,
        "error: that was all",
    ]
    .map(str::to_owned)
    .to_vec();
    lines.extend(KEY.lines().map(str::to_owned));
    lines.push(format!("error: {}", KEY.replace('\n', "\\n")));
    lines.push(serde_json::json!({ "level": "error", "msg": KEY }).to_string());
    // Where lines are cut.
    for border in [16 << 10, 48 << 10, 64 << 10, 72 << 10] {
        let pad = "x".repeat(border - 14);
        lines.push(format!("error: {pad}Hunter2-Zq81mf"));
    }
    for (number, line) in lines.iter().enumerate() {
        said(&machine, &format!("05:{:02}:{:02} prim-wallet 0f 90 3", number / 60, number % 60), line);
    }
    let rows: String = lines.iter().flat_map(|line| ["2026-11-22T05:00:02.000000000Z ", line, "\n"]).collect();
    machine.rows("666b", &rows);
    machine.file("/var/log/prim-backup.log", &lines.join("\n"));
    let all = everything(&machine);
    assert!(all.contains("refused") && all.contains("that was all") && all.contains(" log "), "{all}");
    let mail = machine.run(["logs", "stalwart"]);
    assert!(mail.stdout.contains("that was all"), "{}", mail.everything());
    assert_eq!(leaks(&all, &secrets), Vec::<String>::new());
}

#[test]
fn l4_what_tools_complain_of_is_without_secrets() {
    let machine = prim::two();
    prim::files(&machine);
    machine.file("/etc/prim/wallet.env", &format!("PORT=3001\nPRIM_INTERNAL_KEY=Hunter2-Zq81mf\nOLD_KEY=\"{KEY}\"\n"));
    let long = "word ".repeat(60);
    for said in [
        "error: cannot log in with Hunter2-Zq81mf".to_owned(),
        format!("{}Hunter2-\u{1b}[1mZq81mf{long}", &long[..290]),
        format!("{long}Hunter2-Zq81mf{}", &long[..293]),
        format!("read {KEY}\nno"),
        format!("{}\nno", KEY.lines().skip(2).collect::<Vec<_>>().join("\n")),
        "password=Hunter2-Zq81mf https://u:Hunter2-Zq81mf@h".to_owned(),
    ] {
        machine.answer_and("systemctl", &said, "exit 1");
        machine.answer_and("docker", &said, "exit 1");
        machine.answer("journalctl", &said);
        let all = everything(&machine);
        let body: Vec<&str> = KEY.lines().filter(|line| !line.contains("PRIVATE KEY")).collect();
        assert_eq!(leaks(&all, &[&["Hunter2-Zq81mf"], &body[..]].concat()), Vec::<String>::new(), "{said}");
    }
}

#[test]
fn a9_a_packed_log_that_unpacks_without_end_delays_nobody() {
    let machine = silent();
    // The program itself: its output is large.
    std::os::unix::fs::symlink("/usr/bin/gzip", machine.tools().join("gzip")).unwrap();
    machine.file("/var/log/prim-backup.log", "[2026-11-21T03:00:01Z] backup begins\n");
    let packed = machine.path("/var/log/prim-backup.log.2.gz");
    let zeros =
        Command::new("sh").args(["-c", "head -c 1073741824 /dev/zero | gzip -9 > \"$0\""]).arg(&packed).status();
    assert!(zeros.unwrap().success());
    machine.old_file("/var/log/prim-backup.log.1", "2026-11-20T03:00:10Z", "[2026-11-20T03:00:01Z] the day before\n");
    // A pipe in the place of another: never opened.
    let pipe = machine.path("/var/log/prim-backup.log.3.gz");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for args in [&["-n", "all"] as &[&str], &["-n", "3", "-e"], &["--since", "2020-01-01"]] {
        let begun = Instant::now();
        let run = machine.run(["logs", "--source", "prim-backup.log", "--timeout", "20s"].iter().chain(args));
        assert!(begun.elapsed() < Duration::from_secs(19), "{args:?}: {:?} {}", begun.elapsed(), run.everything());
        assert_eq!(run.code, 4, "{args:?}: {}", run.everything());
        assert!(run.stderr.contains("prim-backup.log.2.gz: only its first"), "{}", run.everything());
        assert!(args.contains(&"-e") || run.stdout.contains("backup begins"), "{}", run.everything());
    }
    let begun = Instant::now();
    let run = machine.run(["logs", "--source", "prim-backup.log", "-n", "all", "--timeout", "100ms"]);
    assert!(run.code == 7 && begun.elapsed() < Duration::from_secs(2), "{:?} {}", begun.elapsed(), run.everything());
}

#[path = "../../../src/envfile/tests/corpus.rs"]
mod corpus;

/// Values that systemd and compose have been seen to take from the files of the corpus, all and line by line.
fn seen_of(number: usize) -> Vec<String> {
    let mut all = Vec::new();
    for text in [
        include_str!("../../../src/envfile/tests/systemd.json"),
        include_str!("../../../src/envfile/tests/compose.json"),
    ] {
        let records: Vec<Option<std::collections::BTreeMap<String, String>>> = serde_json::from_str(text).unwrap();
        for (key, value) in records.into_iter().nth(number).flatten().unwrap_or_default() {
            if ["SECRET", "API_KEY", "PASSWORD", "TOKEN"].iter().any(|end| key.ends_with(end)) {
                all.extend(value.lines().map(|line| line.trim().to_owned()));
            }
        }
    }
    all.retain(|secret| secret.len() >= 6);
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn l15_no_value_of_an_env_file_is_in_anything_that_is_shown() {
    let machine = prim::two();
    prim::files(&machine);
    machine.change_unit("prim-wallet.service", &prim::CRASH_LOOP);
    machine.stop(3001);
    let files = corpus::files();
    // Files of settings begin behind those that stand first.
    let number = corpus::FIRST.len() + 7;
    let secrets = seen_of(number);
    assert!(secrets.len() > 30, "{}", secrets.len());
    machine.file("/etc/prim/wallet.env", &String::from_utf8(files[number].clone()).unwrap());
    for (at, secret) in secrets.iter().enumerate() {
        said(
            &machine,
            &format!("05:{:02}:{:02} prim-wallet 0f 90 3", at / 60, at % 60),
            &format!("error: {secret} refused"),
        );
    }
    let json = |secret: &String| format!("{}\n", serde_json::json!({ "level": "error", "msg": secret }));
    machine.file("/var/log/prim-backup.log", &secrets.iter().map(json).collect::<String>());
    machine.answer_and("docker", &secrets.join(" "), "exit 1");
    let all = everything(&machine);
    assert!(all.matches("refused").count() > secrets.len(), "{all}");
    let leaks: Vec<&String> = secrets.iter().filter(|secret| all.contains(secret.as_str())).collect();
    assert_eq!(leaks, Vec::<&String>::new());
}
