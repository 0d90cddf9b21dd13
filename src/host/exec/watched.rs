//! Reading what a command says until it has ended, within the limits of time and of size.

use std::io::{ErrorKind, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::{DRAIN, GRACE, OUTPUT_LIMIT, ProcessEnd, Started, Take, kill_group};

/// A process that is read until it has ended, or is ended.
pub(super) struct Watched<'a> {
    pub(super) pidfd: OwnedFd,
    pub(super) started: &'a mut Started,
}

impl Watched<'_> {
    /// Reads both streams until the process has ended and they are drained. Enforces the limits: says how the process was
    /// ended, if by us.
    pub(super) fn follow(
        &mut self,
        begun: Instant,
        limit: Duration,
        take: Take<'_>,
    ) -> (Option<ProcessEnd>, Vec<u8>, Vec<u8>) {
        let mut kept = [Vec::new(), Vec::new()];
        let mut sifted = 0;
        let mut open = [true, true];
        let mut alive = true;
        let mut forced = None;
        let mut killed = false;
        let mut until = begun + limit;
        while alive || open[0] || open[1] {
            let now = Instant::now();
            if now >= until {
                if !alive {
                    break; // a grandchild keeps a stream open
                }
                if forced.is_none() {
                    forced = Some(ProcessEnd::TimedOut(begun.elapsed()));
                    kill_group(self.started.pid, Signal::TERM);
                    until = now + GRACE;
                } else if !killed {
                    killed = true;
                    kill_group(self.started.pid, Signal::KILL);
                    until = now + GRACE;
                } else {
                    break; // not even KILL: stuck in the kernel
                }
                continue;
            }
            let ready = self.ready(open, alive, until - now);
            for (index, stream) in [&mut self.started.stdout, &mut self.started.stderr].into_iter().enumerate() {
                if ready[index] && open[index] {
                    open[index] = read_some(stream, &mut kept[index]);
                }
            }
            sift(&mut kept[1], &mut sifted, take);
            if kept.iter().any(|stream| stream.len() > OUTPUT_LIMIT) && forced.is_none() {
                forced = Some(ProcessEnd::TooMuchOutput);
                killed = true;
                kill_group(self.started.pid, Signal::KILL);
                until = Instant::now() + GRACE;
            }
            if ready[2] && alive {
                alive = false;
                if forced.is_some() {
                    // The leader is gone; what it started and left behind goes too.
                    kill_group(self.started.pid, Signal::KILL);
                }
                until = Instant::now() + DRAIN;
            }
        }
        let [mut stdout, mut stderr] = kept;
        stdout.truncate(OUTPUT_LIMIT);
        stderr.truncate(OUTPUT_LIMIT);
        (forced, stdout, stderr)
    }

    /// Waits until a stream can be read or the process has ended: stdout, stderr, process.
    fn ready(&self, open: [bool; 2], alive: bool, wait: Duration) -> [bool; 3] {
        let wanted = [open[0], open[1], alive];
        let sources = [self.started.stdout.as_fd(), self.started.stderr.as_fd(), self.pidfd.as_fd()];
        let watch = |(fd, wanted): (_, bool)| wanted.then(|| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let mut polled: Vec<PollFd<'_>> = sources.into_iter().zip(wanted).filter_map(watch).collect();
        let timeout = Timespec::try_from(wait).ok();
        if poll(&mut polled, timeout.as_ref()).is_err() {
            return [false; 3]; // interrupted: the caller looks at the time and comes back
        }
        let mut answers = polled.iter().map(|fd| !fd.revents().is_empty());
        wanted.map(|wanted| wanted && answers.next().unwrap_or(false))
    }
}

/// Hands over the whole lines from `from` on, and leaves out those that are taken.
fn sift(kept: &mut Vec<u8>, from: &mut usize, take: Take<'_>) {
    while let Some(length) = kept[*from..].iter().position(|byte| *byte == b'\n') {
        let line = *from..*from + length;
        match take(&String::from_utf8_lossy(&kept[line.clone()])) {
            true => drop(kept.drain(line.start..=line.end)),
            false => *from = line.end + 1,
        }
    }
}

/// Reads what is there; false at the end of the stream.
fn read_some(stream: &mut PipeReader, kept: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 16 << 10];
    match stream.read(&mut buffer) {
        Ok(0) => false,
        Ok(count) => {
            kept.extend_from_slice(&buffer[..count]);
            true
        }
        Err(error) => error.kind() == ErrorKind::Interrupted,
    }
}
