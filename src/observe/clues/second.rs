//! A second, longer look at services that took a connection or a request and gave no answer in time, and what their processes are
//! short of. Nobody else is asked.

use std::thread;
use std::time::{Duration, Instant};

use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::tools::procfs;
use crate::host::tools::sockets;
use crate::observe::probe::{Answer, Door, ManagerEvidence, Reply, ask_again, is_silent, own_processes};
use crate::registry::Service;

/// How far apart the two samples of processor time are.
const APART: Duration = Duration::from_millis(200);
/// How many processes of a service are looked at.
const MOST: usize = 32;

/// What a second look at a service came to.
#[derive(Debug, Clone)]
pub struct SecondLook {
    /// The first of its late probes that answered: its place among the probes, after how long, and what.
    pub answer: Option<(usize, Duration, Answer<Reply>)>,
    /// How long was waited for.
    pub waited: Duration,
    /// What its processes use of what they may.
    pub strain: Vec<Strain>,
}

/// A process, and what it uses of what it may.
#[derive(Debug, Clone, PartialEq)]
pub struct Strain {
    /// Its id.
    pub pid: u32,
    /// Its short name.
    pub name: String,
    /// Open descriptors, and how many it may have.
    pub files: Option<(u64, u64)>,
    /// Processes and threads of its control group, and how many that may have.
    pub tasks: Option<(u64, u64)>,
    /// Processor time in a fifth of a second, of one processor: 1.0 is all of it.
    pub busy: Option<f64>,
    /// The letter of its state: `D` waits for a disk, `T` was halted by a signal.
    pub state: char,
    /// Connections that wait to be taken on its main port, and how many may.
    pub waiting: Option<(u64, u64)>,
}

/// Looks at a service whose probes at `late` gave no answer in time.
pub(super) fn look(
    door: Door<'_>,
    service: &'static Service,
    late: &[usize],
    managers: &ManagerEvidence,
    patience: Duration,
) -> SecondLook {
    let mut pids = own_processes(door.system, service, managers);
    pids.truncate(MOST);
    let halted = !pids.is_empty() && pids.iter().all(|pid| state(door.system, *pid) == Some('T'));
    thread::scope(|scope| {
        let strain = task(scope, || strain(door.system, service, &pids));
        // What was halted answers nobody, however long it is waited for.
        let waited = if halted { Duration::ZERO } else { patience };
        let longer = door.longer(waited);
        let asked: Vec<_> = late
            .iter()
            .filter(|_| !halted)
            .filter_map(|index| Some((*index, service.probes.get(*index)?)))
            .map(|(index, probe)| {
                let ask = move || {
                    let begun = Instant::now();
                    ask_again(longer, probe).map(|answer| (index, begun.elapsed(), answer))
                };
                task(scope, ask)
            })
            .collect();
        let answers: Vec<_> = asked.into_iter().filter_map(join).collect();
        let spoken = |(_, _, answer): &(usize, Duration, Answer<Reply>)| answer.result.is_ok() && !is_silent(answer);
        SecondLook { answer: answers.into_iter().find(spoken), waited, strain: join(strain) }
    })
}

fn state(system: &System, pid: u32) -> Option<char> {
    procfs::state(&system.read(format!("/proc/{pid}/stat")).ok()?)
}

fn strain(system: &System, service: &Service, pids: &[u32]) -> Vec<Strain> {
    let ticks = |pid: u32| procfs::processor_ticks(&system.read(format!("/proc/{pid}/stat")).ok()?);
    let before: Vec<Option<u64>> = pids.iter().map(|pid| ticks(*pid)).collect();
    thread::sleep(APART);
    let one = |(pid, before): (&u32, Option<u64>)| {
        let pid = *pid;
        let read = |file: &str| system.read(format!("/proc/{pid}/{file}")).ok();
        let state = state(system, pid)?;
        let used = before.zip(ticks(pid)).map(|(before, after)| after.saturating_sub(before));
        let open = system.names(format!("/proc/{pid}/fd")).ok().map(|names| names.len() as u64);
        let most = read("limits").and_then(|text| procfs::open_files_limit(&text));
        let waiting = service.ports.first().and_then(|port| {
            let tables = ["net/tcp", "net/tcp6"].into_iter().filter_map(read);
            tables.filter_map(|text| sockets::backlog(&text, *port)).max()
        });
        Some(Strain {
            pid,
            name: system.process_name(pid).unwrap_or_default(),
            files: open.zip(most),
            tasks: read("cgroup").and_then(|text| tasks(system, &text)),
            #[expect(clippy::cast_precision_loss, reason = "ticks of a fifth of a second")]
            busy: used.map(|used| used as f64 / (procfs::TICKS_PER_SECOND * APART.as_secs_f64())),
            state,
            waiting,
        })
    };
    pids.iter().zip(before).filter_map(one).collect()
}

/// Tasks of a control group, and how many it may have.
fn tasks(system: &System, cgroup: &str) -> Option<(u64, u64)> {
    let group = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    let number = |file: &str| system.read(format!("/sys/fs/cgroup{group}/{file}")).ok()?.trim().parse().ok();
    Some((number("pids.current")?, number("pids.max")?))
}
