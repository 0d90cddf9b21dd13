//! Lines as real programs write them, and what they say.

use super::LogLevel::*;
use super::*;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

fn clock() -> Clock {
    Clock { zone: TimeZone::UTC, now: "2026-11-22T20:00:00Z".parse().unwrap() }
}

type Said<'a> = (Option<String>, Option<LogLevel>, String, Option<Vec<(String, String)>>);

fn said(text: &str, priority: Option<u8>) -> Said<'_> {
    let Understood { time, level, message, fields } = understand(text, priority, &clock());
    (
        time.map(|time| Timestamp::from_microsecond(time).unwrap().to_string()),
        level,
        message.into_owned(),
        fields.map(|fields| fields.0.iter().map(|(key, raw)| (key.to_string(), raw.get().to_owned())).collect()),
    )
}

/// What is expected of a JSON line.
fn object(
    time: &'static str,
    level: impl Into<Option<LogLevel>>,
    message: &'static str,
    fields: &[(&str, &str)],
) -> Said<'static> {
    let fields = fields.iter().map(|(key, raw)| ((*key).to_owned(), (*raw).to_owned())).collect();
    (Some(time.to_owned()).filter(|time| !time.is_empty()), level.into(), message.to_owned(), Some(fields))
}

fn level(text: &str) -> Option<LogLevel> {
    let (_, level, message, fields) = said(text, None);
    assert_eq!((message.as_str(), fields), (text, None));
    level
}

const PRIM: &str = r#"{"level":"error","ts":"2026-02-26T02:11:07.123Z","service":"web","msg":"db down","traceId":"x","err":{"name":"Error","message":"boom","stack":"Error: boom\n  at x"}}"#;
const PINO: &str =
    r#"{"level":40,"time":1764000000123,"pid":7,"hostname":"h","msg":"slow \"query\"","responseTime":812}"#;
const MONGOD: &str = r#"{"t":{"$date":"2026-11-22T05:14:42.123+00:00"},"s":"W",  "c":"CONTROL",  "id":22120,   "ctx":"initandlisten","msg":"Access control is not enabled","tags":["startupWarnings"]}"#;
const CADDY: &str = r#"{"level":"error","ts":1764000000.123,"logger":"http.log.access.log0","msg":"handled request","request":{"method":"GET","uri":"/x"},"duration":0.01,"status":502}"#;

#[test]
fn json_lines_are_taken_apart() {
    let err = r#"{"name":"Error","message":"boom","stack":"Error: boom\n  at x"}"#;
    let prim = [("ts", r#""2026-02-26T02:11:07.123Z""#), ("service", r#""web""#), ("traceId", r#""x""#), ("err", err)];
    assert_eq!(said(PRIM, None), object("2026-02-26T02:11:07.123Z", Error, "db down", &prim));
    assert_eq!(
        said(PINO, None),
        object(
            "2025-11-24T16:00:00.123Z",
            Warn,
            "slow \"query\"",
            &[("time", "1764000000123"), ("pid", "7"), ("hostname", r#""h""#), ("responseTime", "812")]
        )
    );
    assert_eq!(
        said(MONGOD, None),
        object(
            "2026-11-22T05:14:42.123Z",
            Warn,
            "Access control is not enabled",
            &[
                ("t", r#"{"$date":"2026-11-22T05:14:42.123+00:00"}"#),
                ("c", r#""CONTROL""#),
                ("id", "22120"),
                ("ctx", r#""initandlisten""#),
                ("tags", r#"["startupWarnings"]"#)
            ]
        )
    );
    assert_eq!(
        said(CADDY, None),
        object(
            "2025-11-24T16:00:00.123Z",
            Error,
            "handled request",
            &[
                ("ts", "1764000000.123"),
                ("logger", r#""http.log.access.log0""#),
                ("request", r#"{"method":"GET","uri":"/x"}"#),
                ("duration", "0.01"),
                ("status", "502")
            ]
        )
    );
}

#[test]
fn json_is_found_behind_a_prefix() {
    let short = r#"{"level":"info","msg":"up"}"#;
    for (prefix, time) in [
        ("", ""),
        ("  ", ""),
        ("worker-1  | ", ""),
        ("0|plugspace-api  | ", ""),
        ("2026-11-22T05:14:42: ", "2026-11-22T05:14:42Z"),
        ("2026-11-22T05:14:42.123456789Z ", "2026-11-22T05:14:42.123456Z"),
        ("worker-1  | 2026-11-22T05:14:42Z ", "2026-11-22T05:14:42Z"),
    ] {
        assert_eq!(said(&format!("{prefix}{short} "), None), object(time, Info, "up", &[]), "{prefix}");
    }
    // The line's own word counts more than that of who carried it.
    let both = format!("2020-01-01T00:00:00Z {CADDY}");
    assert_eq!(said(&both, None).0.as_deref(), Some("2025-11-24T16:00:00.123Z"));
}

#[test]
fn keys_of_many_loggers() {
    for (text, level) in [
        (r#"{"severity":"CRITICAL"}"#, Some(Fatal)),
        (r#"{"lvl":"eror"}"#, None),
        (r#"{"level":"high","severity":"Notice"}"#, Some(Info)),
        (r#"{"log.level":"Information"}"#, Some(Info)),
        (r#"{"loglevel":"emerg"}"#, Some(Fatal)),
        (r#"{"level":"10"}"#, Some(Trace)),
        (r#"{"level":60}"#, Some(Fatal)),
        (r#"{"level":3}"#, None),
        (r#"{"level":null,"err":{"message":"x"},"error":{}}"#, None),
        (r#"{"status":500}"#, Some(Error)),
        (r#"{"status":"502"}"#, Some(Error)),
        (r#"{"status":404}"#, None),
        (r#"{"level":"warn","status":500}"#, Some(Warn)),
        (r#"{"s":"D2","c":"NETWORK","msg":"x"}"#, Some(Debug)),
        (r#"{"s":"F","c":"-","msg":"x"}"#, Some(Fatal)),
        (r#"{"s":"E","msg":"x"}"#, None),
    ] {
        assert_eq!(said(text, None).1, level, "{text}");
    }
    let told = r#"{"event":"e","MESSAGE":"M","message":7}"#;
    assert_eq!(said(told, None), object("", None, "M", &[("event", r#""e""#), ("message", "7")]));
    let untold = r#"{"time":35,"@timestamp":"2026-11-22T05:14:42Z"}"#;
    let fields = [("time", "35"), ("@timestamp", r#""2026-11-22T05:14:42Z""#)];
    let expected = (Some("2026-11-22T05:14:42Z".to_owned()), None, untold.to_owned(), object("", None, "", &fields).3);
    assert_eq!(said(untold, None), expected);
    assert_eq!(said(r#"{"msg":"\ud800","a\u0062":1}"#, None), object("", None, "\\ud800", &[("ab", "1")]));
    assert_eq!(said("{}", None), object("", None, "{}", &[]));
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    let text = r#"{"level":"info","a":1,"b":2,"a":{"c":3},"level":"error","msg":"x","msg":"y"}"#;
    assert_eq!(said(text, None), object("", Error, "y", &[("b", "2"), ("a", r#"{"c":3}"#)]));
    let many: Vec<_> = (0..5000).map(|n| format!("\"k{}\":{n}", n % 2500)).collect();
    let fields = said(&format!("{{{}}}", many.join(",")), None).3.unwrap();
    let expected: Vec<_> = (2500..5000).map(|n| (format!("k{}", n - 2500), n.to_string())).collect();
    assert_eq!(fields, expected);
}

#[test]
fn what_is_not_an_object_is_a_message() {
    for text in ["[1]", "\"x\"", "{", "}", "{}{}", "{\"a\":1} tail", "{a:1}", "{{.Name}}", "", " ", "null"] {
        assert_eq!(said(text, None), (None, None, text.to_owned(), None), "{text}");
    }
    for text in [PRIM, PINO, MONGOD, CADDY] {
        for end in 0..text.len() {
            let (_, _, message, fields) = said(&text[..end], None);
            assert_eq!((message.as_str(), fields), (&text[..end], None), "cut at {end}");
        }
    }
}

#[test]
fn plain_lines_tell_their_level() {
    for (text, expected) in [
        // nginx.
        ("2026/02/26 02:11:07 [error] 12#12: *1 connect() failed (111: Connection refused)", Some(Error)),
        ("2026/02/26 02:11:07 [warn] 12#12: *1 a client request body is buffered", Some(Warn)),
        ("2026/02/26 02:11:07 [emerg] 1#1: bind() to 0.0.0.0:80 failed", Some(Fatal)),
        (
            r#"10.0.0.1 - - [26/Feb/2026:02:11:07 +0000] "GET /ERROR HTTP/1.1" 200 157 "-" "curl/8" rt=0.001 uct="0.000" uht="0.001" urt="0.001""#,
            Some(Info),
        ),
        (
            r#"10.0.0.1 - - [26/Feb/2026:02:11:07 +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8" rt=0.001 uct="-" uht="-" urt="-""#,
            Some(Error),
        ),
        (r#"10.0.0.1 - - [26/Feb/2026:02:11:07 +0000] "\x16\x03\x01" 400 157 "-" "-""#, Some(Info)),
        (r#"10.0.0.1 - - [26/Feb/2026:02:11:07 +0000] "-" 408 0 "-" "-""#, Some(Info)),
        // PostgreSQL.
        ("2026-02-26 02:11:07.123 UTC [12] LOG:  checkpoint starting: time", Some(Info)),
        ("2026-02-26 02:11:07.123 UTC [12] u@d ERROR:  relation \"x\" does not exist at character 15", Some(Error)),
        ("2026-02-26 02:11:07.123 UTC [12] u@d STATEMENT:  select 'ERROR'", None),
        ("2026-02-26 02:11:07.123 UTC [12] DETAIL:  Key (FATAL)=(1) already exists.", None),
        ("2026-02-26 02:11:07.123 UTC [12] u@d FATAL:  password authentication failed for user \"u\"", Some(Fatal)),
        // Redis.
        ("1:M 26 Feb 2026 02:11:07.123 # WARNING Memory overcommit must be enabled!", Some(Warn)),
        ("1:M 26 Feb 2026 02:11:07.123 * Ready to accept connections tcp", Some(Info)),
        ("1:M 26 Feb 2026 02:11:07.123 - Accepted 127.0.0.1:1", Some(Debug)),
        ("1:S 26 Feb 2026 02:11:07.123 . 0 clients connected", Some(Debug)),
        // fail2ban and ufw.
        ("2026-02-26 02:11:07,123 fail2ban.actions        [123]: NOTICE  [sshd] Ban 1.2.3.4", Some(Info)),
        ("2026-02-26 02:11:07,123 fail2ban.filter         [123]: WARNING x", Some(Warn)),
        ("Nov 22 05:14:42 host kernel: [12345.678901] [UFW BLOCK] IN=eth0 OUT= MAC=00:16 SRC=1.2.3.4", None),
        ("2026-02-26T02:11:07.123456+00:00 host kernel: [UFW BLOCK] IN=eth0 OUT= SRC=1.2.3.4 PROTO=TCP", None),
        ("Nov 22 05:14:42 host sshd[12]: error: kex_exchange_identification: read", Some(Error)),
        // logfmt: Prometheus and dockerd.
        (r#"ts=2026-11-22T05:14:42.123Z caller=main.go:1 level=warn component=x msg="error=0""#, Some(Warn)),
        (r#"time="2026-11-22T05:14:42.123456789Z" level=error msg="Handler returned" error="x""#, Some(Error)),
        (r#"time=2026-11-22T05:14:42.123Z level=INFO source=x msg="ERROR""#, Some(Info)),
        ("severity='fatal' x", Some(Fatal)),
        // Compose, pm2, colours.
        ("worker-1  | WARN  queue is full", Some(Warn)),
        ("worker-1  | 2026-11-22T05:14:42Z error: x", Some(Error)),
        ("2026-11-22T05:14:42: TypeError: Cannot read properties of undefined", Some(Error)),
        ("\x1b[31merror\x1b[39m: boom", Some(Error)),
        ("[\x1b[33mWARN\x1b[0m] boom", Some(Warn)),
        ("\x1b[32m[Nest] 12  - \x1b[39m11/22/2026, 5:14:42 AM \x1b[32m    LOG\x1b[39m [X] up", Some(Info)),
        // Python, Node, Java, Rust, Go.
        ("Traceback (most recent call last):", Some(Error)),
        ("ValueError: invalid literal", Some(Error)),
        ("psycopg2.OperationalError: could not connect", Some(Error)),
        ("ERROR:root:boom", Some(Error)),
        ("[2026-11-22 05:14:42,123: ERROR/MainProcess] Task x raised", Some(Error)),
        ("2026-11-22 05:14:42.123 | CRITICAL | mod:f:1 - x", Some(Fatal)),
        ("Error: boom", Some(Error)),
        ("Error [ERR_MODULE_NOT_FOUND]: Cannot find module", Some(Error)),
        ("Uncaught exception", Some(Error)),
        ("(node:12) UnhandledPromiseRejectionWarning: Error: x", Some(Error)),
        ("Unhandled rejection at", Some(Error)),
        ("(node:12) [DEP0040] DeprecationWarning: The `punycode` module is deprecated", Some(Warn)),
        ("(node:12) Warning: Setting NODE_TLS_REJECT_UNAUTHORIZED", Some(Warn)),
        ("❌ Cannot start", Some(Error)),
        ("Exception in thread \"main\" java.lang.IllegalStateException: x", Some(Error)),
        ("panic: runtime error: index out of range", Some(Error)),
        ("goroutine 1: panic: x", Some(Error)),
        ("2026-02-26 02:11:07.123 UTC [1] PANIC:  could not write", Some(Fatal)),
        ("recovered panic: x", Some(Error)),
        ("thread 'main' panicked at src/main.rs:1:1:", Some(Error)),
        ("thread 'main' (77) panicked at src/main.rs:1:1:", Some(Error)),
        ("npm ERR! code ELIFECYCLE", Some(Error)),
        ("warning: unused", Some(Warn)),
        ("fatal: not a git repository", Some(Fatal)),
        ("<error> x", Some(Error)),
        ("TRACE x", Some(Trace)),
        ("VERBOSE x", Some(Debug)),
        ("SEVERE x", Some(Error)),
        ("INFO: retrying after ERROR", Some(Info)),
    ] {
        assert_eq!(level(text), expected, "{text}");
    }
}

#[test]
fn false_alarms_are_none() {
    for text in [
        "finished with 0 errors",
        "0 ERROR found",
        "error=0 warnings=0",
        "ERROR=0",
        "no error",
        "No Error: all fine",
        "errors: 0",
        "error: 0",
        "error: none",
        "GET /error",
        "GET /ERROR/x",
        "/error: page",
        "TERROR",
        "ERRORS and WARNINGS",
        "ERROR_CODE",
        "X-ERROR-CODE",
        "MyErrorBoundary mounted",
        "the error was handled",
        "use error::Kind",
        "error::Kind",
        "level=",
        "level=high",
        "sublevel=error",
        "FINE",
        "a panicked user",
        "Errors: 0",
        "",
    ] {
        assert_eq!(level(text), None, "{text}");
    }
    let late = format!("{} ERROR", "x ".repeat(100));
    assert_eq!(level(&late), None);
}

#[test]
fn priority_and_mark_together() {
    for (text, priority, expected) in [
        ("plain", None, None),
        ("plain", Some(6), Some(Info)),
        ("plain", Some(3), Some(Error)),
        ("plain", Some(7), Some(Debug)),
        ("ERROR x", Some(6), Some(Error)),
        ("DEBUG x", Some(6), Some(Debug)),
        ("DEBUG x", Some(4), Some(Warn)),
        ("FATAL x", Some(4), Some(Fatal)),
        ("INFO x", Some(7), Some(Info)),
        (PINO, Some(6), Some(Warn)),
        (PINO, Some(2), Some(Fatal)),
    ] {
        assert_eq!(said(text, priority).1, expected, "{text} {priority:?}");
    }
    let levels: Vec<_> = (0..=8).map(LogLevel::from_priority).collect();
    assert_eq!(levels, [Fatal, Fatal, Fatal, Error, Warn, Info, Info, Debug, Debug]);
    let names: Vec<_> = [Trace, Debug, Info, Warn, Error, Fatal].map(LogLevel::name).into();
    assert_eq!(names, ["trace", "debug", "info", "warn", "error", "fatal"]);
    assert!(names.iter().all(|name| <LogLevel as clap::ValueEnum>::from_str(name, false).is_ok()));
}

proptest! {
    #[test]
    fn a_line_that_is_no_object_is_its_own_message(text in "\\PC*|.*|[\\[{<\"a-zA-Z:= \x1b❌é]{0,200}") {
        let understood = understand(&text, Some(6), &clock());
        if understood.fields.is_none() {
            prop_assert_eq!(&understood.message, &text);
        }
    }

    #[test]
    fn every_field_is_kept(fields in proptest::collection::btree_map("[x-z]{1,3}", -9_i64..9, 0..9)) {
        let text = serde_json::to_string(&fields).unwrap();
        let expected: Vec<_> = fields.into_iter().map(|(key, value)| (key, value.to_string())).collect();
        prop_assert_eq!(said(&text, None).3, Some(expected));
    }
}
