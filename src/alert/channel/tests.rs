//! What each kind of receiver is sent, and that nothing in an event can be more than text there.

use std::net::SocketAddr;

use serde_json::Value;

use super::*;
use crate::alert::Class;
use crate::host::tools::Content;

mod hostile;

const SECRET: &str = "hunter2Secret9";

fn sender() -> Sender {
    Sender {
        deployment: "prim".into(),
        host: "vps1".into(),
        time: "2026-02-26T02:23:12Z".parse().unwrap(),
        ssh: Some("ssh root@192.0.2.7".into()),
    }
}

fn event(subject: &str, kind: EventKind, verdict: Verdict, rank: u8) -> Event {
    Event {
        incident: format!("prim/{subject}/1795000000"),
        kind,
        subject: subject.into(),
        class: Class::Service,
        verdict,
        summary: "no answer on port 3001".into(),
        severity: "P1".into(),
        respond: "within 15 min".into(),
        rank,
        since: "2026-02-26T02:11:07Z".parse().unwrap(),
        lasted_seconds: 725,
        affects: vec!["store".into(), "spawn".into()],
        next: "opsctl -d prim diagnose wallet".into(),
    }
}

fn failed(subject: &str) -> Event {
    event(subject, EventKind::Failed, Verdict::Fail, 0)
}

fn notice(event: Event) -> Notice {
    Notice { event, missed: false }
}

fn message_of(events: &[Event]) -> Message {
    let notices: Vec<Notice> = events.iter().cloned().map(notice).collect();
    Message::new(&sender(), &notices, 0, false, &Redactor::new([SECRET]))
}

const URL: Address = Address::Key("URL");
static WEBHOOK: Channel = Channel::webhook("w", URL);
static SLACK: Channel = Channel::slack("s", URL);
static DISCORD: Channel = Channel::discord("d", URL);
static NTFY: Channel = Channel::ntfy("n", URL).token("TOKEN");
static PAGERDUTY: Channel = Channel::pagerduty("p", "ROUTING").url("URL");
static MAIL: Channel = Channel::mail("m", "TO");
static ALERTMANAGER: Channel = Channel::alertmanager("a", Address::Local(9093));
static COMMAND: Channel = Channel::command("c", &["/usr/local/bin/notify", "--quiet"]);
static ALL: &[&Channel] = &[&WEBHOOK, &SLACK, &DISCORD, &NTFY, &PAGERDUTY, &MAIL, &ALERTMANAGER, &COMMAND];

fn settings() -> Settings {
    let pairs =
        [("URL", "https://hooks.test/t0pic"), ("TOKEN", "tk_1"), ("ROUTING", "r0uting"), ("TO", "ops@x.test, root")];
    Settings::of(pairs)
}

fn composed(channel: &'static Channel, message: &Message) -> Vec<Part> {
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    compose(channel, &settings(), &local, message).unwrap()
}

fn posts(channel: &'static Channel, message: &Message) -> Vec<(Post, Value)> {
    let post = |part: Part| match part.outgoing {
        Outgoing::Http(post) => {
            let body = serde_json::from_str(&post.body).unwrap();
            (post, body)
        }
        Outgoing::Program(_) => panic!("a program"),
    };
    composed(channel, message).into_iter().map(post).collect()
}

fn body(channel: &'static Channel, events: &[Event]) -> Value {
    posts(channel, &message_of(events)).remove(0).1
}

fn input(channel: &'static Channel, message: &Message) -> (Argv, String) {
    match composed(channel, message).remove(0).outgoing {
        Outgoing::Program(argv) => match argv.input.clone().unwrap().content {
            Content::Bytes(bytes) => (argv, String::from_utf8(bytes).unwrap()),
            Content::File(_) => panic!("a file"),
        },
        Outgoing::Http(_) => panic!("a request"),
    }
}

#[test]
fn a_message_says_what_since_when_how_urgent_and_what_to_type() {
    let message = message_of(&[failed("wallet")]);
    assert_eq!(message.title(), "FAIL prim on vps1: wallet");
    let text = "FAIL wallet: no answer on port 3001\n\
                since 2026-02-26 02:11:07 UTC (12m5s)\n\
                severity P1 (response: within 15 min)\n\
                affects: store, spawn\n\
                next: opsctl -d prim diagnose wallet\n\n\
                log in: ssh root@192.0.2.7";
    assert_eq!(message.text(9000, &PLAIN), text);
    let both = [failed("wallet"), event("store", EventKind::Recovered, Verdict::Pass, 1)];
    assert_eq!(message_of(&both).title(), "FAIL prim on vps1: wallet and 1 other");
    let recovered = message_of(&both[1..]);
    assert_eq!(recovered.title(), "RECOVERED prim on vps1: store");
    let text = "RECOVERED store: no answer on port 3001\nit was failing for 12m5s, since 2026-02-26 02:11:07 UTC";
    assert_eq!(recovered.text(9000, &PLAIN), text);
    let missed = Notice { event: both[1].clone(), missed: true };
    let missed = Message::new(&sender(), &[missed], 3, true, &Redactor::new([]));
    let text = "repeated: an earlier attempt was interrupted\n\n\
                RECOVERED store: no answer on port 3001\n\
                not reported before: it was failing from 2026-02-26 02:11:07 UTC to 2026-02-26 02:23:12 UTC (12m5s)\n\n\
                3 older events were dropped: the channel did not accept them";
    assert_eq!(missed.text(9000, &PLAIN), text);
}

#[test]
fn each_kind_has_its_word() {
    let title = |kind, verdict| message_of(&[event("x", kind, verdict, 0)]).title();
    for (kind, verdict, word) in [
        (EventKind::Failed, Verdict::Warn, "WARN"),
        (EventKind::Worse, Verdict::Fail, "FAIL"),
        (EventKind::Reminder, Verdict::Fail, "STILL FAIL"),
        (EventKind::Flapping, Verdict::Fail, "FLAPPING"),
        (EventKind::Stable, Verdict::Pass, "STABLE"),
        (EventKind::Stable, Verdict::Fail, "STABLE, FAIL"),
        (EventKind::Unknown, Verdict::Unknown, "UNKNOWN"),
        (EventKind::Test, Verdict::Pass, "TEST"),
    ] {
        assert_eq!(title(kind, verdict), format!("{word} prim on vps1: x"));
    }
}

#[test]
fn the_worst_stands_first() {
    let old = |event: Event| Event { since: "2026-02-26T01:00:00Z".parse().unwrap(), ..event };
    let mut notices: Vec<Notice> = [
        event("recovered", EventKind::Recovered, Verdict::Pass, 0),
        event("warned", EventKind::Failed, Verdict::Warn, 0),
        event("later", EventKind::Failed, Verdict::Fail, 2),
        old(event("older", EventKind::Failed, Verdict::Fail, 2)),
        event("worst", EventKind::Reminder, Verdict::Fail, 0),
    ]
    .map(notice)
    .into();
    sort(&mut notices);
    let subjects: Vec<&str> = notices.iter().map(|notice| notice.event.subject.as_str()).collect();
    assert_eq!(subjects, ["worst", "older", "later", "warned", "recovered"]);
}

#[test]
fn more_events_than_a_message_takes_are_counted() {
    let events: Vec<Event> = (0..25).map(|number| failed(&format!("s{number}"))).collect();
    let message = message_of(&events);
    assert_eq!(message.title(), "FAIL prim on vps1: s0 and 24 others");
    let text = message.text(1 << 20, &PLAIN);
    assert!(
        text.contains("FAIL s19:") && !text.contains("FAIL s20:") && text.contains("\nand 5 more events\n"),
        "{text}"
    );
    let short = message.text(1000, &PLAIN);
    assert!(short.len() <= 1000 && short.contains("more events") && short.contains("FAIL s0:"), "{short}");
    assert_eq!(composed(&WEBHOOK, &message)[0].notices, (0..25).collect::<Vec<_>>());
    // A request each, and those that are left are sent next time.
    assert_eq!(composed(&PAGERDUTY, &message).len(), MOST);
}

#[test]
fn the_same_message_has_the_same_id_and_another_has_another() {
    let id = |events: &[Event]| message_of(events).id;
    assert_eq!(id(&[failed("a")]), id(&[failed("a")]));
    assert_ne!(id(&[failed("a")]), id(&[failed("b")]));
    assert_ne!(id(&[failed("a")]), id(&[Event { kind: EventKind::Reminder, ..failed("a") }]));
    let (post, body) = posts(&WEBHOOK, &message_of(&[failed("a")])).remove(0);
    assert!(post.headers.contains(&("idempotency-key", id(&[failed("a")]))));
    assert_eq!(body["id"], id(&[failed("a")]));
}

#[test]
fn a_webhook_gets_the_document_of_this_program() {
    let body = body(&WEBHOOK, &[failed("wallet")]);
    assert_eq!(
        (&body["schema"], &body["type"], &body["status"]),
        (&"opsctl/notification/v1".into(), &"check".into(), &"fail".into())
    );
    assert_eq!(body["timestamp"], "2026-02-26T02:23:12Z");
    assert_eq!((&body["events"][0]["subject"], &body["events"][0]["missed"]), (&"wallet".into(), &false.into()));
    assert!(body["message"].as_str().unwrap().starts_with("FAIL prim on vps1: wallet\nFAIL wallet: "));
    let (argv, text) = input(&COMMAND, &message_of(&[failed("wallet")]));
    assert_eq!(argv.to_string(), "/usr/local/bin/notify --quiet < 'the document'");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["title"], body["title"]);
}

#[test]
fn slack_and_discord_get_text_alone() {
    let hostile =
        Event { summary: "<!channel> & <http://x|y> @here *b* `c` [d](e) user@here.test".into(), ..failed("wallet") };
    let text = body(&SLACK, std::slice::from_ref(&hostile))["text"].as_str().unwrap().to_owned();
    assert!(text.contains("&lt;!channel&gt; &amp; &lt;http://x|y&gt; \u{ff20}here *b*"), "{text}");
    assert!(text.contains("ssh root@192.0.2.7"), "{text}");
    let discord = body(&DISCORD, std::slice::from_ref(&hostile));
    assert_eq!(discord["allowed_mentions"], serde_json::json!({ "parse": [] }));
    let content = discord["content"].as_str().unwrap();
    assert!(content.contains(r"\<!channel\>") && content.contains(r"\*b\* \`c\` \[d\](e)"), "{content}");
    assert!(content.contains("next: `opsctl -d prim diagnose wallet`"), "{content}");
    // Discord behind a channel that is stated as Slack's.
    for (url, key) in [
        ("https://discord.com/api/webhooks/1/t", "content"),
        ("https://canary.discordapp.com/api/webhooks/1/t", "content"),
        ("https://discord.com/api/webhooks/1/t/slack", "text"),
        ("https://discord.com.evil.test/api", "text"),
        ("https://hooks.slack.com/services/T/B/x", "text"),
    ] {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let parts = compose(&SLACK, &Settings::of([("URL", url)]), &local, &message_of(std::slice::from_ref(&hostile)))
            .unwrap();
        let Outgoing::Http(post) = &parts[0].outgoing else { panic!() };
        assert!(serde_json::from_str::<Value>(&post.body).unwrap()[key].is_string(), "{url}");
    }
}

#[test]
fn ntfy_rings_by_severity() {
    let message = message_of(&[failed("wallet")]);
    let (post, body) = posts(&NTFY, &message).remove(0);
    assert_eq!(post.url.expose(), "https://hooks.test/");
    assert!(post.headers.contains(&("authorization", "Bearer tk_1".into())));
    assert_eq!((&body["topic"], &body["title"]), (&"t0pic".into(), &"FAIL prim on vps1: wallet".into()));
    assert_eq!(body["tags"], serde_json::json!(["rotating_light", "prim"]));
    assert_eq!(body["actions"][0]["url"], "ssh://root@192.0.2.7");
    let priority = |kind, verdict, rank| {
        super::tests::body(&NTFY, &[event("x", kind, verdict, rank)])["priority"].as_u64().unwrap()
    };
    assert_eq!([0, 1, 2, 3, 9].map(|rank| priority(EventKind::Failed, Verdict::Fail, rank)), [5, 4, 3, 2, 2]);
    assert_eq!([0, 1, 2].map(|rank| priority(EventKind::Failed, Verdict::Warn, rank)), [4, 3, 2]);
    assert_eq!(priority(EventKind::Recovered, Verdict::Pass, 0), 2);
    assert_eq!(priority(EventKind::Test, Verdict::Pass, 255), 3);
}

#[test]
fn pagerduty_opens_and_resolves_by_incident() {
    let recovered = event("b", EventKind::Recovered, Verdict::Pass, 0);
    let notices = [notice(failed("a")), notice(recovered.clone()), Notice { event: recovered, missed: true }];
    let message = Message::new(&sender(), &notices, 0, false, &Redactor::new([]));
    let parts = composed(&PAGERDUTY, &message);
    assert_eq!(parts.iter().map(|part| part.notices.clone()).collect::<Vec<_>>(), [vec![0], vec![1], vec![], vec![2]]);
    let sent = posts(&PAGERDUTY, &message);
    let actions: Vec<&str> = sent.iter().map(|(_, body)| body["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "resolve", "trigger", "resolve"]);
    let (post, body) = &sent[0];
    assert_eq!(post.url.expose(), "https://hooks.test/t0pic");
    assert_eq!((&body["routing_key"], &body["dedup_key"]), (&"r0uting".into(), &"prim/a/1795000000".into()));
    assert_eq!(body["payload"]["severity"], "critical");
    assert_eq!(body["payload"]["summary"], "FAIL prim on vps1: a: no answer on port 3001");
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let parts = compose(&PAGERDUTY, &Settings::of([("ROUTING", "x")]), &local, &message).unwrap();
    let Outgoing::Http(post) = &parts[0].outgoing else { panic!() };
    assert_eq!(post.url.expose(), "https://events.pagerduty.com/v2/enqueue");
}

#[test]
fn a_mail_has_its_headers_and_no_address_among_its_arguments() {
    let (argv, text) = input(&MAIL, &message_of(&[failed("störung")]));
    assert_eq!(argv.to_string(), "sendmail -i -t < 'the message'");
    let (headers, body) = text.split_once("\n\n").unwrap();
    let expected = "To: ops@x.test, root\n\
                    Subject: =?utf-8?Q?FAIL_prim_on_vps1=3A_st=C3=B6rung?=\n\
                    Date: Thu, 26 Feb 2026 02:23:12 +0000\n";
    assert!(headers.starts_with(expected), "{headers}");
    assert!(headers.contains("\nAuto-Submitted: auto-generated\n") && headers.contains("@vps1>\n"), "{headers}");
    assert!(body.starts_with("FAIL störung: "), "{body}");
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    for bad in ["-oQ/tmp", "a b@c@d", ",", "x@y|z"] {
        let composed = compose(&MAIL, &Settings::of([("TO", bad)]), &local, &message_of(&[failed("x")]));
        let Err(Unfit::Malformed(why)) = composed else { panic!("{bad}") };
        assert!(!why.contains(bad), "{why}");
    }
}

#[test]
fn alertmanager_is_sent_what_is_active_and_what_just_ended() {
    let (active, ended) = ([failed("wallet"), Event { class: Class::Disk, ..failed("disk /") }], [failed("store")]);
    let lasts = SignedDuration::from_mins(15);
    let post = alertmanager::alerts("http://127.0.0.1:9093/", &sender(), (&active, &ended), lasts, &Redactor::new([]));
    assert_eq!(post.url.expose(), "http://127.0.0.1:9093/api/v2/alerts");
    let alerts: Value = serde_json::from_str(&post.body).unwrap();
    let labels = serde_json::json!({
        "alertname": "ServiceDown", "deployment": "prim", "instance": "vps1", "service": "wallet", "severity": "P1",
    });
    assert_eq!(alerts[0]["labels"], labels);
    assert_eq!(alerts[0]["startsAt"], "2026-02-26T02:11:07Z");
    assert_eq!(alerts[0]["endsAt"], "2026-02-26T02:38:12Z");
    assert_eq!(
        (&alerts[1]["labels"]["alertname"], &alerts[1]["labels"]["subject"]),
        (&"DiskFull".into(), &"disk /".into())
    );
    assert_eq!(
        (&alerts[2]["labels"]["service"], &alerts[2]["endsAt"]),
        (&"store".into(), &"2026-02-26T02:23:12Z".into())
    );
    let below = |url| super::below(url, "/api/v2/alerts");
    assert_eq!(below("http://a/am?x=1"), "http://a/am/api/v2/alerts?x=1");
    assert_eq!(below("http://a/am/api/v2/alerts/"), "http://a/am/api/v2/alerts");
}

#[test]
fn what_is_not_set_is_not_in_use_and_what_is_no_url_is_not_quoted() {
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let message = message_of(&[failed("x")]);
    for channel in ALL.iter().filter(|channel| channel.key().is_some()) {
        let unfit = compose(channel, &Settings::default(), &local, &message).err();
        assert_eq!(unfit, channel.key().map(Unfit::NotInUse));
    }
    for bad in
        ["hunter2", "ftp://hunter2", "http://", "//hunter2/x", "http://hunter2 x/", "file:///hunter2", "https:/hunter2"]
    {
        for channel in [&WEBHOOK, &SLACK, &DISCORD, &NTFY] {
            let Err(Unfit::Malformed(why)) = compose(channel, &Settings::of([("URL", bad)]), &local, &message) else {
                panic!("{bad}")
            };
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
