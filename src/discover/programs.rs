//! PURE. What programs are known for: their role among others, and what they speak.

use super::units::Unit;
use super::{Protocol, Role};

/// What a unit speaks. A number says nothing of a program whose name is known but that it may not be asked; one that a connection
/// starts is never asked.
pub(super) fn protocol_of_unit(unit: &Unit, program: Option<&str>, port: Option<u16>) -> Option<Protocol> {
    if unit.is_on_demand() {
        return Some(Protocol::Other);
    }
    let by_number = || Protocol::at(port?).filter(|protocol| program.is_none() || !protocol.is_asked_as_itself());
    program.and_then(protocol_of).or_else(by_number)
}

pub(super) fn role_of(program: &str) -> Role {
    const EDGES: [&str; 8] = ["caddy", "nginx", "apache", "httpd", "traefik", "haproxy", "envoy", "lighttpd"];
    const DATABASES: [&str; 14] = [
        "postgres",
        "mysql",
        "mariadb",
        "redis",
        "valkey",
        "mongo",
        "memcached",
        "clickhouse",
        "elasticsearch",
        "opensearch",
        "rabbitmq",
        "qdrant",
        "meilisearch",
        "cockroach",
    ];
    // An exporter of a database is none.
    let is = |names: &[&str]| names.iter().any(|name| program.starts_with(name)) && !program.contains("exporter");
    match () {
        () if is(&EDGES) => Role::Edge,
        () if is(&DATABASES) => Role::Database,
        () => Role::Service,
    }
}

pub(super) fn protocol_of(program: &str) -> Option<Protocol> {
    let known = [
        ("postgres", Protocol::Postgres),
        ("pgbouncer", Protocol::Postgres),
        ("redis", Protocol::Redis),
        ("valkey", Protocol::Redis),
        ("mongo", Protocol::Mongo),
        ("mysql", Protocol::Mysql),
        ("mariadb", Protocol::Mysql),
        ("sshd", Protocol::Ssh),
    ];
    let is = |name: &str| program.starts_with(name) && !program.contains("exporter");
    known.into_iter().find(|(name, _)| is(name)).map(|(_, protocol)| protocol)
}
