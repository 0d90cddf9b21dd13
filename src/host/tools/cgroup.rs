//! Where a process belongs, out of `/proc/PID/cgroup`: the unit, container or session that started it.

/// What a process belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// A unit of systemd, or of a user's systemd: `caddy.service`.
    Unit(String),
    /// A container, by its id.
    Container(String),
    /// A session in which somebody is logged in, by its number: `3`.
    Session(String),
    /// None of these.
    None,
}

/// Whether a process belongs to a session or the systemd of a user, who chooses the names of what is below.
pub fn is_of_user(text: &str) -> bool {
    text.lines().any(|line| line.rsplit(':').next().is_some_and(|path| path.starts_with("/user.slice/")))
}

/// Whether this container is one of podman.
pub fn is_of_podman(text: &str, id: &str) -> bool {
    let is_its = |group: &str| {
        let name = group.strip_suffix(".scope").unwrap_or(group);
        name.strip_prefix("libpod-").is_some_and(|rest| rest.strip_prefix("conmon-").unwrap_or(rest) == id)
    };
    text.lines().flat_map(|line| line.split('/')).any(is_its)
}

/// How a container's id is written: 64 digits of base 16.
fn id(text: &str) -> Option<&str> {
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}

/// Parses `/proc/PID/cgroup`, of the unified hierarchy (`0::PATH`) or of systemd's own of the older layout (`1:name=systemd:PATH`).
/// The outermost group that says something counts: what runs in a unit or container may name the groups below its own like any
/// unit of this host. Only an engine's unit stands above its containers.
pub fn home(text: &str) -> Home {
    const ENGINES: [&str; 4] = ["docker.service", "podman.service", "containerd.service", "crio.service"];
    let path = |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix));
    let systemd = || text.lines().find_map(|line| line.split_once(":name=systemd:").map(|(_, path)| path));
    let Some(path) = path("0::").filter(|path| *path != "/").or_else(systemd) else { return Home::None };
    let mut engine = Home::None;
    for group in path.split('/') {
        let scope = group.strip_suffix(".scope");
        // Without systemd podman's group has the name, and is no scope.
        let contained = scope.and_then(|name| id(name.rsplit_once('-')?.1));
        let contained = contained.or_else(|| id(group.strip_prefix("libpod-").unwrap_or(group)));
        if let Some(container) = contained {
            return Home::Container(container.to_owned());
        }
        if engine != Home::None {
            continue;
        }
        if let Some(session) = scope.and_then(|name| name.strip_prefix("session-")) {
            return Home::Session(session.to_owned());
        }
        // A machine of systemd-nspawn or LXC has units of its own.
        if group.starts_with("lxc.payload") || scope.is_some_and(|name| name.starts_with("machine-")) {
            return Home::None;
        }
        // What a user's systemd started by itself stands below this one, whose name says nothing.
        if group.ends_with(".service") && !group.starts_with("user@") {
            let unit = Home::Unit(group.to_owned());
            match ENGINES.contains(&group) {
                true => engine = unit,
                false => return unit,
            }
        }
    }
    engine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_belongs_to_the_outermost_group_that_says_something() {
        let hex = "0123456789abcdef".repeat(4);
        let unit = |name: &str| Home::Unit(name.to_owned());
        let table = [
            ("0::/system.slice/caddy.service\n".to_owned(), unit("caddy.service")),
            ("0::/system.slice/caddy.service/worker\n".to_owned(), unit("caddy.service")),
            (
                "0::/system.slice/system-postgresql.slice/postgresql@17-main.service\n".to_owned(),
                unit("postgresql@17-main.service"),
            ),
            (format!("0::/system.slice/docker-{hex}.scope\n"), Home::Container(hex.clone())),
            (format!("0::/docker/{hex}\n"), Home::Container(hex.clone())),
            (
                format!("0::/user.slice/user-1000.slice/user@1000.service/app.slice/libpod-{hex}.scope\n"),
                Home::Container(hex.clone()),
            ),
            (format!("0::/machine.slice/libpod-{hex}.scope/container\n"), Home::Container(hex.clone())),
            (format!("0::/machine.slice/libpod-conmon-{hex}.scope\n"), Home::Container(hex.clone())),
            (format!("0::/libpod_parent/libpod-{hex}\n"), Home::Container(hex.clone())),
            // A quadlet is its unit.
            (format!("0::/system.slice/shop.service/libpod-payload-{hex}\n"), unit("shop.service")),
            (format!("0::/system.slice/shop.service/libpod-{hex}\n"), unit("shop.service")),
            ("0::/user.slice/user-1000.slice/session-3.scope\n".to_owned(), Home::Session("3".to_owned())),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n".to_owned(),
                unit("web.service"),
            ),
            ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n".to_owned(), Home::None),
            ("12:pids:/x\n1:name=systemd:/system.slice/cron.service\n0::/\n".to_owned(), unit("cron.service")),
            ("0::/\n".to_owned(), Home::None),
            // Names that were given below a group of one's own.
            ("0::/system.slice/shop.service/ssh.service\n".to_owned(), unit("shop.service")),
            (format!("0::/system.slice/shop.service/{hex}\n"), unit("shop.service")),
            (format!("0::/system.slice/docker-{hex}.scope/system.slice/ssh.service\n"), Home::Container(hex.clone())),
            (format!("0::/system.slice/docker.service/{hex}\n"), Home::Container(hex.clone())),
            ("0::/system.slice/docker.service/x\n".to_owned(), unit("docker.service")),
            ("0::/machine.slice/machine-web.scope/payload/system.slice/ssh.service\n".to_owned(), Home::None),
            ("0::/lxc.payload.web/system.slice/ssh.service\n".to_owned(), Home::None),
            (String::new(), Home::None),
        ];
        for (text, wanted) in table {
            assert_eq!(home(&text), wanted, "{text}");
        }
    }
}
