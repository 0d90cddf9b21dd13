//! Every rule of every deployment, broken and kept.

use super::*;

/// Of each rule of each deployment: deployment, key, a value that it has in the runbook, and one that is well-formed and ruinous.
const CASES: &[(&str, &str, &str, &str)] = &[
    ("prim", "PRIM_NETWORK", "eip155:84532", "eip155:1"),
    ("prim", "WALLET_INTERNAL_URL", "http://127.0.0.1:3001", "http://127.0.0.1:3010"),
    ("prim", "STALWART_URL", "http://127.0.0.1:8080", "http://localhost:8081"),
    ("prim", "QDRANT_URL", "http://127.0.0.1:6333", "127.0.0.1:6333"),
    ("prim", "BASE_RPC_URL", "https://sepolia.base.org", "sepolia.base.org"),
    ("prim", "FACILITATOR_URL", "https://facilitator.payai.network", "facilitator.payai.network"),
    ("fondation", "CONVEX_URL", "https://happy-otter-123.convex.cloud", "happy-otter-123.convex.cloud"),
    ("fondation", "POLL_INTERVAL", "5000", "3600000"),
    ("fondation", "LEASE_TIME", "600000", "30"),
    ("fondation", "HEARTBEAT_INTERVAL", "60000", "300000"),
    ("fondation", "MAX_CONCURRENT_JOBS", "2", "0"),
    ("ai-fsm", "DATABASE_URL", "postgresql://u:p@postgres:5432/ai_fsm", "postgresql://u:p@localhost:5432/ai_fsm"),
    ("ai-fsm", "AUTH_SECRET", "a-secret-of-more-than-32-characters", "changeme"),
    ("ai-fsm", "WORKER_POLL_MS", "30000", "43200000"),
    ("v-edfinance", "DATABASE_URL", "postgresql://u:p@postgres:5432/x", "mysql://u:p@postgres/x"),
    ("v-edfinance", "JWT_EXPIRATION_SECONDS", "3600", "1"),
    ("v-edfinance", "REDIS_PORT", "6380", "0"),
    ("v-edfinance", "PORT", "3001", "0"),
    ("plugspace", "DATABASE_URL", "mongodb://u:p@localhost:27017/x?replicaSet=y", "mongodb://u:p@localhost:27018/x"),
    ("plugspace", "REDIS_URL", "redis://:p@localhost:6379", "redis://:p@localhost:6380"),
    ("plugspace", "API_PORT", "4000", "4001"),
];

#[test]
fn every_rule_of_every_deployment_is_broken_by_one_value_and_kept_by_another() {
    let mut seen = BTreeSet::new();
    for deployment in DEPLOYMENTS {
        for service in deployment.services {
            for key in service.env.iter().flat_map(|env| env.settings.iter().map(|rule| rule.key)) {
                let case = CASES.iter().find(|case| (case.0, case.1) == (deployment.name, key));
                let Some((_, _, kept, broken)) = case else {
                    panic!("{} {key}: no value breaks its rule here", deployment.name)
                };
                seen.insert((deployment.name, key));
                let required: Vec<(&str, &str)> = service
                    .env
                    .iter()
                    .flat_map(|env| env.required.iter().copied())
                    .map(|key| {
                        // What is required beside it has its sound value, where it has a rule.
                        let own = CASES.iter().find(|case| (case.0, case.1) == (deployment.name, key));
                        (key, own.map_or("x", |case| case.2))
                    })
                    .collect();
                let reading = |value: &'static str| {
                    let others = required.iter().copied().filter(|(other, _)| *other != key);
                    Reading::of(others.chain([(key, value)]))
                };
                let in_use = |value: &'static str| {
                    let world = World::of(service, reading(value), reading(value), false);
                    world.with(deployment, |case| match case.outcome(&Clue::Values(Values::InUse), Some(service)) {
                        Proven(facts) => facts.into_iter().map(|fact| fact.says).collect::<Vec<_>>(),
                        RuledOut(_) => Vec::new(),
                        Unknown(whys) => panic!("{whys:?}"),
                    })
                };
                assert_eq!(in_use(kept), Vec::<String>::new(), "{} {key}", deployment.name);
                let told = in_use(broken);
                assert_eq!(told.len(), 1, "{} {key}: {told:?}", deployment.name);
                assert!(told[0].starts_with(key) && !told[0].contains("u:p@"), "{told:?}");
            }
        }
    }
    assert_eq!(seen.len(), CASES.len(), "a case whose rule is gone");
}

#[test]
fn every_required_key_of_every_deployment_is_missed_when_it_is_emptied() {
    for deployment in DEPLOYMENTS {
        for service in deployment.services {
            let Some(env) = &service.env else { continue };
            for key in env.required {
                let sound = |key: &'static str| {
                    let own = CASES.iter().find(|case| (case.0, case.1) == (deployment.name, key));
                    (key, own.map_or("x", |case| case.2))
                };
                let all: Vec<(&str, &str)> = env.required.iter().map(|key| sound(key)).collect();
                let emptied = all.iter().map(|(other, value)| (*other, if other == key { "" } else { value }));
                let dotenv = service.env_reader() == EnvReader::Dotenv;
                let runs = if dotenv { Reading::default() } else { Reading::of(all.iter().copied()) };
                let world = World::of(service, runs, Reading::of(emptied), true);
                world.with(deployment, |case| {
                    let outcome = case.outcome(&Clue::Values(Values::AtNextStart), Some(service));
                    let Proven(facts) = outcome else { panic!("{} {key}: {outcome:?}", deployment.name) };
                    assert!(facts[0].says.starts_with(&format!("{key} is empty")), "{facts:?}");
                });
            }
        }
    }
}
