//! `dpkg`: its log, in which each installation, upgrade and removal of a package is a line.

/// What was done to packages within one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRun {
    /// When the first was done, as the log has it: `2026-02-26T01:59:03`.
    pub time: String,
    /// What was done: `upgrade`.
    pub action: String,
    /// Packages, without their architecture.
    pub packages: Vec<String>,
}

impl PackageRun {
    /// In words: `upgrade of caddy, libssl3 and 12 more packages`.
    pub fn words(&self) -> String {
        const SHOWN: usize = 3;
        match self.packages.len() {
            count if count > SHOWN + 1 => {
                let more = count - SHOWN;
                format!("{} of {} and {more} more packages", self.action, self.packages[..SHOWN].join(", "))
            }
            _ => format!("{} of {}", self.action, self.packages.join(", ")),
        }
    }
}

/// What the log tells, oldest first: `2026-02-26 01:59:03 upgrade caddy:amd64 2.6.2 2.6.3`. Other lines are passed over.
pub fn runs(log: &str) -> Vec<PackageRun> {
    let mut found: Vec<PackageRun> = Vec::new();
    for line in log.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [date, time, action @ ("install" | "upgrade" | "remove" | "purge"), package, ..] = words.as_slice() else {
            continue;
        };
        let package = package.split(':').next().unwrap_or(package).to_owned();
        let minute = |time: &str| time.rsplit_once(':').map(|(minute, _)| minute.to_owned());
        let time = format!("{date}T{time}");
        match found.last_mut().filter(|last| last.action == *action && minute(&last.time) == minute(&time)) {
            Some(last) => last.packages.push(package),
            None => found.push(PackageRun { time, action: (*action).to_owned(), packages: vec![package] }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_one_minute_are_one_run() {
        let log = "2026-02-26 01:58:59 startup archives unpack\n2026-02-26 01:59:03 upgrade caddy:amd64 2.6.2 2.6.3\n\
            2026-02-26 01:59:03 status half-configured caddy:amd64 2.6.2\n2026-02-26 01:59:40 upgrade libssl3t64:amd64 3.5 3.6\n\
            2026-02-26 02:10:00 remove nginx:all 1.26 <none>\n2026-02-26 02:1";
        let words: Vec<String> = runs(log).iter().map(|run| format!("{} {}", run.time, run.words())).collect();
        assert_eq!(words, ["2026-02-26T01:59:03 upgrade of caddy, libssl3t64", "2026-02-26T02:10:00 remove of nginx"]);
        let many = PackageRun {
            time: String::new(),
            action: "install".into(),
            packages: ["a", "b", "c", "d", "e"].map(str::to_owned).into(),
        };
        assert_eq!(many.words(), "install of a, b, c and 2 more packages");
    }
}
