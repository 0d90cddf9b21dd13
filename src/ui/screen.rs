//! A screen that is drawn again and again: the terminal's alternate one, so that what stood there before comes back at the end,
//! however that comes. Keys are read one by one without an echo; Ctrl-C stays a signal.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};

use super::fit;

const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";
/// How often the size of the terminal is compared.
const PACE: Duration = Duration::from_millis(200);
/// Rows of a terminal that does not know them.
const ROWS: usize = 24;

/// What has to be restored at the end; `None` where no screen is open.
static OPEN: Mutex<Option<Before>> = Mutex::new(None);

/// The terminal before.
struct Before {
    /// `None` where keys are not read.
    modes: Option<Termios>,
}

/// Why a screen is not only looked at any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The time is over.
    Due,
    /// The terminal has another size.
    Resized,
    /// Whoever sits there wants to leave.
    Quit,
    /// The terminal is gone.
    Lost,
}

/// An open screen. It is closed when it is dropped.
#[derive(Debug)]
pub struct Screen {
    reads_keys: bool,
    size: (usize, usize),
}

impl Screen {
    /// Opens it, where stdout is a terminal that can show one.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn open() -> io::Result<Option<Self>> {
        let can = std::env::var_os("TERM").is_some_and(|terminal| !terminal.is_empty() && terminal != "dumb");
        if !can || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let modes = key_modes();
        *OPEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Before { modes: modes.clone() });
        let screen = Screen { reads_keys: modes.is_some(), size: size() };
        if let Some(mut modes) = modes {
            modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            // A process that is stopped would leave the terminal as it is.
            modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
            tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
        }
        write(ENTER)?;
        Ok(Some(screen))
    }

    /// Draws these lines from the top; those that do not fit are counted.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn draw(&mut self, text: &str) -> io::Result<()> {
        self.size = size();
        let (rows, columns) = self.size;
        let lines = fit::rows(text.lines(), rows, columns);
        write(format!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\n")).as_bytes())
    }

    /// Waits until then for something to happen.
    pub fn wait(&self, until: Instant) -> Event {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let keys = if self.reads_keys { PollFlags::IN } else { PollFlags::empty() };
            let mut fds = [PollFd::new(&stdout, PollFlags::empty()), PollFd::new(&stdin, keys)];
            let fds = if self.reads_keys { &mut fds[..] } else { &mut fds[..1] };
            let timeout = Timespec::try_from(left.min(PACE)).unwrap_or_default();
            let polled = poll(fds, Some(&timeout));
            let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
            if polled.is_ok() && fds.iter().any(|fd| fd.revents().intersects(gone)) {
                return Event::Lost;
            }
            if fds.get(1).is_some_and(|fd| fd.revents().contains(PollFlags::IN)) {
                match key() {
                    Ok(b'q' | b'Q') => return Event::Quit,
                    Ok(_) => {}
                    Err(_) => return Event::Lost,
                }
            }
            if size() != self.size {
                return Event::Resized;
            }
            if left.is_zero() {
                return Event::Due;
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        close();
    }
}

/// Puts the terminal back, if a screen is open; also from another thread, while this process ends. Waits for nobody.
pub fn close() {
    let before = match OPEN.try_lock() {
        Ok(mut open) => open.take(),
        Err(TryLockError::Poisoned(open)) => open.into_inner().take(),
        Err(TryLockError::WouldBlock) => None,
    };
    let Some(before) = before else { return };
    // A terminal that is gone has nothing to restore.
    if let Some(modes) = before.modes {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
    }
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    if poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
        // Not through its buffer, whose lock may be held by one who hangs in writing.
        let _ = rustix::io::write(&stdout, LEAVE);
    }
}

/// How the terminal of stdin is set, where it is this process's to read.
fn key_modes() -> Option<Termios> {
    let stdin = io::stdin();
    let is_ours = stdin.is_terminal() && tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp());
    is_ours.then(|| tcgetattr(&stdin).ok()).flatten()
}

/// A key. Not through the buffer of stdin, which would take more than one.
fn key() -> io::Result<u8> {
    let mut byte = [0];
    match rustix::io::read(io::stdin(), &mut byte)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(byte[0]),
    }
}

fn size() -> (usize, usize) {
    let stdout = io::stdout();
    (super::rows(&stdout).unwrap_or(ROWS), super::columns(&stdout).unwrap_or(80))
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::process::{Command, Stdio};

    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    const CHILD: &str = "ui::screen::tests::a_defect_while_a_screen_is_open";

    /// Run by the test below.
    #[test]
    #[ignore = "needs a terminal"]
    fn a_defect_while_a_screen_is_open() {
        let ended = crate::defect::guarded(|| {
            let Some(mut screen) = Screen::open()? else { return Ok(()) };
            screen.draw("drawn")?;
            panic!("a defect")
        });
        assert_eq!(ended.is_err(), io::stdout().is_terminal());
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let screen = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let stream = || Stdio::from(screen.try_clone().unwrap());
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(std::env::current_exe().unwrap());
        command.args([CHILD, "--exact", "--ignored", "--nocapture"]).env("TERM", "xterm");
        let status = command.stdin(stream()).stdout(stream()).stderr(stream()).status().unwrap();
        let modes = tcgetattr(&screen).unwrap().local_modes;
        drop((command, screen));
        let mut shown = Vec::new();
        // A terminal that nobody has open any more answers EIO, with what was shown before.
        let _ = File::from(terminal).read_to_end(&mut shown);
        let shown = String::from_utf8_lossy(&shown);
        let [enter, leave] = [ENTER, LEAVE].map(|bytes| shown.find(std::str::from_utf8(bytes).unwrap()));
        assert!(status.success() && shown.contains("drawn"), "{shown:?}");
        assert!(enter.is_some() && enter < leave, "{shown:?}");
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON), "{modes:?}");
    }
}
