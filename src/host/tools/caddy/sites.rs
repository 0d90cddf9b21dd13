//! What Caddy runs with, as its own admin interface reports it, beside what stands in its file.

use serde_json::Value;

use crate::host::tools::Malformed;

/// Where the admin interface is, unless the file says otherwise.
pub const ADMIN: u16 = 2019;

/// Where a site sends visitors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host name.
    pub host: String,
    /// Path prefix; `/` for all.
    pub path: String,
    /// All addresses that it may send them to.
    pub addresses: Vec<String>,
}

/// Where each site of a configuration sends its visitors.
///
/// # Errors
/// When it is no JSON. Its excerpt is left out: it may hold secrets.
pub fn targets(config: &str) -> Result<Vec<Target>, Malformed> {
    let config = read(config)?;
    let mut found = Vec::new();
    for server in config["apps"]["http"]["servers"].as_object().into_iter().flat_map(|servers| servers.values()) {
        walk(&server["routes"], &[], "/", 0, &mut found);
    }
    Ok(found)
}

/// Whether two configurations are one.
///
/// # Errors
/// When either is no JSON.
pub fn is_same(one: &str, other: &str) -> Result<bool, Malformed> {
    Ok(read(one)? == read(other)?)
}

/// Whether a file takes parts of itself from the environment, which only Caddy itself has.
pub fn depends_on_environment(file: &str) -> bool {
    file.contains("{$")
}

/// Patterns of other files that a Caddyfile imports. What is imported by another name is a snippet.
pub fn imports(file: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect::<Vec<_>>();
    let import = |line: &str| match words(line).as_slice() {
        [first, pattern, ..] if first == "import" && pattern.contains(['/', '.', '*']) => Some(pattern.clone()),
        _ => None,
    };
    file.lines().filter_map(import).collect()
}

fn read(text: &str) -> Result<Value, Malformed> {
    serde_json::from_str(text).map_err(|_| Malformed::new("a configuration of Caddy", ""))
}

/// Follows nested routes; a matcher further in narrows the one around it.
fn walk(routes: &Value, hosts: &[String], path: &str, depth: usize, found: &mut Vec<Target>) {
    for route in routes.as_array().into_iter().flatten().filter(|_| depth < 16) {
        let strings = |key: &str| -> Vec<String> {
            let matchers = route["match"].as_array().into_iter().flatten();
            let values = matchers.flat_map(|matcher| matcher[key].as_array().into_iter().flatten());
            values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        let own = strings("host");
        let hosts = if own.is_empty() { hosts } else { &own[..] };
        let narrowed = strings("path").first().map(|path| path.trim_end_matches('*').to_owned());
        let path = narrowed.as_deref().unwrap_or(path);
        for handler in route["handle"].as_array().into_iter().flatten() {
            walk(&handler["routes"], hosts, path, depth + 1, found);
            let dials = handler["upstreams"].as_array().into_iter().flatten();
            let addresses: Vec<String> = dials.filter_map(|one| one["dial"].as_str().map(str::to_owned)).collect();
            if !addresses.is_empty() {
                let target =
                    |host: &String| Target { host: host.clone(), path: path.to_owned(), addresses: addresses.clone() };
                found.extend(hosts.iter().map(target));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_and_configurations_compared() {
        let text = r#"{"apps":{"http":{"servers":{"srv0":{"routes":[
            {"match":[{"host":["a.test"]}],"handle":[{"handler":"subroute","routes":[
                {"match":[{"path":["/api/*"]}],"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"localhost:1"},{"dial":"localhost:2"}]}]}]}]}
        ]}}}}}"#;
        let target = Target {
            host: "a.test".into(),
            path: "/api/".into(),
            addresses: vec!["localhost:1".into(), "localhost:2".into()],
        };
        assert_eq!(targets(text), Ok(vec![target]));
        assert_eq!(is_same(r#"{"a":1,"b":2}"#, r#"{ "b": 2, "a": 1 }"#), Ok(true));
        assert_eq!(is_same("{}", "null"), Ok(false));
        assert!(is_same("{}", "").is_err() && targets("{").is_err());
    }

    #[test]
    fn imports_are_files_and_not_snippets() {
        assert_eq!(
            imports("import sites/*.caddy\n  import common\nimport \"/etc/caddy/x\" arg\n# import /no"),
            ["sites/*.caddy", "/etc/caddy/x"]
        );
        assert!(depends_on_environment("{$DOMAIN} {") && !depends_on_environment("{ admin off }"));
    }
}
