//! Receivers on loopback that fail in every way: bounded time, words that a person understands, and nothing lost.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::generate_simple_self_signed;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::alert::queue::Queue;
use crate::host::exec::{Output, StartError};
use receiver::{OK, Seen, answers, drips, receiver};

mod receiver;

/// How long a receiver of these tests would hang.
const HANG: Duration = Duration::from_secs(20);
/// How long one is waited for.
const SHORT: Duration = Duration::from_millis(600);
/// What no words may have: it stands in each address.
const SECRET: &str = "t0kenOfTheHook";

struct Nothing;

impl Runner for Nothing {
    fn run(&self, argv: &Argv, _: Duration) -> Result<Output, StartError> {
        Err(StartError::Missing(argv.program))
    }
}

/// Ends like this.
struct Ends(ProcessEnd, &'static str);

impl Runner for Ends {
    fn run(&self, _: &Argv, _: Duration) -> Result<Output, StartError> {
        Ok(Output { exit: self.0, stdout: Vec::new(), stderr: self.1.into() })
    }
}

fn sender() -> Sender {
    Sender { deployment: "prim".into(), host: "vps1".into(), time: now(0).time, ssh: None }
}

fn now(seconds: u64) -> Moment {
    let time = Timestamp::from_second(1_795_000_000 + i64::try_from(seconds).unwrap()).unwrap();
    Moment { time, boot: "b".into(), uptime_seconds: seconds }
}

fn event(subject: &str) -> Event {
    Event {
        incident: format!("prim/{subject}/1"),
        kind: EventKind::Failed,
        subject: subject.into(),
        class: Class::Service,
        verdict: Verdict::Fail,
        summary: "no answer".into(),
        severity: "P1".into(),
        respond: "now".into(),
        rank: 0,
        since: now(0).time,
        lasted_seconds: 0,
        affects: Vec::new(),
        next: "opsctl status".into(),
    }
}

static HOOK: Channel = Channel::webhook("hook", Address::Key("URL"));
static CHAT: Channel = Channel::slack("chat", Address::Key("CHAT"));
static SECOND: Channel = Channel::slack("second", Address::Key("SECOND"));
static THIRD: Channel = Channel::slack("third", Address::Key("THIRD"));
static MAIL: Channel = Channel::mail("mail", "TO");
static PAGES: Channel = Channel::pagerduty("pages", "ROUTING").url("URL");
static ALERTS: Channel = Channel::alertmanager("alerts", Address::Key("ALERTS"));

fn queue(subjects: &[&str]) -> Queue {
    let mut queue = Queue::default();
    for subject in subjects {
        queue.enqueue(&event(subject));
    }
    queue
}

fn sent_by(
    channel: &'static Channel,
    settings: &Settings,
    runner: &dyn Runner,
    queue: &Queue,
    limit: Duration,
) -> Outcome {
    let (system, sender) = (System::real(), sender());
    let door = Door { system: &system, runner, settings, sender: &sender };
    let message = Message::new(&sender, &queue.pending, 0, false, redact::house());
    send(&door, channel, &message, Instant::now() + limit)
}

fn sent_to(url: &str, limit: Duration) -> Outcome {
    sent_by(&HOOK, &Settings::of([("URL", url)]), &Nothing, &queue(&["wallet"]), limit)
}

/// What is to come of a receiver's failure.
enum Want {
    Accepted(&'static str),
    Again(&'static str, Option<u64>),
    Rejected(&'static str),
}

fn check(name: &str, url: &str, want: &Want) {
    let begun = Instant::now();
    let outcome = sent_to(url, SHORT);
    assert!(begun.elapsed() < SHORT * 5, "{name}: {:?}", begun.elapsed());
    let words = outcome.end.words().to_owned();
    assert!(words.chars().count() <= 200 && !words.chars().any(is_hostile), "{name}: {words:?}");
    assert!(!words.contains(SECRET), "{name}: {words}");
    let mut queue = queue(&["wallet"]);
    queue.begin();
    queue.settle(&outcome, &now(0));
    let (part, wait) = match (want, &outcome.end) {
        (Want::Accepted(part), End::Accepted(_)) => {
            assert!(queue.pending.is_empty() && outcome.accepted == [0], "{name}");
            (part, 0)
        }
        (Want::Again(part, asked), End::TryAgain(_, got)) => {
            assert_eq!(got.map(|got| got.as_secs()), *asked, "{name}");
            (part, asked.unwrap_or(60).max(60))
        }
        (Want::Rejected(part), End::Rejected(_)) => (part, 3600),
        (_, end) => panic!("{name}: {end:?}"),
    };
    assert!(words.contains(part), "{name}: {words}");
    if wait > 0 {
        // Kept, and tried again when it is time.
        assert_eq!((queue.pending.len(), queue.attempts), (1, 1), "{name}");
        assert!(!queue.due(&now(wait - 10)) && queue.due(&now(wait)), "{name}");
    }
}

#[test]
fn a_receiver_that_refuses_or_hangs_is_not_waited_for() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check("refuses", &format!("http://{gone}/{SECRET}"), &Want::Again("connection refused", None));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{SECRET}", listener.local_addr().unwrap());
    check("hangs", &url, &Want::Again("no answer in 0.6 s", None));
    let (url, _) = receiver(|_, _| thread::sleep(HANG));
    check("accepts and never answers", &url, &Want::Again("no answer in 0.6 s", None));
    check("no such name", &format!("http://no-such-host.invalid/{SECRET}"), &Want::Again("", None));
}

#[test]
fn a_status_decides() {
    let reply = |text| answers(text).0;
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\nContent-Length: 4\r\n\r\nslow";
    check("429", &reply(busy), &Want::Again("HTTP 429: slow", Some(120)));
    check(
        "429, 1 s",
        &reply("HTTP/1.1 429 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"),
        &Want::Again("HTTP 429", Some(1)),
    );
    check("408", &reply("HTTP/1.1 408 X\r\nContent-Length: 0\r\n\r\n"), &Want::Again("HTTP 408", None));
    check("500", &reply("HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\nboom"), &Want::Again("HTTP 500: boom", None));
    let escapes = "HTTP/1.1 503 X\r\nContent-Length: 13\r\n\r\n\x1b]0;x\x07\nred\u{1b}[";
    check("escapes", &reply(escapes), &Want::Again("HTTP 503", None));
    check(
        "404",
        &reply("HTTP/1.1 404 X\r\nContent-Length: 10\r\n\r\nno_service"),
        &Want::Rejected("HTTP 404: no_service"),
    );
    check("401", &reply("HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n"), &Want::Rejected("HTTP 401"));
    check("204", &reply("HTTP/1.1 204 X\r\n\r\n"), &Want::Accepted("HTTP 204"));
    check("no URL", "hunter2", &Want::Rejected("not an http or https URL"));
}

#[test]
fn a_redirect_is_not_followed() {
    let (elsewhere, seen) = answers(OK);
    for status in [301, 302, 307, 308] {
        let to = elsewhere.clone();
        let (url, _) = receiver(move |stream, _| {
            let _ = write!(stream, "HTTP/1.1 {status} X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        });
        check("redirect", &url, &Want::Again("redirects are not followed", None));
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn an_answer_that_breaks_off_drips_or_never_ends_is_bounded() {
    check("closes in the head", &answers("HTTP/1.1 200 OK\r\nContent-Le").0, &Want::Again("", None));
    check("closes at once", &answers("").0, &Want::Again("", None));
    check("garbage", &answers("\0\u{1}\u{7f}SSH-2.0-x\r\n\r\n\r\n").0, &Want::Again("", None));
    // The status came: what is behind it changes nothing.
    check(
        "closes in the body",
        &answers("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhalf").0,
        &Want::Accepted("HTTP 200: half"),
    );
    check("drips a head", &drips("HTTP/1.1 200 OK\r\n", "X"), &Want::Again("no answer in 0.6 s", None));
    check(
        "drips a body",
        &drips("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", "x"),
        &Want::Accepted("HTTP 200: x"),
    );
    let gibibyte = |stream: &mut TcpStream, _: &str| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
        let block = vec![b'y'; 1 << 20];
        for _ in 0..1024 {
            if stream.write_all(&block).is_err() {
                return;
            }
        }
    };
    check("1 GiB", &receiver(gibibyte).0, &Want::Accepted("HTTP 200: yyy"));
}

#[test]
fn a_certificate_that_nobody_trusts_is_not_taken() {
    let own = generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let known = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            let mut buffer = [0; 4096];
            if let Ok(count) = stream.read(&mut buffer) {
                known.lock().unwrap().push(String::from_utf8_lossy(&buffer[..count]).into_owned());
            }
        }
    });
    check("TLS", &format!("https://{address}/{SECRET}"), &Want::Again("certificate", None));
    assert!(seen.lock().unwrap().iter().all(String::is_empty), "nothing may be sent to it");
    // What speaks no TLS at all.
    check("no TLS", &answers("HTTP/1.1 400 X\r\n\r\n").0.replace("http:", "https:"), &Want::Again("", None));
}

#[test]
fn what_a_program_ends_with_decides() {
    let settings = Settings::of([("TO", "root")]);
    let end = |runner: &dyn Runner| sent_by(&MAIL, &settings, runner, &queue(&["wallet"]), SHORT).end;
    assert_eq!(end(&Ends(ProcessEnd::Code(0), "")), End::Accepted("sendmail exited with 0".into()));
    let words = |runner: &dyn Runner| match end(runner) {
        End::TryAgain(words, None) => words,
        other => panic!("{other:?}"),
    };
    assert_eq!(words(&Ends(ProcessEnd::Code(75), "queue is full\n")), "sendmail: exit 75: queue is full");
    assert_eq!(words(&Ends(ProcessEnd::TimedOut(SHORT), "")), "sendmail: no answer in 0.6 s");
    assert_eq!(words(&Nothing), "sendmail is not installed");
}

#[test]
fn one_event_that_is_refused_keeps_no_other_back() {
    let refuses = |stream: &mut TcpStream, text: &str| {
        let status = if text.contains("prim/b/1") { "400 Bad Request" } else { "202 Accepted" };
        let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    };
    let (url, seen) = receiver(refuses);
    let settings = Settings::of([("URL", url.as_str()), ("ROUTING", "r0uting")]);
    let outcome = sent_by(&PAGES, &settings, &Nothing, &queue(&["a", "b", "c"]), EACH);
    assert_eq!((outcome.accepted, seen.lock().unwrap().len()), (vec![0, 2], 3));
    assert_eq!(outcome.end, End::Rejected("HTTP 400".into()));
}

/// Everything that `notify` needs, and how often the record was written.
fn notified(
    channels: &[&'static Channel],
    settings: &Settings,
    queues: &mut Queues,
    events: &[Event],
    at: u64,
) -> (Sent, Vec<Queues>) {
    let (system, sender) = (System::real(), sender());
    let door = Door { system: &system, runner: &Nothing, settings, sender: &sender };
    let active = Active { open: events, recovered: &[], lasts: LASTS };
    let about = About { deployment: "prim".into(), ..About::default() };
    let mut written = Vec::new();
    let mut save = |queues: &Queues| -> Result<(), ()> {
        written.push(queues.clone());
        Ok(())
    };
    let sent = notify(&door, channels, queues, (events, active), &now(at), &about, &mut save).unwrap();
    (sent, written)
}

#[test]
fn a_check_that_finds_something_sends_it_once_to_each_channel_in_use() {
    let ((hook, hooks), (chat, chats), (alerts, alerted)) = (answers(OK), answers(OK), answers(OK));
    let settings = Settings::of([("URL", hook.as_str()), ("CHAT", &chat), ("ALERTS", &alerts)]);
    let channels: &[&'static Channel] = &[&HOOK, &CHAT, &MAIL, &ALERTS];
    let mut queues = Queues::new();
    let (sent, written) = notified(channels, &settings, &mut queues, &[event("wallet"), event("store")], 0);
    assert_eq!(sent, Sent { accepted: 4, failing: Vec::new() });
    // Before anything was sent, the record had it.
    assert_eq!(written.len(), 1);
    assert!(written[0]["hook"].attempting && written[0]["hook"].pending.len() == 2);
    assert!(!written[0].contains_key("mail"));
    assert!(queues.values().all(|queue| queue.pending.is_empty() && !queue.attempting));
    let hooks = hooks.lock().unwrap();
    assert_eq!((hooks.len(), chats.lock().unwrap().len(), alerted.lock().unwrap().len()), (1, 1, 1));
    assert!(hooks[0].starts_with(&format!("POST /{SECRET} HTTP/1.1\r\n")), "{}", hooks[0]);
    assert!(hooks[0].contains("idempotency-key: ") && hooks[0].contains("user-agent: opsctl/"), "{}", hooks[0]);
    assert!(alerted.lock().unwrap()[0].starts_with(&format!("POST /{SECRET}/api/v2/alerts ")));
    drop(hooks);
    // Nothing changed: only Alertmanager is sent again what is active.
    let (sent, _) = notified(channels, &settings, &mut queues, &[], 60);
    assert_eq!(sent, Sent::default());
    assert_eq!((chats.lock().unwrap().len(), alerted.lock().unwrap().len()), (1, 1));
}

#[test]
fn a_crash_between_the_record_and_the_message_is_said_in_the_next() {
    let (url, seen) = answers(OK);
    let settings = Settings::of([("URL", url.as_str())]);
    let mut queues = Queues::new();
    let (_, written) = notified(&[&HOOK], &settings, &mut queues, &[event("wallet")], 0);
    // The record as it was when the process was killed.
    let mut queues = written[0].clone();
    let (sent, _) = notified(&[&HOOK], &settings, &mut queues, &[], 60);
    assert_eq!(sent.accepted, 1);
    let seen = seen.lock().unwrap();
    let body =
        |at: usize| -> serde_json::Value { serde_json::from_str(seen[at].split_once("\r\n\r\n").unwrap().1).unwrap() };
    assert_eq!((&body(0)["repeated"], &body(1)["repeated"]), (&false.into(), &true.into()));
    assert_eq!(body(0)["id"], body(1)["id"]);
    assert!(body(1)["text"].as_str().unwrap().starts_with("repeated: an earlier attempt was interrupted\n"));
}

#[test]
fn what_cannot_be_recorded_is_not_sent() {
    let (url, seen) = answers(OK);
    let (system, sender, settings) = (System::real(), sender(), Settings::of([("URL", url.as_str())]));
    let door = Door { system: &system, runner: &Nothing, settings: &settings, sender: &sender };
    let (events, about) = ([event("wallet")], About::default());
    let mut queues = Queues::new();
    let active = Active { open: &[], recovered: &[], lasts: LASTS };
    let full = &mut |_: &Queues| Err("no space left");
    assert_eq!(notify(&door, &[&HOOK], &mut queues, (&events, active), &now(0), &about, full), Err("no space left"));
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(queues["hook"].pending.len(), 1);
}

#[test]
fn channels_that_hang_are_waited_for_at_once_and_the_others_learn_of_one_that_fails() {
    let (hang, _) = receiver(|_, _| thread::sleep(HANG));
    let (refuses, _) = answers("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n");
    let (good, seen) = answers(OK);
    let channels: &[&'static Channel] = &[&HOOK, &CHAT, &SECOND, &THIRD];
    let mut settings = Settings::of([("URL", refuses.as_str()), ("CHAT", &good), ("SECOND", &hang), ("THIRD", &hang)]);
    let mut queues = Queues::new();
    let begun = Instant::now();
    let (sent, _) = notified(channels, &settings, &mut queues, &[event("wallet")], 0);
    assert!(begun.elapsed() < ALL, "{:?}", begun.elapsed());
    assert_eq!((sent.accepted, sent.failing.len()), (1, 3));
    settings = Settings::of([("URL", refuses.as_str()), ("CHAT", &good)]);
    for at in [60, 180, 181] {
        notified(channels, &settings, &mut queues, &[], at);
    }
    let last = seen.lock().unwrap().last().unwrap().clone();
    assert!(last.contains("WARN prim on vps1: channel hook") && last.contains("HTTP 500"), "{last}");
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[test]
fn a_test_says_of_each_channel_what_came_back() {
    let ((good, _), (bad, _)) = (answers(OK), answers("HTTP/1.1 403 X\r\nContent-Length: 13\r\n\r\ninvalid_token"));
    let (system, sender, settings) = (System::real(), sender(), Settings::of([("URL", good.as_str()), ("CHAT", &bad)]));
    let door = Door { system: &system, runner: &Nothing, settings: &settings, sender: &sender };
    let tried = test(&door, &[&HOOK, &CHAT, &MAIL], "P3");
    let all: Vec<_> =
        tried.iter().map(|one| (one.channel.as_str(), one.in_use, one.accepted, one.answer.as_deref())).collect();
    let expected = [
        ("hook", true, true, Some("HTTP 200: ok")),
        ("chat", true, false, Some("HTTP 403: invalid_token")),
        ("mail", false, false, None),
    ];
    assert_eq!(all, expected);
    assert_eq!(tried[2].key.as_deref(), Some("TO"));
}

#[test]
fn a_time_to_wait_for_is_seconds_or_a_date() {
    assert_eq!(retry_after(" 120 "), Some(Duration::from_mins(2)));
    for wrong in ["", "-5", "soon", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT"] {
        assert_eq!(retry_after(wrong), None, "{wrong}");
    }
    let in_an_hour = Timestamp::now() + SignedDuration::from_hours(1);
    let date = rfc2822::to_string(&in_an_hour.to_zoned(jiff::tz::TimeZone::UTC)).unwrap().replace("+0000", "GMT");
    let left = retry_after(&date).unwrap();
    assert!(left > Duration::from_secs(3500) && left <= Duration::from_hours(1), "{left:?}");
}
