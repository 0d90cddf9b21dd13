//! What surrounds a container, out of the engine's own answer about it: networks, ports, mounts, bounds, its health check, and of
//! its environment the names of hosts alone.

use serde_json::Value;

/// Variables of a container whose values name things and are no secrets.
const NAMES: [&str; 2] = ["POSTGRES_USER", "POSTGRES_DB"];

/// What surrounds a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The network that it was made for: a name, an id, `default`, `host`, `none`, `container:ID`.
    pub network_mode: String,
    /// Networks that it is on.
    pub networks: Vec<Network>,
    /// What it publishes.
    pub ports: Vec<Published>,
    /// Directories and volumes that are mounted into it.
    pub mounts: Vec<Mounted>,
    /// Memory limit, bytes; 0 for none.
    pub memory_limit: u64,
    /// It has a CPU limit.
    pub cpu_limited: bool,
    /// That limit, thousandths of a processor; 0 for none or one that is not known.
    pub cpu_limit: u64,
    /// Its health check as it was made, and what its last run came to: exit code and output.
    pub check: Option<(String, i64, String)>,
    /// Compose file that it was made from, and its service there.
    pub compose: Option<(String, String)>,
    /// Names beyond those of containers: `extra_hosts`.
    pub extra_hosts: Vec<String>,
    /// Variables whose value names a host by one word, and the host.
    pub hosts: Vec<(String, String)>,
    /// Other variables whose values are no secrets.
    pub variables: Vec<(String, String)>,
}

/// A network that a container is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub name: String,
    pub id: String,
    /// What others on it call the container.
    pub names: Vec<String>,
}

/// A port of a container at a port of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// `5432/tcp`.
    pub inside: String,
    /// Address of the host; empty for all.
    pub address: String,
    /// Port of the host.
    pub port: u16,
}

/// Something mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// `bind` or `volume`.
    pub kind: String,
    /// Where it is on the host.
    pub source: String,
    /// Where it is in the container.
    pub target: String,
}

impl Surroundings {
    /// The value of one of the variables that are kept.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }
}

/// Takes it out of the engine's answer, whose environment holds secrets and is not kept. What is missing there is left out.
pub fn of(text: &str) -> Surroundings {
    let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let string = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |path: &str| value.pointer(path).and_then(Value::as_i64).unwrap_or_default();
    let env = texts(value.pointer("/Config/Env"));
    let pairs = || env.iter().filter_map(|line| line.split_once('='));
    let service = string("/Config/Labels/com.docker.compose.service");
    let file = string("/Config/Labels/com.docker.compose.project.config_files");
    Surroundings {
        network_mode: string("/HostConfig/NetworkMode"),
        networks: networks(value.pointer("/NetworkSettings/Networks")),
        ports: ports(value.pointer("/NetworkSettings/Ports")),
        mounts: mounts(value.pointer("/Mounts")),
        memory_limit: u64::try_from(number("/HostConfig/Memory")).unwrap_or_default(),
        cpu_limited: number("/HostConfig/NanoCpus") > 0 || number("/HostConfig/CpuQuota") > 0,
        cpu_limit: u64::try_from(match (number("/HostConfig/NanoCpus"), number("/HostConfig/CpuQuota")) {
            (nano @ 1.., _) => nano / 1_000_000,
            // The kernel's own period, where none is set, is a tenth of a second.
            (_, quota) => match number("/HostConfig/CpuPeriod") {
                period @ 1.. => quota.saturating_mul(1000) / period,
                _ => quota / 100,
            },
        })
        .unwrap_or_default(),
        check: check(&value),
        // Several files are laid over each other: what one says is not what counts.
        compose: (!service.is_empty() && file.starts_with('/') && !file.contains(',')).then_some((file, service)),
        extra_hosts: texts(value.pointer("/HostConfig/ExtraHosts"))
            .iter()
            .filter_map(|host| Some(host.split_once(':')?.0.to_owned()))
            .collect(),
        hosts: pairs().filter_map(|(key, value)| Some((key.to_owned(), host(key, value)?))).collect(),
        variables: pairs()
            .filter(|(key, _)| NAMES.contains(key))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let all = value.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn networks(value: Option<&Value>) -> Vec<Network> {
    let all = value.and_then(Value::as_object).into_iter().flatten();
    let one = |(name, network): (&String, &Value)| Network {
        name: name.clone(),
        id: network.get("NetworkID").and_then(Value::as_str).unwrap_or_default().to_owned(),
        names: [network.get("Aliases"), network.get("DNSNames")].into_iter().flat_map(texts).collect(),
    };
    all.map(one).collect()
}

fn ports(value: Option<&Value>) -> Vec<Published> {
    let all = value.and_then(Value::as_object).into_iter().flatten();
    let each = |(inside, bindings): (&String, &Value)| -> Vec<Published> {
        let text = |binding: &Value, key: &str| binding.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let one = |binding: &Value| {
            let port = text(binding, "HostPort").parse().ok()?;
            Some(Published { inside: inside.clone(), address: text(binding, "HostIp"), port })
        };
        bindings.as_array().into_iter().flatten().filter_map(one).collect()
    };
    all.flat_map(each).collect()
}

fn mounts(value: Option<&Value>) -> Vec<Mounted> {
    let all = value.and_then(Value::as_array).into_iter().flatten();
    let one = |mount: &Value| {
        let text = |key: &str| mount.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Mounted { kind: text("Type")?, source: text("Source")?, target: text("Destination")? })
    };
    all.filter_map(one).collect()
}

fn check(value: &Value) -> Option<(String, i64, String)> {
    let test = texts(value.pointer("/Config/Healthcheck/Test"));
    let last = value.pointer("/State/Health/Log")?.as_array()?.last()?;
    let output = last.get("Output").and_then(Value::as_str).unwrap_or_default();
    let program = test.iter().skip(1).cloned().collect::<Vec<_>>().join(" ");
    Some((program, last.get("ExitCode")?.as_i64()?, output.trim().to_owned()))
}

/// The host that a value names, where that is one word: of a URL, or the whole value of a variable that says so. Nothing else
/// of it is kept.
fn host(key: &str, value: &str) -> Option<String> {
    let says_so = |end: &&str| key == *end || key.ends_with(&format!("_{end}"));
    let authority = match value.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) => {
            let authority = rest.split(['/', '?', '#']).next()?;
            authority.rsplit_once('@').map_or(authority, |(_, host)| host)
        }
        None if ["HOST", "HOSTNAME", "SERVER", "ADDR"].iter().any(says_so) => value,
        Some(_) | None => return None,
    };
    let name = authority.split_once(':').map_or(authority, |(name, _)| name);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_name = !name.is_empty() && name.chars().all(plain) && name.chars().any(|c| c.is_ascii_alphabetic());
    (is_name && !name.eq_ignore_ascii_case("localhost")).then(|| name.to_owned())
}

/// Why the last run of a health check did not even begin, or did not end; `None` where it ran and failed.
pub fn unable(exit: i64, output: &str) -> Option<&'static str> {
    let said = |words: &[&str]| words.iter().any(|word| output.contains(word));
    match exit {
        _ if said(&["OCI runtime exec failed", "exec failed: unable to start container process"]) => {
            Some("cannot be started")
        }
        126 => Some("cannot be executed"),
        127 => Some("does not exist"),
        -1 if said(&["Health check exceeded timeout"]) => Some("times out"),
        -1 if said(&["executable file not found", "no such file or directory"]) => Some("does not exist"),
        _ => None,
    }
}

/// What the engine could not find or get when it started a container: the words of its error that name the thing.
pub fn missing_part(error: &str) -> Option<(&'static str, String)> {
    let after = |word: &str| {
        let rest = error.split_once(word)?.1.trim_start_matches([':', ' ', '"', '\'']);
        let end = rest.find(['"', '\'', '\n']).unwrap_or(rest.len());
        Some(rest[..end].split(' ').next().unwrap_or_default().trim_end_matches([',', '.', ':']).to_owned())
    };
    let found = [
        ("the source of a mount does not exist", "bind source path does not exist"),
        ("a mount is a directory instead of a file, or the reverse", "error mounting"),
        ("its network does not exist", "network "),
        ("its image does not exist", "No such image"),
        ("its port is in use", "Bind for "),
        ("its port is in use", "listen tcp4 "),
        ("its port is in use", "listen tcp "),
    ];
    found.into_iter().find_map(|(what, word)| {
        let fits = match word {
            "network " => error.contains("not found"),
            "Bind for " | "listen tcp4 " | "listen tcp " => {
                error.contains("already allocated") || error.contains("address already in use")
            }
            "error mounting" => error.contains("not a directory"),
            _ => true,
        };
        fits.then(|| after(word)).flatten().map(|thing| (what, thing))
    })
}

/// The `restart:` of a service in a compose file: of block style, without anchors; `None` where it is not certain.
pub fn restart_policy(file: &str, service: &str) -> Option<String> {
    let lines = service_lines(file, service)?;
    let value = lines.iter().find_map(|line| line.trim_start().strip_prefix("restart:"))?;
    let value = value.split(" #").next()?.trim().trim_matches(['"', '\'']);
    let known = ["no", "always", "unless-stopped", "on-failure"];
    let name = value.split(':').next()?;
    known.contains(&name).then(|| name.to_owned())
}

/// The lines of a service in a compose file.
fn service_lines<'f>(file: &'f str, service: &str) -> Option<Vec<&'f str>> {
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_text = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut lines = file.lines().filter(is_text).skip_while(|line| line.trim_end() != "services:").skip(1).peekable();
    let own = depth(lines.peek()?);
    let key = |line: &str| {
        line.trim()
            .split(" #")
            .next()
            .unwrap_or_default()
            .trim()
            .trim_end_matches(':')
            .trim_matches(['"', '\''])
            .to_owned()
    };
    let mut lines = lines
        .take_while(|line| depth(line) > 0)
        .skip_while(|line| depth(line) != own || !line.trim_end().ends_with(':') || key(line) != service);
    lines.next()?;
    let body: Vec<&str> = lines.take_while(|line| depth(line) > own).collect();
    let inner = body.first().map(|line| depth(line))?;
    Some(body.into_iter().filter(|line| depth(line) == inner).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = r#"{"HostConfig":{"NetworkMode":"shop_default","Memory":268435456,"NanoCpus":100000000,
        "ExtraHosts":["legacy:10.0.0.9"]},"Config":{"Env":["DATABASE_URL=postgres://app:hunter2@db:5432/shop",
        "REDIS_HOST=cache","POSTGRES_USER=owner","TOKEN=s3cret","HOME_URL=https://shop.example/x","A=b://c@localhost:1"],
        "Healthcheck":{"Test":["CMD","curl","-f","http://x"]},"Labels":{"com.docker.compose.service":"api",
        "com.docker.compose.project.config_files":"/srv/shop/compose.yml"}},
        "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8081"}],"90/tcp":null},
        "Networks":{"shop_default":{"NetworkID":"n1","Aliases":["api","abc"],"DNSNames":null}}},
        "Mounts":[{"Type":"bind","Source":"/srv/data","Destination":"/data","RW":true}],
        "State":{"Health":{"Log":[{"ExitCode":-1,"Output":"OCI runtime exec failed: exec: \"curl\": executable file not found"}]}}}"#;

    #[test]
    fn everything_but_secrets() {
        let found = of(API);
        assert_eq!(found.network_mode, "shop_default");
        assert_eq!(found.networks[0].names, ["api", "abc"]);
        assert_eq!(found.ports, [Published { inside: "80/tcp".into(), address: "0.0.0.0".into(), port: 8081 }]);
        assert_eq!(found.mounts[0].source, "/srv/data");
        assert_eq!((found.memory_limit, found.cpu_limited, found.cpu_limit), (268_435_456, true, 100));
        let limit = |text: &str| of(&format!(r#"{{"HostConfig":{{{text}}}}}"#)).cpu_limit;
        assert_eq!(limit(r#""CpuQuota":5000"#), 50);
        assert_eq!(limit(r#""CpuQuota":50000,"CpuPeriod":25000"#), 2000);
        assert_eq!((limit(r#""CpuQuota":-1"#), limit("")), (0, 0));
        let host = |key: &str, name: &str| (key.to_owned(), name.to_owned());
        assert_eq!(found.hosts, [host("DATABASE_URL", "db"), host("REDIS_HOST", "cache")]);
        assert_eq!(found.variable("POSTGRES_USER"), Some("owner"));
        assert_eq!(found.extra_hosts, ["legacy"]);
        assert_eq!(found.compose, Some(("/srv/shop/compose.yml".into(), "api".into())));
        let shown = format!("{found:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("s3cret"), "{shown}");
        let (program, exit, output) = found.check.unwrap();
        assert_eq!((program.as_str(), unable(exit, &output)), ("curl -f http://x", Some("cannot be started")));
        assert_eq!(of("[]"), Surroundings::default());
        assert_eq!(of("x"), Surroundings::default());
    }

    #[test]
    fn checks_that_ran_are_able() {
        for (exit, output) in
            [(0, "ok"), (1, "curl: (7) Failed to connect"), (22, "no such file or directory"), (-1, "")]
        {
            assert_eq!(unable(exit, output), None, "{exit} {output}");
        }
        assert_eq!(unable(-1, "Health check exceeded timeout (1s): "), Some("times out"));
        assert_eq!(unable(127, "/bin/sh: curl: not found"), Some("does not exist"));
    }

    #[test]
    fn what_the_engine_missed() {
        for (error, thing) in [
            (r#"invalid mount config for type "bind": bind source path does not exist: /srv/data"#, Some("/srv/data")),
            ("network 8d2f not found", Some("8d2f")),
            ("driver failed: Bind for 0.0.0.0:80 failed: port is already allocated", Some("0.0.0.0:80")),
            ("failed to bind: listen tcp4 0.0.0.0:80: bind: address already in use", Some("0.0.0.0:80")),
            ("No such image: shop:3", Some("shop:3")),
            (
                r#"OCI runtime create failed: error mounting "/srv/a.conf" to rootfs at "/a.conf": not a directory"#,
                Some("/srv/a.conf"),
            ),
            ("OCI runtime create failed: exec: \"x\": executable file not found", None),
            ("", None),
        ] {
            assert_eq!(missing_part(error).map(|(_, thing)| thing).as_deref(), thing, "{error}");
        }
    }

    #[test]
    fn policies_of_compose_files() {
        let file = "name: shop\n\n# all of it\nservices:\n  db:\n    image: pg\n    deploy:\n      restart: x\n    restart: \
                    unless-stopped # always back\n  \"api\":\n    restart: \"on-failure:3\"\n  job:\n    image: x\n\
                    volumes:\n  data:\n    restart: always\n";
        assert_eq!(restart_policy(file, "db").as_deref(), Some("unless-stopped"));
        assert_eq!(restart_policy(file, "api").as_deref(), Some("on-failure"));
        for none in ["job", "data", "web"] {
            assert_eq!(restart_policy(file, none), None, "{none}");
        }
        assert_eq!(restart_policy("services:\n  a:\n    restart: ${POLICY}\n", "a"), None);
        assert_eq!(restart_policy("", "a"), None);
    }
}
