use std::slice::from_ref;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

use super::*;

const NAME: &str = "shop.example";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-22T05:30:00Z")
}

/// A time of a certificate: year, month, day.
type Day = (i32, u8, u8);

const FROM: Day = (2026, 10, 1);
const UNTIL: Day = (2026, 12, 30);

fn params(name: &str, from: Day, until: Day) -> CertificateParams {
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(until.0, until.1, until.2);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn ca(name: &str, from: Day, until: Day) -> CertificateParams {
    let mut params = params(name, from, until);
    params.subject_alt_names.clear();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn root(name: &str) -> Issuer {
    CertifiedIssuer::self_signed(ca(name, (2020, 1, 1), (2040, 1, 1)), KeyPair::generate().unwrap()).unwrap()
}

fn intermediate(name: &str, from: Day, until: Day, by: &Issuer) -> Issuer {
    CertifiedIssuer::signed_by(ca(name, from, until), KeyPair::generate().unwrap(), by).unwrap()
}

fn leaf(from: Day, until: Day, by: &Issuer) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params("the leaf", from, until).signed_by(&key, by).unwrap().der().clone()
}

fn alone(params: &CertificateParams) -> CertificateDer<'static> {
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
}

fn judged(known: &[CertificateDer<'static>], chain: &[CertificateDer<'static>]) -> Served {
    parse(chain, &Authorities::of(known.to_vec()), now()).unwrap()
}

#[test]
fn a_certificate_is_worth_what_leads_to_an_authority() {
    let (known, other) = (root("known root"), root("other root"));
    let middle = intermediate("middle", FROM, UNTIL, &known);
    let old = intermediate("old middle", (2021, 1, 1), (2022, 1, 1), &known);
    let early = intermediate("early middle", (2030, 1, 1), (2031, 1, 1), &known);
    let self_signed = alone(&params("the leaf", FROM, UNTIL));
    let own_ca = alone(&ca("the leaf", FROM, UNTIL));
    let der = |issuer: &Issuer| issuer.der().clone();
    let roots = [der(&known)];
    let trust = |chain: &[CertificateDer<'static>]| judged(&roots, chain).trust;
    let unknown = |why: &str| Trust::Unknown(why.to_owned());
    let refused = |why: &str| Trust::Refused(why.to_owned());
    assert_eq!(trust(&[leaf(FROM, UNTIL, &known)]), Trust::Known);
    assert_eq!(trust(&[leaf(FROM, UNTIL, &middle), der(&middle)]), Trust::Known);
    assert_eq!(trust(from_ref(&self_signed)), unknown("it is self-signed"));
    assert_eq!(trust(&[own_ca]), unknown("it is self-signed"));
    assert_eq!(
        trust(&[leaf(FROM, UNTIL, &other)]),
        unknown("its issuer other root is unknown, and no intermediate certificate is sent")
    );
    assert_eq!(trust(&[leaf(FROM, UNTIL, &other), der(&other)]), unknown("its issuer other root is unknown"));
    assert_eq!(
        trust(&[leaf(FROM, UNTIL, &middle)]),
        unknown("its issuer middle is unknown, and no intermediate certificate is sent")
    );
    assert_eq!(
        trust(&[leaf(FROM, UNTIL, &old), der(&old)]),
        refused("the certificate of its issuer old middle has expired")
    );
    assert_eq!(
        trust(&[leaf(FROM, UNTIL, &early), der(&early)]),
        refused("the certificate of its issuer early middle is not valid yet")
    );
    // One of the same name and another key, which has not signed it.
    let impostor = root("known root");
    assert!(!matches!(trust(&[leaf(FROM, UNTIL, &impostor)]), Trust::Known));
    // Who puts a certificate among the authorities trusts it, and nobody vouches where there are none.
    assert_eq!(judged(from_ref(&self_signed), from_ref(&self_signed)).trust, Trust::Known);
    assert!(matches!(judged(&[], &[self_signed]).trust, Trust::Unchecked(_)));
    // Its own times are told apart from who vouches for it.
    assert_eq!(trust(&[leaf((2020, 1, 1), (2021, 1, 1), &known)]), Trust::Known);
    assert_eq!(trust(&[leaf((2030, 1, 1), (2031, 1, 1), &known)]), Trust::Known);
}

#[test]
fn every_date_that_a_certificate_can_have_is_read() {
    let known = root("known root");
    let days: [(Day, &str); 12] = [
        ((1950, 1, 1), "1950-01-01T00:00:00Z"),
        ((1969, 12, 31), "1969-12-31T00:00:00Z"),
        ((1970, 1, 1), "1970-01-01T00:00:00Z"),
        ((1999, 12, 31), "1999-12-31T00:00:00Z"),
        ((2000, 2, 29), "2000-02-29T00:00:00Z"),
        ((2038, 1, 20), "2038-01-20T00:00:00Z"),
        ((2049, 12, 31), "2049-12-31T00:00:00Z"),
        ((2050, 1, 1), "2050-01-01T00:00:00Z"),
        ((2106, 2, 8), "2106-02-08T00:00:00Z"),
        ((2400, 2, 29), "2400-02-29T00:00:00Z"),
        ((9999, 1, 1), "9999-01-01T00:00:00Z"),
        ((9999, 12, 30), "9999-12-30T00:00:00Z"),
    ];
    for (index, (from, starts)) in days.iter().enumerate() {
        for (until, ends) in &days[index..] {
            let served = judged(&[known.der().clone()], &[leaf(*from, *until, &known)]);
            assert_eq!((served.not_before, served.not_after), (at(starts), at(ends)));
            assert!(!served.is_endless && served.names == [NAME]);
            // Who checks signatures here knows no time before 1970.
            let is_checked = from.0 >= 1970 && until.0 >= 1970;
            let trust = &served.trust;
            assert!(
                if is_checked { *trust == Trust::Known } else { matches!(trust, Trust::Unchecked(_)) },
                "{served:?}"
            );
        }
        // The wrong way round: read none the less, and judged by its times.
        let served = judged(&[known.der().clone()], &[leaf((9999, 12, 30), *from, &known)]);
        assert_eq!(served.not_after, at(starts));
    }
}

#[test]
fn what_has_no_well_defined_end_has_none() {
    let known = root("known root");
    let day = date_time_ymd(9999, 12, 31);
    for (seconds, is_endless) in [(0, false), (86_398, false), (86_399, true)] {
        let mut params = params("the leaf", FROM, UNTIL);
        params.not_after = day.checked_add(std::time::Duration::from_secs(seconds).try_into().unwrap()).unwrap();
        let der = params.signed_by(&KeyPair::generate().unwrap(), &known).unwrap().der().clone();
        let served = judged(&[known.der().clone()], &[der]);
        assert_eq!((served.is_endless, served.not_after, served.trust), (is_endless, Timestamp::MAX, Trust::Known));
    }
}

#[test]
fn whatever_is_shown_is_read_or_refused_without_a_panic() {
    let known = root("known root");
    let whole = leaf(FROM, UNTIL, &known);
    let authorities = Authorities::of(vec![known.der().clone()]);
    for at in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.to_vec();
            bytes[at] ^= change;
            let served = parse(&[bytes.into()], &authorities, now());
            assert!(
                served.is_none_or(|served| served.trust != Trust::Known),
                "{at} {change}: whoever signed the other"
            );
        }
        assert!(parse(&[whole[..at].to_vec().into()], &authorities, now()).is_none(), "{at}");
    }
    for moment in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        assert_eq!(parse(from_ref(&whole), &authorities, moment).unwrap().trust, Trust::Known);
    }
}
