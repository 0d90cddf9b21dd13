//! Whose a process is: its unit or container by its control group, and the processes that it descends from.

use crate::host::system::System;

/// How many generations are looked up.
const GENERATIONS: usize = 8;

/// Whose a process is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owner {
    /// Names in its control group, the nearest last: `system.slice`, `shop.service`.
    pub groups: Vec<String>,
    /// Itself, its parent, and so on.
    pub line: Vec<u32>,
}

/// Looks up a process.
pub fn look(system: &System, pid: u32) -> Owner {
    let groups = system.read(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let mut line = vec![pid];
    while let Some(parent) = line.last().and_then(|pid| system.parent_of(*pid)).filter(|parent| *parent > 1) {
        if line.len() > GENERATIONS {
            break;
        }
        line.push(parent);
    }
    Owner { groups: names(&groups), line }
}

/// Names in the control groups of a process, of whichever hierarchies there are.
fn names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for path in text.lines().filter_map(|line| line.splitn(3, ':').nth(2)) {
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if !found.iter().any(|other| other == name) {
                found.push(name.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_both_layouts_are_read() {
        assert_eq!(names("0::/system.slice/shop.service\n"), ["system.slice", "shop.service"]);
        let old = "5:cpu,cpuacct:/system.slice/a.service\n1:name=systemd:/system.slice/a.service\n0::/\n";
        assert_eq!(names(old), ["system.slice", "a.service"]);
        assert!(names("nonsense").is_empty());
    }
}
