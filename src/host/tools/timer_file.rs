//! What makes this program run by itself: the text of a timer and its service (systemd.timer(5), systemd.exec(5)), or of a file of
//! `/etc/cron.d` (crontab(5)); and what an installed one was made with.

use std::fmt::Write as _;
use std::time::Duration;

use super::crontab::{self, Kind};
use super::unit_file;

/// What each file begins with that this program wrote, whatever its name.
pub const MARK: &str = "# Written by opsctl ";
/// Where units of the host's own are.
pub const UNITS: &str = "/etc/systemd/system";
/// Where tables of cron are that name a user.
pub const TABLES: &str = "/etc/cron.d";

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A verb that runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// Name of its units without their ending, and of its cron file: `opsctl-check-prim`.
    pub name: String,
    /// What is run, for people: `opsctl check of prim`.
    pub what: String,
    /// The command that writes it: `check -d prim --install`.
    pub by: String,
    /// Absolute path of the program.
    pub program: String,
    /// Its arguments.
    pub words: Vec<String>,
    /// When it runs.
    pub when: When,
    /// How much of the host its service may change.
    pub sandbox: Sandbox,
}

/// When something runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Again and again, this long after it was started last.
    Every(Duration),
    /// At these hours and minutes of every day, UTC.
    Daily(Vec<(u8, u8)>),
    /// On this day of every month, at this hour and minute, UTC.
    Monthly(u8, (u8, u8)),
}

/// How much of the host a service may change, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sandbox {
    /// It reads everything and writes its own records, mail, and below these paths.
    Reads(Vec<String>),
    /// It stops services, opens databases where they are, and writes copies: the programs and settings of the host are read-only.
    Copies,
}

impl When {
    /// `every 5m`, `daily at 03:00 UTC`.
    pub fn label(&self) -> String {
        let clock = |(hour, minute): &(u8, u8)| format!("{hour:02}:{minute:02}");
        match self {
            When::Every(span) => format!("every {}", short(*span)),
            When::Daily(times) => {
                format!("daily at {} UTC", times.iter().map(clock).collect::<Vec<_>>().join(", "))
            }
            When::Monthly(day, time) => format!("monthly on day {day} at {} UTC", clock(time)),
        }
    }
}

/// `90s`, `5m`, `6h`, `2d`: the largest unit of which it is a whole number.
pub fn short(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m")];
    let whole = units.iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

impl Timed {
    /// Path of the service.
    pub fn service_path(&self) -> String {
        format!("{UNITS}/{}.service", self.name)
    }

    /// Path of the timer.
    pub fn timer_path(&self) -> String {
        format!("{UNITS}/{}.timer", self.name)
    }

    /// Path of the table of cron.
    pub fn table_path(&self) -> String {
        format!("{TABLES}/{}", self.name)
    }

    /// Name of the timer.
    pub fn timer(&self) -> String {
        format!("{}.timer", self.name)
    }

    /// Name of the service.
    pub fn service(&self) -> String {
        format!("{}.service", self.name)
    }

    fn mark(&self) -> String {
        format!("{MARK}{}\n", self.by)
    }

    fn command(&self) -> String {
        std::iter::once(&self.program).chain(&self.words).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The text of its service.
    pub fn service_text(&self) -> String {
        let mut text = self.mark();
        let mut add = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        add("[Unit]");
        add(&format!("Description={}", self.what));
        if self.sandbox == Sandbox::Copies {
            // After a boot that missed a run, databases have to be up first.
            add("Wants=network-online.target");
            add("After=network-online.target multi-user.target");
        }
        add("\n[Service]");
        add("Type=oneshot");
        add(&format!("ExecStart={}", self.command()));
        match &self.sandbox {
            Sandbox::Reads(_) => {
                add(
                    "# 3 is a failure that was found, 4 something unknown: results, for which the unit has not failed.",
                );
                add("SuccessExitStatus=3 4");
                add("TimeoutStartSec=2min");
                add("# Only the result is kept in the journal, not that it began and ended.");
                add("SyslogLevel=notice");
                add("LogLevelMax=notice");
            }
            Sandbox::Copies => {
                add("TimeoutStartSec=6h");
                add("Nice=10");
                add("CPUWeight=20");
                add("IOWeight=20");
            }
        }
        add("# opsctl ends its own commands.");
        add("KillMode=mixed");
        for (kind, keeps) in [("State", false), ("Logs", false), ("Runtime", true)] {
            add(&format!("{kind}Directory=opsctl"));
            add(&format!("{kind}DirectoryMode=0700"));
            if keeps {
                add("RuntimeDirectoryPreserve=yes");
            }
        }
        match &self.sandbox {
            Sandbox::Reads(writes) => {
                add(
                    "# Everything is read-only but its own directories, and what sendmail and `nginx -T` write. /tmp and /home are the",
                );
                add(
                    "# host's, because sockets and pm2 are there; W^X is off, because pm2's client is compiled while it runs.",
                );
                add("ProtectSystem=strict");
                add("ProtectHome=read-only");
                let all = ["/run", "/var/log", "/var/mail", "/var/spool"]
                    .into_iter()
                    .chain(writes.iter().map(String::as_str));
                add(&format!("ReadWritePaths={}", all.map(|path| format!("-{path}")).collect::<Vec<_>>().join(" ")));
                add("RestrictSUIDSGID=yes");
            }
            Sandbox::Copies => {
                add("# Databases and directories are opened where they are, and SQLite writes beside them.");
                add("ProtectSystem=full");
            }
        }
        for key in [
            "LockPersonality",
            "NoNewPrivileges",
            "ProtectControlGroups",
            "ProtectKernelLogs",
            "ProtectKernelModules",
            "ProtectKernelTunables",
            "RestrictRealtime",
        ] {
            add(&format!("{key}=yes"));
        }
        add("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK");
        text
    }

    /// The text of its timer.
    pub fn timer_text(&self) -> String {
        let mut text = self.mark();
        let _ = writeln!(text, "[Unit]\nDescription={}, {}\n\n[Timer]", self.what, self.when.label());
        let calendar =
            |days: &str, (hour, minute): &(u8, u8)| format!("OnCalendar=*-*-{days} {hour:02}:{minute:02}:00 UTC");
        let lines: Vec<String> = match &self.when {
            When::Every(span) => {
                let accuracy = if span.as_secs() < 10 * MINUTE { "1s" } else { "1min" };
                // A time of the clock would be passed over, or come twice, when the clock is set.
                vec![
                    "OnBootSec=1min".to_owned(),
                    format!("OnUnitActiveSec={}s", span.as_secs()),
                    format!("AccuracySec={accuracy}"),
                ]
            }
            When::Daily(times) => times.iter().map(|time| calendar("*", time)).collect(),
            When::Monthly(day, time) => vec![calendar(&format!("{day:02}"), time)],
        };
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        if !matches!(self.when, When::Every(_)) {
            // A run that was missed is made up for; hosts that share a remote do not begin in the same second.
            text.push_str("Persistent=yes\nAccuracySec=1min\nRandomizedDelaySec=2min\nFixedRandomDelay=yes\n");
        }
        text.push_str("\n[Install]\nWantedBy=timers.target\n");
        text
    }

    /// The text of its table of cron, whose times are those of the host's zone: `ahead` is how many minutes that is ahead of UTC.
    ///
    /// # Errors
    /// What cron cannot run so often.
    pub fn table_text(&self, ahead: i32) -> Result<String, String> {
        let fields = match &self.when {
            When::Every(span) => vec![every(*span)?],
            When::Daily(times) => times.iter().map(|time| local(None, *time, ahead)).collect(),
            When::Monthly(day, time) => vec![local(Some(*day), *time, ahead)],
        };
        // What is wrong is on stderr, which cron mails.
        let quiet = if matches!(self.sandbox, Sandbox::Reads(_)) { " >/dev/null" } else { "" };
        let mut text = self.mark();
        text.push_str("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
        for fields in fields {
            let _ = writeln!(text, "{fields} root {}{quiet}", self.command());
        }
        Ok(text)
    }
}

/// Fields of cron for a span.
fn every(span: Duration) -> Result<String, String> {
    let seconds = span.as_secs();
    let step =
        |unit: u64, whole: u64| (seconds.is_multiple_of(unit) && whole.is_multiple_of(seconds)).then(|| seconds / unit);
    match (step(MINUTE, HOUR), step(HOUR, DAY)) {
        (Some(60), _) => Ok("0 * * * *".to_owned()),
        (Some(1), _) => Ok("* * * * *".to_owned()),
        (Some(minutes), _) => Ok(format!("*/{minutes} * * * *")),
        (None, Some(24)) => Ok("0 0 * * *".to_owned()),
        (None, Some(hours)) => Ok(format!("0 */{hours} * * *")),
        (None, None) => Err(format!(
            "cron runs nothing every {}: it takes minutes that divide an hour, or hours that divide a day",
            short(span)
        )),
    }
}

/// Fields of cron for a time of day, moved into the host's zone. A day of the month moves with it.
fn local(day: Option<u8>, (hour, minute): (u8, u8), ahead: i32) -> String {
    const MINUTES: i32 = 24 * 60;
    let moved = i32::from(hour) * 60 + i32::from(minute) + ahead;
    let (days, rest) = (moved.div_euclid(MINUTES), moved.rem_euclid(MINUTES));
    let day = day.map_or_else(|| "*".to_owned(), |day| (i32::from(day) + days).to_string());
    format!("{} {} {day} * *", rest % 60, rest / 60)
}

/// Whether this program wrote a text.
pub fn is_ours(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Whether a word can stand in a unit and in a line of cron as it is.
pub fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=./:,@+".contains(c))
}

/// What an installed file was made with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    /// The program that is started.
    pub program: Option<String>,
    /// Its arguments.
    pub words: Vec<String>,
    /// How often it runs, where it runs by the span.
    pub every: Option<Duration>,
}

impl Made {
    /// From the text of a service, and of its timer.
    pub fn of_units(service: &str, timer: &str) -> Made {
        let settings = unit_file::settings("", service);
        let mut words =
            unit_file::last(&settings, "ExecStart").map(|line| unit_file::words(&line.value)).unwrap_or_default();
        let timer = unit_file::section("", timer, "[Timer]");
        let seconds =
            unit_file::last(&timer, "OnUnitActiveSec").and_then(|line| line.value.strip_suffix('s')?.parse().ok());
        let program = (!words.is_empty()).then(|| words.remove(0));
        Made { program, words, every: seconds.map(Duration::from_secs) }
    }

    /// From the text of a table of cron.
    pub fn of_table(text: &str) -> Made {
        let table = crontab::parse(text, Kind::System);
        let Some(entry) = table.entries.iter().find(|entry| !entry.is_comment) else { return Made::default() };
        let command = entry.command.split(" >").next().unwrap_or_default();
        let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let fields: Vec<&str> = entry.schedule.split(' ').collect();
        let count = |field: &str| field.strip_prefix("*/")?.parse::<u64>().ok();
        let seconds = match fields[..] {
            ["*", "*", ..] => Some(MINUTE),
            ["0", "*", ..] => Some(HOUR),
            ["0", "0", "*", ..] => Some(DAY),
            [minutes, "*", ..] => count(minutes).map(|count| count.saturating_mul(MINUTE)),
            ["0", hours, ..] => count(hours).map(|count| count.saturating_mul(HOUR)),
            _ => None,
        };
        let program = (!words.is_empty()).then(|| words.remove(0));
        Made { program, words, every: seconds.map(Duration::from_secs) }
    }
}

#[cfg(test)]
mod tests;
