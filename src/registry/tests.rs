//! Every failure that the five runbooks know, and `localhost`'s, is in the registry under its name.

#![allow(clippy::unwrap_used)]

mod advice;
mod procedures;

use super::*;

/// Deployment, failure, and how many ways to it the runbook tells apart.
const RUNBOOKS: &[(&str, &[(&str, usize)])] = &[
    (
        "prim",
        &[
            ("service-crash-loop", 4),
            ("bad-gateway", 2),
            ("tls-failure", 2),
            ("mail-inbound-down", 2),
            ("sqlite-locked", 1),
            ("disk-full", 1),
            ("bun-missing", 1),
            ("x402-payment-failure", 2),
            ("wallet-down", 1),
            ("host-unreachable", 1),
            ("edge-down", 1),
            ("degraded", 1),
            ("mail-outbound-rejected", 1),
        ],
    ),
    (
        "fondation",
        &[
            ("worker-not-processing", 3),
            ("jobs-stuck", 1),
            ("high-memory", 1),
            ("claude-auth-failed", 2),
            ("clone-failed", 2),
            ("convex-unreachable", 2),
            ("disk-full", 1),
            ("image-tool-missing", 1),
            ("image-esm-imports", 1),
            ("image-module-resolution", 1),
            ("image-no-artifacts", 1),
            ("job-hangs-at-step-0", 1),
            ("silent-success", 1),
            ("high-error-rate", 1),
            ("slow-processing", 1),
        ],
    ),
    (
        "ai-fsm",
        &[
            ("app-down", 3),
            ("db-inaccessible", 2),
            ("automation-failures", 2),
            ("oom", 1),
            ("disk-full", 1),
            ("login-rate-limited", 1),
            ("data-corruption", 2),
        ],
    ),
    (
        "v-edfinance",
        &[
            ("service-down", 4),
            ("database-failure", 5),
            ("memory-leak", 4),
            ("login-failure", 5),
            ("account-lock", 1),
            ("payment-failure", 5),
            ("slow-queries", 5),
        ],
    ),
    (
        "plugspace",
        &[
            ("api-down", 2),
            ("voice-down", 1),
            ("mongodb-down", 2),
            ("redis-down", 2),
            ("high-cpu", 1),
            ("high-memory", 1),
            ("high-latency", 1),
            ("certificate-expiring", 1),
            ("disk-low", 1),
            ("voice-latency", 1),
            ("voice-errors", 1),
            ("queue-backlog", 1),
            ("queue-failed", 1),
            ("nginx-down", 1),
            ("nginx-connections", 1),
            ("mongodb-connections", 1),
            ("mongodb-replication-lag", 1),
            ("redis-memory", 1),
            ("error-rate", 1),
        ],
    ),
    (
        "localhost",
        &[
            ("disk-full", 1),
            ("inodes-full", 1),
            ("memory-low", 1),
            ("oom", 1),
            ("unit-failed", 1),
            ("crash-loop", 1),
            ("clock-drift", 1),
            ("tls-failure", 1),
            ("port-conflict", 1),
            ("journal-trouble", 1),
        ],
    ),
];

#[test]
fn every_failure_of_the_runbooks_is_known_by_name_and_told_apart() {
    let all = DEPLOYMENTS.iter().copied().chain([&LOCALHOST]);
    let mut missing = Vec::new();
    for deployment in all {
        let failures = RUNBOOKS.iter().find(|(name, _)| *name == deployment.name).map(|(_, failures)| *failures);
        let Some(failures) = failures else {
            missing.push(deployment.name.to_owned());
            continue;
        };
        for (slug, ways) in failures {
            let causes = deployment.failure(slug).map_or(0, |failure| failure.causes().count());
            if causes < *ways {
                missing.push(format!("{}: {slug} has {causes} causes instead of {ways}", deployment.name));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn other_words_mean_what_an_operator_would_mean() {
    let known = |deployment: &str, word: &str| {
        let mut all = DEPLOYMENTS.iter().copied().chain([&LOCALHOST]);
        all.find(|d| d.name == deployment).and_then(|d| d.failure(word)).map(|failure| failure.slug)
    };
    assert_eq!(known("prim", "502"), Some("bad-gateway"));
    assert_eq!(known("prim", "x402"), Some("x402-payment-failure"));
    assert_eq!(known("prim", "TLS"), Some("tls-failure"));
    assert_eq!(known("ai-fsm", "out-of-memory"), Some("oom"));
    assert_eq!(known("localhost", "oom"), Some("memory-low"));
    assert_eq!(known("prim", "account-lock"), None);
}

#[test]
fn a_service_without_logs_is_read_where_its_managers_keep_what_it_prints() {
    static LEVEL: Level = Level::new("down").criterion("c").response("now").action("a");
    static UNIT: Service = Service::new("shop", &LEVEL)
        .summary("the shop")
        .severity_reason("all")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static CONTAINER: Service = Service::new("shop", &LEVEL)
        .summary("the shop")
        .severity_reason("all")
        .managers(&[Manager::Docker(Container::new(&["shop"]))]);
    static STATED: Service = Service::new("shop", &LEVEL)
        .summary("the shop")
        .severity_reason("all")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))])
        .logs(&[Log::Journal("other.service")]);
    assert!(matches!(UNIT.log_sources()[..], [Log::Journal("shop.service")]));
    assert!(matches!(CONTAINER.log_sources()[..], [Log::Container]));
    assert!(matches!(STATED.log_sources()[..], [Log::Journal("other.service")]));
}
