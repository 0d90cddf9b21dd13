//! Alerts: what fires, and silences. Measured with Alertmanager 0.25 and Prometheus 2.42 of Debian.

use Assertion::Command;

use crate::registry::*;

const SILENCES: Step = Step::show(
    "silences",
    "list silences with their IDs and ends",
    Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9093/api/v2/silences"]),
);

pub static ALERT_STATUS: Procedure = Procedure::new(
    "alert-status",
    &[
        Step::show(
            "alerts",
            "list alerts of Prometheus with their state",
            Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9090/federate?match%5B%5D=ALERTS"]),
        ),
        Step::show(
            "targets",
            "list what Prometheus watches: 1 is up, 0 is down",
            Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9090/federate?match%5B%5D=up"]),
        ),
        SILENCES,
    ],
)
.aliases(&["alerts"])
.summary("list alerts, targets and silences")
.section("Check Alert Status")
.when("an alert came in, or none came although something is down")
.note(
    "an empty list does not mean healthy: ServiceDown always fires and mutes every other alert; opsctl status asks the \
     services themselves. The runbook reads /api/v1/alerts with jq; /federate prints the same, a line an alert",
);

/// In the order in which Alertmanager writes the fields; a `]` ends the matchers, so nothing is matched across silences.
const SILENCED: Assertion = Command(
    Invocation::new(&[
        "curl",
        "-fsS",
        "-m",
        "10",
        "http://127.0.0.1:9093/api/v2/silences?filter=alertname%3D%22{alert}%22",
    ])
    .expects(concat!(
        r#""status":\{"state":"active"\}[^\]]*"matchers":\[\{"isEqual":true,"isRegex":false,"#,
        r#""name":"alertname","value":"{alert}"\}\]"#
    ))
    .means("Alertmanager silences {alert}", "Alertmanager does not silence {alert}"),
);

pub static SILENCE_ALERT: Procedure = Procedure::new(
    "silence-alert",
    &[
        Step::check(
            "alertmanager",
            "check that Alertmanager answers",
            Command(
                Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9093/-/healthy"])
                    .no(7)
                    .means("Alertmanager answers on port 9093", "nothing listens on port 9093"),
            ),
            "without Alertmanager nobody is notified, so there is nothing to silence",
        ),
        Step::show(
            "firing",
            "list alerts of that name that fire or are pending",
            Invocation::new(&[
                "curl",
                "-fsS",
                "-m",
                "10",
                "http://127.0.0.1:9090/federate?match%5B%5D=ALERTS%7Balertname%3D%22{alert}%22%7D",
            ])
            .no(7),
        ),
        Step::request(
            "silence",
            "silence {alert} for {for}",
            Request::post(
                9093,
                "/api/v2/silences",
                concat!(
                    r#"{"matchers":[{"name":"alertname","value":"{alert}","isRegex":false,"isEqual":true}],"#,
                    r#""startsAt":"1970-01-01T00:00:00Z","endsAt":"{for.end}","createdBy":"opsctl","comment":"{reason}"}"#
                ),
            ),
            Risk::Safe,
        )
        .proof(SILENCED)
        .undo(Undo::Never("it ends by itself; unsilence-alert with its ID ends it sooner")),
        Step::show(
            "silences",
            "show the silence with its ID and end",
            Invocation::new(&[
                "curl",
                "-fsS",
                "-m",
                "10",
                "http://127.0.0.1:9093/api/v2/silences?filter=alertname%3D%22{alert}%22",
            ]),
        ),
    ],
)
.aliases(&["silence", "mute"])
.summary("silence an alert for a while")
.section("Silence an Alert")
.when("an alert is known and being worked on, or planned work will make it fire")
.not_when("nobody works on it: a silenced alert is forgotten")
.parameters(&[
    Parameter::new("alert", ParameterKind::Word).help("name of the alert, as HighCPUUsage"),
    Parameter::new("for", ParameterKind::Duration).help("how long").default("2h"),
    Parameter::new("reason", ParameterKind::Word).help("why, one word").default("investigating"),
])
.done(&[SILENCED])
.note(
    "the runbook's call has no Content-Type, so Alertmanager rejects it. Alertmanager moves a start in the past to now. An \
     alert that is silenced already is left as it is: end that silence first to have another end",
);

pub static UNSILENCE_ALERT: Procedure = Procedure::new(
    "unsilence-alert",
    &[
        Step::check(
            "known",
            "check that Alertmanager knows the silence",
            Command(
                Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9093/api/v2/silence/{silence}"])
                    .no(22)
                    .means("Alertmanager has a silence {silence}", "Alertmanager has no silence {silence}"),
            ),
            "alert-status lists silences with their IDs",
        ),
        Step::request(
            "expire",
            "end the silence {silence}",
            Request::delete(9093, "/api/v2/silence/{silence}"),
            Risk::Safe,
        )
        .proof(EXPIRED)
        .undo(Undo::Never("silence-alert silences the alert again")),
    ],
)
.aliases(&["unsilence", "unmute"])
.summary("end a silence before its time")
.section("Silence an Alert")
.when("the work is done, or the wrong alert was silenced")
.parameters(&[Parameter::new("silence", ParameterKind::Word).help("ID of the silence, from alert-status")])
.done(&[EXPIRED])
.note("Alertmanager keeps an ended silence for five days, marked expired");

const EXPIRED: Assertion = Command(
    Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9093/api/v2/silence/{silence}"])
        .no(22)
        .expects(r#""status":\{"state":"expired"\}"#)
        .means("the silence {silence} has ended", "the silence {silence} has not ended"),
);
