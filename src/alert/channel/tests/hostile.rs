//! Whatever is in an event, no receiver takes it for more than text.

use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = String> {
    let hostile = "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}\u{202e}\u{200b}\n\r]|<!here>|@everyone|`|\\\\|\\*|hunter2Secret9|é|=\\?|&|<|>){0,120}";
    hostile.prop_map(|text| text)
}

fn any_event() -> impl Strategy<Value = Event> {
    let kinds = [
        EventKind::Failed,
        EventKind::Worse,
        EventKind::Reminder,
        EventKind::Recovered,
        EventKind::Flapping,
        EventKind::Stable,
        EventKind::Unknown,
        EventKind::Test,
    ];
    let verdicts = [Verdict::Pass, Verdict::Warn, Verdict::Unknown, Verdict::Fail];
    let texts = (text(), text(), text(), text(), text(), proptest::collection::vec(text(), 0..8), text());
    (
        proptest::sample::select(kinds.to_vec()),
        proptest::sample::select(verdicts.to_vec()),
        any::<u8>(),
        any::<u64>(),
        texts,
    )
        .prop_map(
            |(kind, verdict, rank, lasted_seconds, (incident, subject, summary, severity, respond, affects, next))| {
                Event {
                    incident,
                    kind,
                    subject,
                    verdict,
                    summary,
                    severity,
                    respond,
                    rank,
                    lasted_seconds,
                    affects,
                    next,
                    ..failed("x")
                }
            },
        )
}

/// All strings of a JSON value.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| strings(one, found)),
        Value::Object(all) => all.values().for_each(|one| strings(one, found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_from_outside_is_more_than_text(
        events in proptest::collection::vec(any_event(), 1..4),
        (deployment, host, ssh) in (text(), text(), proptest::option::of(text())),
        repeated in any::<bool>(),
    ) {
        let from = Sender { deployment, host, ssh, ..sender() };
        let notices: Vec<Notice> = events.into_iter().map(notice).collect();
        let message = Message::new(&from, &notices, 7, repeated, &Redactor::new([SECRET]));
        for channel in ALL {
            for part in composed(channel, &message) {
                let texts = match part.outgoing {
                    Outgoing::Http(post) => {
                        prop_assert!(!post.body.contains(SECRET), "{}", post.body);
                        for (_, value) in &post.headers {
                            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                        }
                        let mut found = Vec::new();
                        strings(&serde_json::from_str(&post.body).unwrap(), &mut found);
                        found
                    }
                    Outgoing::Program(argv) => match argv.input.unwrap().content {
                        Content::Bytes(bytes) => vec![String::from_utf8(bytes).unwrap()],
                        Content::File(_) => panic!("a file"),
                    },
                };
                for text in texts {
                    prop_assert!(!text.contains(SECRET), "{}: {text}", channel.name);
                    prop_assert!(!text.chars().any(|c| c != '\n' && is_hostile(c)), "{}: {text:?}", channel.name);
                }
            }
        }
        // Slack: nothing opens. Discord: every sign of markup is escaped, but for those around a command.
        let slack = posts(&SLACK, &message).remove(0).1["text"].as_str().unwrap().to_owned();
        let mention = regex::Regex::new(r"(?i)@(channel|here|all|everyone)([^0-9a-z]|$)").unwrap();
        prop_assert!(!slack.contains(['<', '>']) && !mention.is_match(&slack), "{slack}");
        let discord = posts(&DISCORD, &message).remove(0).1["content"].as_str().unwrap().to_owned();
        prop_assert!(discord.chars().count() <= 2000);
        for line in discord.lines() {
            let text = line.strip_suffix('`').and_then(|line| line.split_once(": `")).map_or(line, |(head, command)| {
                assert!(!command.contains('`'), "{line}");
                head
            });
            let mut escaped = false;
            for c in text.chars() {
                assert!(escaped || !"*_~`|<>[]#".contains(c), "{line}");
                escaped = c == '\\' && !escaped;
            }
            assert!(!escaped, "{line}");
        }
        // ntfy takes 4,096 bytes for a message.
        let ntfy = posts(&NTFY, &message).remove(0).1;
        prop_assert!(ntfy["message"].as_str().unwrap().len() <= 4096);
        // A mail: its headers are ASCII, each begins with a name or goes on.
        let (_, mail) = input(&MAIL, &message);
        let (headers, _) = mail.split_once("\n\n").unwrap();
        prop_assert!(headers.is_ascii());
        let names = ["To: ", "Subject: ", "Date: ", "Message-ID: ", "Auto-Submitted: ", "MIME-Version: ", "Content-T", " ="];
        for line in headers.lines() {
            prop_assert!(names.iter().any(|name| line.starts_with(name)) && line.len() < 998, "{headers}");
        }
    }
}
