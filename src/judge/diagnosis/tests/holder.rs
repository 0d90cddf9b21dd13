//! Who holds a service's port, by what its process belongs to: each kind is named, and advised on, as what it is.

use super::*;
use crate::host::tools::cgroup::Home;
use crate::judge::diagnosis::holder::taken;
use crate::registry::Holding;

/// What holds the keeper's port, and how it is named.
fn holder(name: &str, home: Option<Home>) -> (Holding, String) {
    let mut made = Made::loops();
    made.holders[0] = Holder::Other { pid: 7, name: name.to_owned() };
    made.clues.homes.extend(home.map(|home| (7, home)));
    made.with(|case| match taken(case, case.subject(&KEEPER).unwrap()) {
        Proven(facts) => {
            let fact = facts.first().unwrap();
            assert!(fact.says.starts_with("port 1000 is held by "), "{}", fact.says);
            (fact.holding.unwrap(), fact.thing.clone().unwrap())
        }
        other => panic!("{other:?}"),
    })
}

#[test]
fn every_kind_of_holder_is_named_as_what_it_is() {
    let long = "0123456789abcdef".to_owned();
    let cases = [
        ("docker-proxy", None, Holding::Container, "a container's published port (docker-proxy, pid 7)"),
        // Whatever unit the engine's helper runs in.
        (
            "rootlessport",
            Some(Home::Unit("user@1000.service".into())),
            Holding::Container,
            "a container's published port (rootlessport, pid 7)",
        ),
        ("nc", Some(Home::Unit("trial.service".into())), Holding::Unit, "trial.service (nc, pid 7)"),
        ("nc", Some(Home::Unit("shop.service".into())), Holding::Service, "shop, which is shop.service (nc, pid 7)"),
        ("nc", Some(Home::Container(long)), Holding::Container, "container 0123456789ab (nc, pid 7)"),
        ("nc", Some(Home::Session("12".into())), Holding::Session, "nc (pid 7), started by hand in session 12"),
        ("nc", Some(Home::None), Holding::Unknown, "nc (pid 7)"),
        ("nc", None, Holding::Unknown, "nc (pid 7)"),
    ];
    for (name, home, holding, thing) in cases {
        assert_eq!(holder(name, home.clone()), (holding, thing.to_owned()), "{name} {home:?}");
    }
}

#[test]
fn what_nobody_else_holds_is_not_taken() {
    for holds in [Holder::Own, Holder::Nobody] {
        let mut made = Made::loops();
        made.holders[0] = holds;
        made.with(|case| assert!(!taken(case, case.subject(&KEEPER).unwrap()).is_proven()));
    }
}
