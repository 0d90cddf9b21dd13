//! Keys of env files.

use super::*;

#[test]
fn values_of_env_files_are_compared_and_never_told() {
    let values = |value: &str| EnvFound {
        path: Some("/etc/keeper.env".into()),
        settings: Reading::of([("KEY", value)]),
        ..EnvFound::default()
    };
    let mut made = Made::well();
    made.clues.env.insert("keeper", ok("ls", values("hunter2")));
    let (outcome, shown) = made.with(|case| {
        let clue = Clue::Env(EnvClue::key("KEY").unlike("[0-9]+"));
        (case.outcome(&clue, Some(&KEEPER)), format!("{:?}", case.clues))
    });
    assert_eq!(
        outcome,
        Proven(vec![Fact::new(
            Command::new(["grep", "-cP", r#"^(export +)?KEY=["']?(?:[0-9]+)["']?$"#, "/etc/keeper.env"]),
            "KEY in /etc/keeper.env does not have the form [0-9]+"
        )])
    );
    assert!(shown.contains("KEY") && !shown.contains("hunter2"), "{shown}");
    let missing = Made::well().with(|case| case.outcome(&Clue::Env(EnvClue::KeysMissing(&["NOPE"])), Some(&KEEPER)));
    assert!(missing.is_proven());
}

#[test]
fn another_port_is_told_with_its_file_and_whose_it_is() {
    let told = |value: &str| {
        let mut made = Made::well();
        let settings = Reading::of([("KEY", value)]);
        let places =
            vec![("/etc/keeper.env".into(), vec!["OTHER".into()]), ("/etc/more.env".into(), vec!["KEY".into()])];
        let found = EnvFound { path: Some("/etc/keeper.env".into()), settings, places, ..EnvFound::default() };
        made.clues.env.insert("keeper", ok("ls", found));
        made.with(|case| match case.outcome(&Clue::Env(EnvClue::key("KEY").not_its_port()), Some(&KEEPER)) {
            Proven(facts) => facts[0].says.clone(),
            outcome => format!("{}", outcome.is_ruled_out()),
        })
    };
    assert_eq!(told("2000"), "KEY=2000 in /etc/more.env, the port of shop");
    assert_eq!(told("1001"), "KEY=1001 in /etc/more.env");
    assert_eq!(told("1000"), "true");
    // What is no port may be a secret.
    assert_eq!(told("hunter2"), "KEY in /etc/more.env is not 1000");
}
