//! `systemctl`: unit properties and the list of failed units.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use super::history::History;
use super::unit_output::{self, UnitOutput};
use super::{Argv, Malformed};

const PROPERTIES: &str = "Id,Names,LoadState,ActiveState,SubState,Result,UnitFileState,NRestarts,MainPID,ExecMainCode,\
    ExecMainStatus,ActiveEnterTimestamp,StateChangeTimestamp,MemoryCurrent,ConditionResult,ConditionTimestamp,AssertResult,AssertTimestamp,NeedDaemonReload,ControlGroup,\
    TriggeredBy,NextElapseUSecRealtime,Type,User,WorkingDirectory,EnvironmentFiles,Restart,FragmentPath,CanStart,CanStop,CanReload,RefuseManualStart,\
    RefuseManualStop,TimeoutStartUSec,TimeoutStopUSec,DropInPaths,StandardInput,StandardOutput,StandardError,LogNamespace";

/// States of units that are not up: failed, or being started, which one that waits for its next start counts as.
const NOT_UP: &str = "--state=failed,activating";
/// The latter of them.
const ACTIVATING: &str = "--state=activating";

/// The unit of systemd itself.
pub const ALWAYS_THERE: &str = "init.scope";

/// All that is asked of these units, in one call; with `and_failed`, of every other unit that has failed, is being started, or has
/// ended and is about to be started again, as well.
pub fn show<'a>(units: impl IntoIterator<Item = &'a str>, and_failed: bool) -> Argv {
    let argv = Argv::new("systemctl", ["show", "--no-pager", "--timestamp=unix", "--property", PROPERTIES]);
    // The state narrows down what the pattern stands for, not the units that are named.
    let narrowed = if and_failed { argv.with([NOT_UP, "--", "*"]) } else { argv.with(["--"]) };
    narrowed.with(units)
}

/// All that is asked of the units that fit these patterns, whatever their state: without `--all` a pattern stands for those that run. With one that is always there,
/// because nothing fits a pattern where none is loaded.
pub fn instances<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Argv {
    Argv::new("systemctl", ["show", "--no-pager", "--timestamp=unix", "--property", PROPERTIES, "--all", "--"])
        .with(patterns)
        .with([ALWAYS_THERE])
}

/// Every service that is being started, or is about to be started again, and all of these units, whatever state they are in.
pub fn looping_or<'a>(units: impl IntoIterator<Item = &'a str>) -> Argv {
    // With one that is always there, so that silence is never taken for "none".
    Argv::new(
        "systemctl",
        ["show", "--no-pager", "--timestamp=unix", "--property", PROPERTIES, ACTIVATING, "--", "*.service"],
    )
    .with([ALWAYS_THERE])
    .with(units)
}

/// The state of every unit that systemd has loaded, a line each: milliseconds, however many there are.
pub fn list() -> Argv {
    Argv::new("systemctl", ["list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager"])
}

/// Units of which only the state is known.
pub type Listing = Vec<UnitState>;

/// Parses the output of [`list`].
///
/// # Errors
/// When there is no unit, or a line without its three states.
pub fn parse_list(text: &str) -> Result<Listing, Malformed> {
    const EXPECTED: &str = "a list of units";
    let units: Result<Listing, Malformed> =
        text.lines().map(|line| listed(line).ok_or_else(|| Malformed::new(EXPECTED, line))).collect();
    match units {
        Ok(units) if units.is_empty() => Err(Malformed::new(EXPECTED, text)),
        other => other,
    }
}

fn listed(line: &str) -> Option<UnitState> {
    let mut words = line.split_whitespace();
    let id = words.next().filter(|id| id.contains('.'))?.to_owned();
    let (load, active, sub) = (words.next()?.to_owned(), words.next()?.to_owned(), words.next()?.to_owned());
    Some(UnitState { names: vec![id.clone()], id, load, active, sub, brief: true, ..UnitState::default() })
}

/// `restart`, `reload`, `start` or `stop` of one unit, which waits for systemd to have done it.
pub fn act(verb: &str, unit: &str) -> Argv {
    Argv::new("systemctl", ["--no-ask-password", verb, "--", unit])
}

/// Forgets that a unit has failed, and how often it was started lately.
pub fn reset_failed(unit: &str) -> Argv {
    Argv::new("systemctl", ["--no-ask-password", "reset-failed", "--", unit])
}

/// Reboots the host.
pub fn reboot() -> Argv {
    Argv::new("systemctl", ["--no-ask-password", "reboot"])
}

/// Reads all unit files again.
pub fn daemon_reload() -> Argv {
    Argv::new("systemctl", ["--no-ask-password", "daemon-reload"])
}

/// What may be done to a unit by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abilities {
    pub start: bool,
    pub stop: bool,
    pub reload: bool,
    /// How long it may take to start; `None` when for ever.
    pub start_limit: Option<Duration>,
    /// How long it may take to stop; `None` when for ever.
    pub stop_limit: Option<Duration>,
}

/// A unit as systemd sees it. A missing property is empty, zero or `None`, never a good value.
#[expect(clippy::struct_excessive_bools, reason = "each is one property")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitState {
    pub id: String,
    pub names: Vec<String>,
    pub load: String,
    pub active: String,
    pub sub: String,
    pub result: String,
    pub file_state: String,
    pub restarts: u32,
    pub main_pid: Option<u32>,
    /// `CLD_EXITED` (1), `CLD_KILLED` (2), `CLD_DUMPED` (3).
    pub exit_kind: u32,
    pub exit_status: u32,
    pub active_since: Option<Timestamp>,
    pub changed: Option<Timestamp>,
    pub memory_bytes: Option<u64>,
    pub condition_failed: bool,
    pub reload_needed: bool,
    pub control_group: String,
    pub triggered_by: String,
    /// When a timer elapses next by the clock, as systemd writes it; empty of other units, and of timers without such a time.
    pub next_elapse: String,
    pub kind: String,
    pub user: String,
    pub working_directory: String,
    pub environment_files: Vec<String>,
    /// Those of them without which it is not started.
    pub needed_files: Vec<String>,
    /// Those of these that do not exist. Not told by systemd: only looked for where it
    /// could not start the unit for want of something.
    pub missing_files: Vec<String>,
    /// A mask until the next boot, which a unit file in `/etc` outdoes: systemd does not say so. Looked for where it does not run.
    pub runtime_mask: bool,
    pub restart: String,
    pub fragment: String,
    /// What may be done to it; `None` where systemd did not say all of it.
    pub able: Option<Abilities>,
    /// Where its standard output and error go; `None` where only its state is known.
    pub output: Option<UnitOutput>,
    /// When it was started again by itself, or why that is not known. Not told by `systemctl` but read beside it, of units that
    /// were restarted lately.
    pub history: Option<Result<History, String>>,
    /// Only its name and its states are known: there was no time for the rest.
    pub brief: bool,
}

impl UnitState {
    /// Whether this is the unit that `name` means, by its own name or another.
    pub fn is(&self, name: &str) -> bool {
        self.id == name || self.names.iter().any(|n| n == name)
    }

    /// Whether systemd knows a unit file of that name. (`show` succeeds for units that do not exist.)
    pub fn exists(&self) -> bool {
        self.load != "not-found"
    }

    /// Whether it has ended and is about to be started again.
    pub fn waits_to_restart(&self) -> bool {
        matches!(self.sub.as_str(), "auto-restart" | "auto-restart-queued")
    }

    /// Whether a step of its start is under way.
    pub fn is_being_started(&self) -> bool {
        self.active == "activating" && !self.waits_to_restart()
    }
}

/// Parses the output of [`show`]: a block a unit, in the order asked, blank lines between.
///
/// # Errors
/// When there is no block, or one without `Id`, `LoadState` and `ActiveState`.
pub fn parse_show(text: &str) -> Result<Vec<UnitState>, Malformed> {
    const EXPECTED: &str = "`systemctl show` properties";
    let blocks: Vec<&str> = text.split("\n\n").filter(|block| !block.trim().is_empty()).collect();
    if blocks.is_empty() {
        return Err(Malformed::new(EXPECTED, text));
    }
    blocks.into_iter().map(|block| unit(block).ok_or_else(|| Malformed::new(EXPECTED, block))).collect()
}

fn unit(block: &str) -> Option<UnitState> {
    let mut unit = UnitState { output: unit_output::unit(block), ..UnitState::default() };
    let (mut condition_held, mut condition_looked_at) = (None, false);
    let (mut assert_held, mut assert_looked_at) = (true, false);
    let (mut can, mut refuses) = ([None; 3], [None; 2]);
    let mut able = Abilities::default();
    for line in block.lines() {
        // Values may hold line breaks only in properties that are not asked for.
        let Some((key, value)) = line.split_once('=') else { continue };
        let text = || value.to_owned();
        match key {
            "Id" => unit.id = text(),
            "Names" => unit.names = value.split_whitespace().map(str::to_owned).collect(),
            "LoadState" => unit.load = text(),
            "ActiveState" => unit.active = text(),
            "SubState" => unit.sub = text(),
            "Result" => unit.result = text(),
            "UnitFileState" => unit.file_state = text(),
            "NRestarts" => unit.restarts = value.parse().unwrap_or(0),
            "MainPID" => unit.main_pid = value.parse().ok().filter(|pid| *pid != 0),
            "ExecMainCode" => unit.exit_kind = value.parse().unwrap_or(0),
            "ExecMainStatus" => unit.exit_status = value.parse().unwrap_or(0),
            "ActiveEnterTimestamp" => unit.active_since = unix(value),
            "StateChangeTimestamp" => unit.changed = unix(value),
            // "[not set]" and 2^64-1 both mean that nothing is known.
            "MemoryCurrent" => unit.memory_bytes = value.parse().ok().filter(|bytes| *bytes != u64::MAX),
            "ConditionResult" => condition_held = Some(value == "yes"),
            "ConditionTimestamp" => condition_looked_at = unix(value).is_some(),
            "AssertResult" => assert_held = value == "yes",
            "AssertTimestamp" => assert_looked_at = unix(value).is_some(),
            "NeedDaemonReload" => unit.reload_needed = value == "yes",
            "ControlGroup" => unit.control_group = text(),
            "TriggeredBy" => unit.triggered_by = text(),
            "NextElapseUSecRealtime" => unit.next_elapse = text(),
            "Type" => unit.kind = text(),
            "User" => unit.user = text(),
            "WorkingDirectory" => value.trim_start_matches('!').clone_into(&mut unit.working_directory),
            "EnvironmentFiles" => {
                let (path, ignored) = value.split_once(" (ignore_errors=").unwrap_or((value, ""));
                unit.environment_files.push(path.to_owned());
                if ignored == "no)" {
                    unit.needed_files.push(path.to_owned());
                }
            }
            "Restart" => unit.restart = text(),
            "FragmentPath" => unit.fragment = text(),
            "CanStart" => can[0] = yes(value),
            "CanStop" => can[1] = yes(value),
            "CanReload" => can[2] = yes(value),
            "RefuseManualStart" => refuses[0] = yes(value),
            "RefuseManualStop" => refuses[1] = yes(value),
            "TimeoutStartUSec" => able.start_limit = span(value),
            "TimeoutStopUSec" => able.stop_limit = span(value),
            _ => {}
        }
    }
    // Every unit has one, and near the end: without it the answer was cut.
    let condition_held = condition_held?;
    // A condition that was never looked at is told as one that does not hold.
    unit.condition_failed = (condition_looked_at && !condition_held) || (assert_looked_at && !assert_held);
    if let ([Some(start), Some(stop), Some(reload)], [Some(no_start), Some(no_stop)]) = (can, refuses) {
        unit.able = Some(Abilities { start: start && !no_start, stop: stop && !no_stop, reload, ..able });
    }
    (!unit.id.is_empty() && !unit.load.is_empty() && !unit.active.is_empty() && !unit.sub.is_empty()).then_some(unit)
}

/// `yes` or `no`; anything else was cut.
fn yes(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// `@1700000000`, or with a fraction; empty and `@0` mean never.
fn unix(value: &str) -> Option<Timestamp> {
    let seconds: i64 = value.strip_prefix('@')?.split('.').next()?.parse().ok()?;
    (seconds > 0).then(|| Timestamp::from_second(seconds).ok())?
}

/// `1min 30s`; `infinity` is none.
fn span(value: &str) -> Option<Duration> {
    let span: SignedDuration = value.parse::<Span>().ok()?.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abilities_are_read_whole_or_not_at_all() {
        let able = |text: &str| unit(&format!("{LOOP}{text}")).and_then(|unit| unit.able);
        let text = "TimeoutStartUSec=1min 30s\nTimeoutStopUSec=infinity\nCanStart=yes\nCanStop=yes\nCanReload=no\n\
                    RefuseManualStart=no\nRefuseManualStop=yes";
        let limits = Abilities { start_limit: Some(Duration::from_secs(90)), ..Abilities::default() };
        assert_eq!(able(text), Some(Abilities { start: true, ..limits }));
        // Only services have limits.
        let socket = "CanStart=yes\nCanStop=yes\nCanReload=no\nRefuseManualStart=no\nRefuseManualStop=no";
        assert_eq!(able(socket), Some(Abilities { start: true, stop: true, ..Abilities::default() }));
        for end in 0..text.len() {
            assert_eq!(able(&text[..end]), None, "cut at {end}");
        }
    }

    const LOOP: &str = "Type=simple\nRestart=on-failure\nNRestarts=12\nResult=exit-code\nExecMainCode=1\nExecMainStatus=3\n\
        MainPID=0\nControlGroup=\nMemoryCurrent=[not set]\nId=prim-wallet.service\nNames=prim-wallet.service\n\
        LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nUnitFileState=enabled\n\
        EnvironmentFiles=/etc/prim/wallet.env (ignore_errors=no)\nActiveEnterTimestamp=@1764000000\n\
        StateChangeTimestamp=@1764000009\nConditionResult=yes\nNeedDaemonReload=no\nUser=prim\nWorkingDirectory=/opt/prim\n";
    const MISSING: &str = "Id=nope.service\nNames=nope.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nConditionResult=no\n";

    #[test]
    fn the_builder_asks_for_all_units_at_once() {
        let argv = show(["a.service", "b.service"], false).to_string();
        assert_eq!(
            argv,
            format!("systemctl show --no-pager --timestamp=unix --property {PROPERTIES} -- a.service b.service")
        );
        let argv = show(["a.service"], true).to_string();
        assert!(argv.ends_with(" --state=failed,activating -- '*' a.service"), "{argv}");
    }

    #[test]
    fn blocks_become_units() {
        let units = parse_show(&format!("{LOOP}\n{MISSING}")).unwrap();
        assert_eq!(units.len(), 2);
        assert_eq!(
            units[0],
            UnitState {
                id: "prim-wallet.service".into(),
                names: vec!["prim-wallet.service".into()],
                load: "loaded".into(),
                active: "activating".into(),
                sub: "auto-restart".into(),
                result: "exit-code".into(),
                file_state: "enabled".into(),
                restarts: 12,
                exit_kind: 1,
                exit_status: 3,
                active_since: Some(Timestamp::from_second(1_764_000_000).unwrap()),
                changed: Some(Timestamp::from_second(1_764_000_009).unwrap()),
                kind: "simple".into(),
                user: "prim".into(),
                working_directory: "/opt/prim".into(),
                environment_files: vec!["/etc/prim/wallet.env".into()],
                needed_files: vec!["/etc/prim/wallet.env".into()],
                restart: "on-failure".into(),
                output: unit_output::unit(LOOP),
                ..UnitState::default()
            }
        );
        assert!(!units[1].exists());
    }

    #[test]
    fn nothing_and_nonsense_are_errors() {
        for text in ["", "\n\n", "Failed to connect to bus", "Id=x.service\nLoadState=loaded\n"] {
            assert!(parse_show(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn output_cut_at_any_byte_never_invents_a_running_unit() {
        for end in 0..LOOP.len() {
            if let Ok(units) = parse_show(&LOOP[..end]) {
                assert!(units.iter().all(|unit| unit.active != "active"), "cut at {end}");
            }
        }
    }

    const LIST: &str = "proc-sys-fs-binfmt_misc.automount loaded active running Arbitrary Executable File Formats\n\
        boot.automount not-found inactive dead boot.automount\n\
        dev-disk-by\\x2duuid-x.device loaded active plugged a disk\n\
        boom.service loaded failed failed /bin/false\n";

    #[test]
    fn b21_a_list_has_the_state_of_every_unit_and_nothing_else() {
        let units = parse_list(LIST).unwrap();
        let told: Vec<_> = units.iter().map(|u| [u.id.as_str(), &u.load, &u.active, &u.sub].join(" ")).collect();
        assert_eq!(told[1], "boot.automount not-found inactive dead");
        assert_eq!(told[3], "boom.service loaded failed failed");
        assert!(units.iter().all(|unit| unit.brief && unit.able.is_none()) && !units[1].exists());
        for text in ["", "Failed to connect to bus", "boom.service loaded\n"] {
            assert!(parse_list(text).is_err(), "{text:?}");
        }
    }
}
