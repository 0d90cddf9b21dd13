//! Certificates as the edge serves them.

use super::host::{EXTRA, FRONT, days, health, hours, lines, served, with_left};
use super::*;
use crate::judge::health::certificate::Certificate;
use crate::observe::probe::{Served, Trust};

/// What is said of the one certificate that is shown for `shop.example`.
fn certificate(served: Result<Served, String>) -> String {
    let health = health(&[&FRONT], |host, _| host.certificates[0].1 = said("openssl", served));
    let [certificate] = health.certificates.as_slice() else { panic!("one was served") };
    let check = health.checks.last().unwrap();
    assert_eq!((&check.summary, check.verdict), (&certificate.summary, certificate.verdict));
    format!("{}: {}", word(certificate.verdict), certificate.summary)
}

#[test]
fn certificates_of_ninety_days_at_their_bounds() {
    let left = |left: SignedDuration| certificate(Ok(with_left("shop.example", left)));
    assert_eq!(left(days(90)), "pass: 90d0h left");
    assert_eq!(left(days(21)), "pass: 21d0h left");
    assert_eq!(left(days(21) - hours(1)), "warn: expires in 20d23h");
    assert_eq!(left(days(7)), "warn: expires in 7d0h");
    assert_eq!(left(days(7) - hours(1)), "fail: expires in 6d23h");
    assert_eq!(left(hours(0)), "fail: expires in 0s");
    assert_eq!(left(hours(-1)), "fail: expired 1h0m ago");
    assert_eq!(left(days(-40)), "fail: expired 40d0h ago");
}

#[test]
fn certificates_of_other_lives() {
    // A year: the same days count, not the same fraction.
    let year =
        |left: SignedDuration| certificate(Ok(served(now() + left - days(365), now() + left, &["shop.example"])));
    assert_eq!(year(days(21)), "pass: 21d0h left");
    assert_eq!(year(days(20)), "warn: expires in 20d0h");
    // Six days: 21 and 7 of 90 are 33.6 and 11.2 hours.
    let short = |left: SignedDuration| certificate(Ok(served(now() + left - days(6), now() + left, &["shop.example"])));
    assert_eq!(short(hours(34)), "pass: 1d10h left");
    assert_eq!(short(hours(33)), "warn: expires in 1d9h");
    assert_eq!(short(hours(12)), "warn: expires in 12h0m");
    assert_eq!(short(hours(11)), "fail: expires in 11h0m");
}

#[test]
fn certificates_that_clients_refuse() {
    let whole = |names: &[&str]| certificate(Ok(served(now() - days(10), now() + days(80), names)));
    assert_eq!(certificate(Ok(served(now() + hours(1), now() + days(90), &["shop.example"]))), "fail: not valid yet");
    assert_eq!(whole(&["other.example"]), "fail: is for other.example");
    assert_eq!(whole(&[]), "fail: is for no name");
    assert_eq!(whole(&["www.shop.example", "SHOP.example"]), "pass: 80d0h left");
    assert_eq!(whole(&["*.example"]), "pass: 80d0h left");
    assert_eq!(whole(&["*.shop.example"]), "fail: is for *.shop.example");
    assert_eq!(whole(&["*.op.example"]), "fail: is for *.op.example");
    // Expiry is worse than a wrong name: it is told first.
    assert_eq!(
        certificate(Ok(served(now() - days(91), now() - days(1), &["other.example"]))),
        "fail: expired 1d0h ago"
    );
}

#[test]
fn certificates_of_nobody_known_are_never_good() {
    let of = |left: SignedDuration, trust: Trust| certificate(Ok(Served { trust, ..with_left("shop.example", left) }));
    let unknown = || Trust::Unknown("it is self-signed".to_owned());
    assert_eq!(of(days(60), unknown()), "warn: it is self-signed; 60d0h left");
    assert_eq!(of(days(10), unknown()), "warn: it is self-signed; expires in 10d0h");
    assert_eq!(of(days(1), unknown()), "fail: expires in 1d0h; it is self-signed");
    assert_eq!(of(days(-1), unknown()), "fail: expired 1d0h ago; it is self-signed");
    let other = Served { trust: unknown(), ..with_left("other.example", days(60)) };
    assert_eq!(certificate(Ok(other)), "fail: is for other.example; it is self-signed");
    let refused = || Trust::Refused("the certificate of its issuer X has expired".to_owned());
    assert_eq!(of(days(60), refused()), "fail: the certificate of its issuer X has expired; 60d0h left");
    assert_eq!(of(days(-1), refused()), "fail: expired 1d0h ago");
    let unchecked = || Trust::Unchecked("no authorities are installed".to_owned());
    assert_eq!(of(days(60), unchecked()), "unknown: no authorities are installed; 60d0h left");
    assert_eq!(of(days(10), unchecked()), "unknown: no authorities are installed; expires in 10d0h");
    assert_eq!(of(days(1), unchecked()), "fail: expires in 1d0h");
}

#[test]
fn certificates_at_the_ends_of_time() {
    let endless = Served { is_endless: true, ..served(now() - days(1), Timestamp::MAX, &["shop.example"]) };
    assert_eq!(certificate(Ok(endless)), "pass: it has no expiry date");
    assert_eq!(certificate(Ok(served(Timestamp::MIN, Timestamp::MIN, &[]))).split(' ').next(), Some("fail:"));
    assert_eq!(certificate(Ok(served(Timestamp::MAX, Timestamp::MAX, &[]))), "fail: not valid yet");
    assert_eq!(certificate(Ok(served(Timestamp::MAX, Timestamp::MIN, &[]))).split(' ').next(), Some("fail:"));
    assert!(certificate(Ok(served(Timestamp::MIN, Timestamp::MAX, &["shop.example"]))).starts_with("pass: "));
}

#[test]
fn no_tls_at_all() {
    assert_eq!(certificate(Err("connection refused".to_owned())), "fail: no TLS: connection refused");
    let health = health(&[&FRONT], |host, _| host.certificates[0].1 = said("openssl", Err("reset".to_owned())));
    assert_eq!(
        health.certificates,
        [Certificate {
            host: "shop.example".into(),
            not_after: None,
            days_left: None,
            issuer: None,
            verdict: Verdict::Fail,
            summary: "no TLS: reset".into(),
        }]
    );
}

#[test]
fn a_wildcard_stands_for_one_label() {
    let names = |host: &str, name: &str| {
        let health = health(&[&FRONT], |evidence, _| {
            evidence.certificates = vec![(host.to_owned(), said("openssl", Ok(with_left(name, days(60)))))];
        });
        health.verdict
    };
    assert_eq!(names("a.shop.example", "*.shop.example"), Verdict::Pass);
    assert_eq!(names("a.b.shop.example", "*.shop.example"), Verdict::Fail);
    assert_eq!(names("shop.example", "*.shop.example"), Verdict::Fail);
    assert_eq!(names("localhost", "*.localhost"), Verdict::Fail);
}

#[test]
fn hosts_of_services_that_are_not_here_are_not_judged() {
    let hosts = |extra_is_here: bool| {
        let health = health(&[&FRONT, &EXTRA], |host, evidence| {
            let names = ["shop.example", "www.shop.example", "extra.shop.example", "unrouted.example"];
            host.certificates = names
                .iter()
                .map(|name| ((*name).to_owned(), said("openssl", Err("connection refused".to_owned()))))
                .collect();
            if !extra_is_here {
                evidence.unit("extra.service").load = "not-found".to_owned();
            }
        });
        health.certificates.into_iter().map(|certificate| certificate.host).collect::<Vec<_>>()
    };
    assert_eq!(hosts(true), ["shop.example", "www.shop.example", "extra.shop.example", "unrouted.example"]);
    // A host that another service answers for as well stays.
    assert_eq!(hosts(false), ["shop.example", "www.shop.example", "unrouted.example"]);
}

/// Nothing is asked in a way that could end so today; if it ever is, it must not count as good.
#[test]
fn m6_a_certificate_that_could_not_be_asked_for_is_unknown() {
    for trouble in troubles() {
        let health = health(&[&FRONT], |host, _| host.certificates[0].1 = silent("openssl", &trouble));
        assert_eq!(
            (health.verdict, lines(&health).last().unwrap().as_str()),
            (Verdict::Unknown, format!("certificate shop.example: unknown: {trouble} [openssl]").as_str())
        );
    }
}
