//! `ufw`: its rule files, which it keeps in a form of its own. Read instead of asking it, because it is a slow program that
//! needs root.

/// Whether `/etc/ufw/ufw.conf` switches the firewall on.
pub fn is_enabled(conf: &str) -> bool {
    conf.lines().any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes"))
}

/// Whether `/etc/default/ufw` keeps out what no rule lets in.
pub fn is_closed(defaults: &str) -> bool {
    let policy = defaults.lines().find_map(|line| line.trim().strip_prefix("DEFAULT_INPUT_POLICY="));
    policy.is_none_or(|policy| !policy.trim_matches('"').eq_ignore_ascii_case("ACCEPT"))
}

/// TCP ports that anybody may reach, by `/etc/ufw/user.rules`: `### tuple ### allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in`.
pub fn allowed(rules: &str) -> Vec<u16> {
    let mut ports = Vec::new();
    for tuple in rules.lines().filter_map(|line| line.strip_prefix("### tuple ### ")) {
        let words: Vec<&str> = tuple.split_whitespace().collect();
        let [action, protocol, port, _, _, source, ..] = words.as_slice() else { continue };
        if !matches!(*action, "allow" | "limit") || !matches!(*protocol, "tcp" | "any") || *source != "0.0.0.0/0" {
            continue;
        }
        for range in port.split(',') {
            match range.split_once(':') {
                None => ports.extend(range.parse::<u16>()),
                Some((from, to)) => {
                    if let (Ok(from), Ok(to)) = (from.parse::<u16>(), to.parse::<u16>()) {
                        ports.extend(from..=to);
                    }
                }
            }
        }
    }
    ports
}

/// Whether any rule lets anybody reach a TCP port, from wherever and over whatever interface.
pub fn admits(rules: &str, port: u16) -> bool {
    let covers = |range: &str| match range.split_once(':') {
        None => range == "any" || range.parse() == Ok(port),
        Some((from, to)) => {
            matches!((from.parse::<u16>(), to.parse::<u16>()), (Ok(from), Ok(to)) if (from..=to).contains(&port))
        }
    };
    rules.lines().filter_map(|line| line.strip_prefix("### tuple ### ")).any(|tuple| {
        let words: Vec<&str> = tuple.split_whitespace().collect();
        let [action, protocol, ports, ..] = words.as_slice() else { return false };
        let allows = action.starts_with("allow") || action.starts_with("limit");
        allows && matches!(*protocol, "tcp" | "any") && ports.split(',').any(covers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_ufw_writes_them() {
        let rules = "*filter\n### RULES ###\n\n### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n\
            -A ufw-user-input -p tcp --dport 22 -j ACCEPT\n### tuple ### deny tcp 80 0.0.0.0/0 any 0.0.0.0/0 in\n\
            ### tuple ### allow tcp 443 0.0.0.0/0 any 10.0.0.0/8 in\n### tuple ### allow any 8000:8002 0.0.0.0/0 any 0.0.0.0/0 in\n\
            ### tuple ### limit tcp 25,465 0.0.0.0/0 any 0.0.0.0/0 in\n### tuple ### allow udp 53 0.0.0.0/0 any 0.0.0.0/0 in\n";
        assert_eq!(allowed(rules), [22, 8000, 8001, 8002, 25, 465]);
        for (port, admitted) in [(22, true), (80, false), (443, true), (8001, true), (465, true), (53, false)] {
            assert_eq!(admits(rules, port), admitted, "{port}");
        }
        assert!(admits("### tuple ### allow any any 0.0.0.0/0 any 10.0.0.0/8 in_wg0\n", 22));
        assert!(is_enabled("# x\nENABLED=yes\n"));
        assert!(is_closed("IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\n") && is_closed(""));
        assert!(!is_closed("DEFAULT_INPUT_POLICY=\"ACCEPT\"\n"));
        assert!(!is_enabled("ENABLED=no\nLOGLEVEL=low\n"));
        assert!(allowed("").is_empty());
    }
}
