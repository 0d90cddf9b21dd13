//! Public routes: what visitors get of them, and where the edge sends them.

use super::*;
use crate::host::tools::caddy::sites::Target;
use crate::observe::clues::drift::routes::Passed;

#[test]
fn a_route_is_broken_where_the_service_itself_answers_otherwise() {
    let passed = |status: u16, own: Option<u16>, sends: [Option<&str>; 2], body: &str| Passed {
        endpoint: "mill.test".to_owned(),
        service: "mill",
        status,
        body: body.to_owned(),
        own,
        sends: sends.map(|at| at.map(str::to_owned)),
    };
    let found = |passed: Option<Passed>, kind: Passage| {
        let mut world = World::well();
        world.passages = Some(passages(passed, Vec::new()));
        thing(&world.route(kind, &MILL)).to_owned()
    };
    let old = passed(502, Some(200), [Some("localhost:3999"), Some("localhost:1000")], "");
    assert_eq!(
        found(Some(old), Passage::Broken),
        "mill.test gets 502 from caddy, whose running upstream is localhost:3999, while its file has localhost:1000"
    );
    for fine in [
        None,
        // An application's own answers.
        Some(passed(503, Some(503), [None, None], "")),
        Some(passed(404, None, [None, None], "")),
        Some(passed(401, None, [None, None], "")),
        // Nobody answers on the port, which is the service's own matter.
        Some(passed(502, None, [None, None], "")),
    ] {
        assert_eq!(found(fine, Passage::Broken), "ruled out");
    }
    let other = passed(200, None, [None, None], r#"{"service":"baker.sh"}"#);
    assert_eq!(found(Some(other), Passage::Elsewhere), "mill.test shows baker");
    assert_eq!(thing(&World::well().route(Passage::Broken, &MILL)), "unknown");
    assert_eq!(thing(&World::well().route(Passage::Broken, &BAKER)), "ruled out");
}

fn passages(passed: Option<Passed>, targets: Vec<Target>) -> Passages {
    Passages { answers: vec![("mill.test", ok("curl", passed))], targets: ok("curl", Some(targets)) }
}

#[test]
fn a_route_differs_where_the_edge_sends_it_to_another_port_of_this_host() {
    let passed = Some(Passed {
        endpoint: "mill.test".to_owned(),
        service: "mill",
        status: 200,
        body: String::new(),
        own: None,
        sends: [None, None],
    });
    let found = |host: &str, path: &str, addresses: &[&str]| {
        let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
        let target = Target { host: host.to_owned(), path: path.to_owned(), addresses };
        let world = World { passages: Some(passages(passed.clone(), vec![target])), ..World::well() };
        thing(&world.route(Passage::Differs, &MILL)).to_owned()
    };
    assert_eq!(found("mill.test", "/", &["localhost:3099"]), "the upstream of mill.test is :3099");
    assert_eq!(found("mill.test", "", &["127.0.0.1:3099", "127.0.0.1:3098"]), "the upstream of mill.test is :3099");
    for (host, path, addresses) in [
        ("mill.test", "/", &["localhost:1000"][..]),
        ("mill.test", "/", &["localhost:1001", "localhost:1000"]),
        ("mill.test", "/", &["10.0.0.5:3099"]),
        ("mill.test", "/", &["unix//run/mill.sock"]),
        ("mill.test", "/", &[]),
        ("mill.test", "/assets", &["localhost:3099"]),
        ("other.test", "/", &["localhost:3099"]),
    ] {
        assert_eq!(found(host, path, addresses), "ruled out", "{host}{path} {addresses:?}");
    }
    let failed = Answer { command: "curl".into(), result: Err(Trouble::TimedOut(std::time::Duration::from_secs(1))) };
    let silent =
        World { passages: Some(Passages { targets: failed, ..passages(passed, Vec::new()) }), ..World::well() };
    assert_eq!(thing(&silent.route(Passage::Differs, &MILL)), "unknown");
    assert_eq!(thing(&World::well().route(Passage::Differs, &MILL)), "unknown");
    assert_eq!(thing(&World::well().route(Passage::Differs, &BAKER)), "ruled out");
}
