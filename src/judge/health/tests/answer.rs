//! What services say of themselves.

use super::super::answer::judge;
use super::*;
use crate::host::protocol::mongo::Hello;
use crate::host::tools::docker::Listed;
use crate::observe::probe::{Connection, ListenAddress, UnmanagedContainer};
use crate::registry::{Condition, Secret};

/// The whole check on one line.
fn reads(probe: &Probe, reply: Reply) -> String {
    line(&judge(probe, None, &said("ask it", reply), false, now()))
}

fn http(status: u16, body: &str) -> Reply {
    Reply::Http { status, body: body.to_owned() }
}

static IDENTITY: Probe = Probe::Http(
    Http::get(
        3001,
        "/",
        &[Rule::ok(200).when(&[Condition::at("service").is("wallet.sh"), Condition::at("status").is("ok")])],
    )
    .show(&["service", "status"]),
);
static RULES: Probe = Probe::Http(
    Http::get(
        8080,
        "/health",
        &[
            Rule::ok(200).meaning("healthy"),
            Rule::ok(206)
                .when(&[Condition::at("jobs").is("0"), Condition::at("memory.percentUsed").at_most(75)])
                .meaning("idle"),
            Rule::warn(206).meaning("degraded"),
            Rule::fail(503).meaning("unhealthy"),
        ],
    )
    .show(&["status", "jobs", "memory.percentUsed"]),
);

#[test]
fn a_check_says_source_verdict_summary_and_command() {
    let command = "curl -sS -i -m 3 http://127.0.0.1:3001/";
    assert_eq!(
        judge(&IDENTITY, None, &said(command, http(200, r#"{"service":"wallet.sh","status":"ok"}"#)), false, now()),
        Check {
            source: "http :3001/".into(),
            about: About::Other,
            verdict: Verdict::Pass,
            summary: "answers".into(),
            command: command.into(),
            needs_root: false,
        }
    );
}

#[test]
fn j7_another_program_on_its_port_is_found_out() {
    assert_eq!(
        reads(&IDENTITY, http(200, r#"{"service":"store.sh","status":"ok"}"#)),
        "http :3001/: fail: HTTP 200, but service is store.sh, not wallet.sh (service=store.sh, status=ok) [ask it]"
    );
    assert_eq!(
        reads(&IDENTITY, http(200, r#"{"service":"wallet.sh","status":"degraded"}"#)),
        "http :3001/: fail: HTTP 200, but status is degraded, not ok (service=wallet.sh, status=degraded) [ask it]"
    );
    assert_eq!(
        reads(&IDENTITY, http(200, r#"{"status":"ok"}"#)),
        "http :3001/: fail: HTTP 200, but service is missing (status=ok) [ask it]"
    );
    assert_eq!(
        reads(&IDENTITY, http(200, r#"{"service":{"name":"wallet.sh"},"status":true}"#)),
        "http :3001/: fail: HTTP 200, but service is {\"name\":\"wallet.sh\"}, not wallet.sh \
         (service={\"name\":\"wallet.sh\"}, status=true) [ask it]"
    );
}

#[test]
fn a7_a_body_that_is_not_json_fits_no_condition() {
    for body in ["", "<html>It works!</html>", r#"{"service":"wallet.sh","sta"#] {
        assert_eq!(
            reads(&IDENTITY, http(200, body)),
            "http :3001/: fail: HTTP 200, but its body is not JSON [ask it]",
            "{body:?}"
        );
    }
}

#[test]
fn a_status_that_no_rule_knows_is_a_failure() {
    assert_eq!(reads(&IDENTITY, http(502, "Bad Gateway")), "http :3001/: fail: HTTP 502 [ask it]");
    assert_eq!(reads(&RULES, http(404, "")), "http :8080/health: fail: HTTP 404 [ask it]");
    assert_eq!(reads(&RULES, http(301, "")), "http :8080/health: fail: HTTP 301 [ask it]");
}

#[test]
fn the_first_rule_that_fits_decides() {
    assert_eq!(reads(&RULES, http(200, "anything")), "http :8080/health: pass: healthy [ask it]");
    let body = |jobs: u32, percent: f64| {
        format!(r#"{{"status":"degraded","jobs":{jobs},"memory":{{"percentUsed":{percent}}}}}"#)
    };
    assert_eq!(reads(&RULES, http(206, &body(0, 75.0))), "http :8080/health: pass: idle [ask it]");
    assert_eq!(
        reads(&RULES, http(206, &body(0, 75.1))),
        "http :8080/health: warn: HTTP 206: degraded (status=degraded, jobs=0, memory.percentUsed=75.1) [ask it]"
    );
    assert_eq!(
        reads(&RULES, http(206, &body(2, 10.0))),
        "http :8080/health: warn: HTTP 206: degraded (status=degraded, jobs=2, memory.percentUsed=10) [ask it]"
    );
    assert_eq!(reads(&RULES, http(206, "no JSON")), "http :8080/health: warn: HTTP 206: degraded [ask it]");
    assert_eq!(
        reads(&RULES, http(503, r#"{"status":"unhealthy"}"#)),
        "http :8080/health: fail: HTTP 503: unhealthy (status=unhealthy) [ask it]"
    );
}

#[test]
fn bounds_and_presence_in_a_body() {
    static BOUNDED: Probe = Probe::Http(Http::get(
        1,
        "/",
        &[Rule::ok(200).when(&[Condition::at("a.b").exists(), Condition::at("n").at_most(10)])],
    ));
    assert_eq!(reads(&BOUNDED, http(200, r#"{"a":{"b":null},"n":10}"#)), "http :1/: pass: answers [ask it]");
    for (body, why) in [
        (r#"{"a":{},"n":10}"#, "a.b is missing"),
        (r#"{"a":{"b":1},"n":10.5}"#, "n is 10.5, above 10"),
        (r#"{"a":{"b":1},"n":"10"}"#, "n is not a number"),
        (r#"{"a":{"b":1}}"#, "n is not a number"),
        (r#"["a.b"]"#, "a.b is missing"),
    ] {
        assert_eq!(reads(&BOUNDED, http(200, body)), format!("http :1/: fail: HTTP 200, but {why} [ask it]"));
    }
}

#[test]
fn what_is_shown_of_a_body_is_cut() {
    let body = format!(r#"{{"service":"{}","status":"ok"}}"#, "x".repeat(5000));
    let long = "x".repeat(200);
    assert_eq!(
        reads(&IDENTITY, http(200, &body)),
        format!(
            "http :3001/: fail: HTTP 200, but service is {long}, not wallet.sh (service={long}, status=ok) [ask it]"
        )
    );
}

#[test]
fn a_url_from_an_env_file_is_called_by_its_key() {
    static QUEUE: Probe = Probe::Http(Http::get_from(
        Secret::in_file("/srv/.env").key("QUEUE_URL"),
        &[Rule::any_status(Verdict::Pass).meaning("any HTTP answer")],
    ));
    assert_eq!(reads(&QUEUE, http(404, "")), "http QUEUE_URL: pass: any HTTP answer [ask it]");
}

#[test]
fn banners() {
    let smtp = Probe::banner(25, "220");
    let line = |text: &str| Reply::Line(text.to_owned());
    assert_eq!(reads(&smtp, line("220 mail ESMTP")), "banner :25: pass: greets [ask it]");
    assert_eq!(
        reads(&smtp, line("554 go away")),
        "banner :25: fail: greets with \"554 go away\" instead of 220 [ask it]"
    );
    assert_eq!(reads(&smtp, line("")), "banner :25: fail: greets with \"\" instead of 220 [ask it]");
}

#[test]
fn redis() {
    let open = Probe::redis(6379);
    let locked = Probe::redis(6379).password(Secret::in_file("/root/redis.txt").key("REDIS_PASSWORD"));
    let line = |text: &str| Reply::Line(text.to_owned());
    for probe in [&open, &locked] {
        assert_eq!(reads(probe, line("+PONG")), "redis :6379: pass: PONG [ask it]");
        for wrong in [
            "-LOADING Redis is loading the dataset in memory",
            "-WRONGPASS invalid username-password pair",
            "-MISCONF Redis is configured to save RDB snapshots",
            "+OK",
            "HTTP/1.1 400 Bad Request",
        ] {
            assert_eq!(reads(probe, line(wrong)), format!("redis :6379: fail: answers PING with {wrong} [ask it]"));
        }
    }
    let wants = "-NOAUTH Authentication required.";
    assert_eq!(
        reads(&open, line(wants)),
        "redis :6379: warn: requires a password that the registry does not name; it runs, and no more was checked \
         [ask it]"
    );
    assert_eq!(reads(&locked, line(wants)), format!("redis :6379: fail: answers PING with {wants} [ask it]"));
}

#[test]
fn postgres() {
    let probe = Probe::postgres(5432);
    let refusing = |code: &str, message: &str| {
        reads(&probe, Reply::Postgres(Greeting::Refusing { code: code.to_owned(), message: message.to_owned() }))
    };
    let accepts = "postgres :5432: pass: accepting connections [ask it]";
    assert_eq!(reads(&probe, Reply::Postgres(Greeting::Authenticating)), accepts);
    // It looked at who is asking: no such role, no such database, not let in from here.
    for code in ["28000", "28P01", "3D000"] {
        assert_eq!(refusing(code, "not you"), accepts, "{code}");
    }
    for (code, message) in [
        ("57P03", "the database system is starting up"),
        ("57P01", "terminating connection due to administrator command"),
        ("57P02", "terminating connection because of crash of another server process"),
        ("53300", "sorry, too many clients already"),
        ("53100", "could not extend file: No space left on device"),
        ("58030", "could not read file"),
        ("XX000", "cache lookup failed"),
    ] {
        assert_eq!(refusing(code, message), format!("postgres :5432: fail: {message} [ask it]"));
    }
}

#[test]
fn mongo() {
    let probe = Probe::mongo(27017);
    let hello = |ok, writable_primary| reads(&probe, Reply::Mongo(Hello { ok, writable_primary }));
    assert_eq!(hello(true, true), "mongodb :27017: pass: primary [ask it]");
    assert_eq!(hello(true, false), "mongodb :27017: fail: no primary: it accepts no writes [ask it]");
    assert_eq!(hello(false, true), "mongodb :27017: fail: answers hello with an error [ask it]");
}

/// A container that no service accounts for, of which nothing but its row is known.
fn other(name: &str, state: &str, status: &str) -> UnmanagedContainer {
    let listed = Listed {
        id: name.to_owned(),
        identity: Identity { name: name.to_owned(), ..running_container(name).identity },
        state: state.to_owned(),
        status: status.to_owned(),
        ports: Vec::new(),
    };
    UnmanagedContainer { listed, detail: None }
}

#[test]
fn the_engine_and_the_log() {
    assert_eq!(reads(&Probe::DockerEngine, Reply::Engine(Vec::new())), "docker engine: pass: answers [ask it]");
    assert_eq!(
        reads(
            &Probe::DockerEngine,
            Reply::Engine(vec![other("job", "restarting", ""), other("db", "running", "Up (unhealthy)")])
        ),
        "docker engine: warn: unhealthy containers: job (restarting), db (unhealthy) [ask it]"
    );
    let log = Probe::log_line("poll").within_seconds(120);
    assert_eq!(reads(&log, Reply::LogLine(Some(ago(75)))), "log: pass: wrote \"poll\" 1m15s ago [ask it]");
    assert_eq!(reads(&log, Reply::LogLine(None)), "log: fail: has not written \"poll\" for 120 s [ask it]");
    // A clock that is ahead makes no line younger than now.
    assert_eq!(reads(&log, Reply::LogLine(Some(ago(-5)))), "log: pass: wrote \"poll\" 0s ago [ask it]");
}

#[test]
fn what_does_not_answer_fails_and_what_cannot_be_asked_is_unknown() {
    let probes = [
        (&IDENTITY, "http :3001/"),
        (&Probe::banner(25, "220"), "banner :25"),
        (&Probe::redis(6379), "redis :6379"),
        (&Probe::postgres(5432), "postgres :5432"),
        (&Probe::mongo(27017), "mongodb :27017"),
        (&Probe::any(8123), "port :8123"),
        (&Probe::DockerEngine, "docker engine"),
        (&Probe::log_line("poll").within_seconds(120), "log"),
    ];
    for (probe, source) in probes {
        let refused = Reply::Silent("connection refused".to_owned());
        assert_eq!(reads(probe, refused), format!("{source}: fail: connection refused [ask it]"));
        for trouble in troubles() {
            let told = line(&judge(probe, None, &silent("ask it", &trouble), false, now()));
            assert_eq!(told, format!("{source}: unknown: {trouble} [ask it]"));
        }
    }
}

#[test]
fn any_answer_of_an_unknown_port_passes_but_an_error_of_its_server() {
    let probe = Probe::any(8123);
    for (status, wanted) in [
        (101, "pass: answers 101"),
        (200, "pass: answers 200"),
        (308, "pass: answers 308"),
        (404, "pass: answers 404"),
        (500, "warn: answers 500"),
        (502, "warn: HTTP 502: its upstream does not answer"),
        (503, "warn: HTTP 503: reports that it is unavailable"),
        (504, "warn: HTTP 504: its upstream is too slow"),
        (599, "warn: answers 599"),
    ] {
        assert_eq!(reads(&probe, http(status, "")), format!("http :8123/: {wanted} [ask it]"));
    }
    for (did, wanted) in [
        (Connection::Answered, "answers"),
        (Connection::Closed, "takes connections"),
        (Connection::Read, "takes connections and reads, answers nothing by itself"),
    ] {
        assert_eq!(reads(&probe, Reply::Connection(did)), format!("port :8123: pass: {wanted} [ask it]"));
    }
    let at = ListenAddress::Tcp("[::1]:8123".parse().unwrap());
    let told = judge(&probe, Some(&at), &said("ask it", http(200, "")), false, now());
    assert_eq!(line(&told), "http [::1]:8123/: pass: answers 200 [ask it]");
}

/// An engine takes connections for its containers, also where no program is behind the port.
#[test]
fn a_connection_that_an_engine_ends_proves_no_program() {
    for (did, wanted) in [
        (Connection::Answered, "pass: answers"),
        (
            Connection::Closed,
            "unknown: the engine takes connections and ends them: not known whether a program is behind",
        ),
        (Connection::Read, "pass: takes connections, answers nothing by itself"),
    ] {
        let told = judge(&Probe::any(8123), None, &said("ask it", Reply::Connection(did)), true, now());
        assert_eq!(line(&told), format!("port :8123: {wanted} [ask it]"));
    }
}

#[test]
fn an_answer_to_another_question_is_not_taken_for_good() {
    assert_eq!(
        reads(&Probe::mongo(27017), Reply::Line("+PONG".to_owned())),
        "mongodb :27017: unknown: an answer to another question [ask it]"
    );
    assert_eq!(
        reads(&IDENTITY, Reply::Engine(Vec::new())),
        "http :3001/: unknown: an answer to another question [ask it]"
    );
}
