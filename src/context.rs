//! What a command is given: the chosen deployment, the way to the outside, the time it has, and how to print.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::discover;
use crate::error::Error;
use crate::host::exec::Processes;
use crate::host::system::System;
use crate::host::tools::Argv;
use crate::observe::logs;
use crate::observe::probe::PATIENCE;
use crate::program;
use crate::registry::{Deployment, LOCALHOST};
use crate::select::{DETECTION, detect, detected, hidden, own, signs};
use crate::ui::{self, Ui};

/// What every verb can be asked for.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How to print.
    pub ui: Ui,
    /// The deployment that was named.
    pub deployment: Option<&'static Deployment>,
    /// Whether each command is printed before it runs.
    pub verbose: bool,
    /// How long the whole command may take.
    pub timeout: Option<Duration>,
}

/// The surroundings of a command.
#[derive(Clone)]
pub struct Context<'a> {
    /// The machine.
    pub system: &'a System,
    /// How to print.
    pub ui: Ui,
    chosen: Option<&'static Deployment>,
    known: OnceLock<&'static Deployment>,
    doubt: OnceLock<String>,
    unseen: OnceLock<String>,
    verbose: bool,
    deadline: Option<Instant>,
    begun: Instant,
}

/// The time of one look at the machine, in which everything has to be asked: several rounds share it.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// When the last answer must have come.
    pub until: Instant,
}

impl Look {
    /// What is left, for the last round, or the only one.
    pub fn rest(self) -> Duration {
        // What can answer answers within that, also where others have used up the time.
        const LEAST: Duration = Duration::from_millis(100);
        self.until.saturating_duration_since(Instant::now()).max(LEAST)
    }

    /// For the first of two rounds: most of it, because the second asks only what the first left open.
    pub fn first(self) -> Duration {
        self.rest() * 3 / 4
    }
}

impl<'a> Context<'a> {
    /// On this machine, as these settings want it.
    pub fn new(system: &'a System, settings: Settings) -> Self {
        Context {
            system,
            ui: settings.ui,
            chosen: settings.deployment,
            known: OnceLock::new(),
            doubt: OnceLock::new(),
            unseen: OnceLock::new(),
            verbose: settings.verbose,
            deadline: settings.timeout.map(|limit| Instant::now() + limit),
            begun: Instant::now(),
        }
    }

    /// The same without a deadline, for what must be put in order although the time is over.
    #[must_use]
    pub fn unhurried(&self) -> Self {
        Context { deadline: None, ..self.clone() }
    }

    /// The same on that machine.
    #[must_use]
    pub fn on<'b>(&self, system: &'b System) -> Context<'b>
    where
        'a: 'b,
    {
        Context { system, ..self.clone() }
    }

    /// The deployment that was named, else the only one on this host, else `localhost`.
    ///
    /// # Errors
    /// When several are on this host.
    pub fn deployment(&self) -> Result<&'static Deployment, Error> {
        // The first answer stays.
        if let Some(known) = self.known.get() {
            return Ok(known);
        }
        let meant = self.meant()?;
        let found = if meant.name == LOCALHOST.name { self.discovered() } else { meant };
        logs::keep_secret(self.system, found);
        Ok(self.known.get_or_init(|| found))
    }

    /// `localhost` with what runs on this host, asked once a process: the records are kept as long as it lives, and a watch looks at
    /// the same ones again and again, so its memory does not grow. A service that comes later is in the next command's.
    fn discovered(&self) -> &'static Deployment {
        let found = discover::find_within(self.system, &self.processes(), self.within(discover::WITHIN));
        // Who may not see ports sees their services all the same.
        for (what, why) in found.unknown.iter().filter(|(what, _)| *what != discover::PORTS) {
            let because = format!("there may be more services than these: {what}: {why}");
            let _ = if why.needs_root() { self.doubt.set(because) } else { self.unseen.set(because) };
        }
        discover::deployment(&found)
    }

    /// Why services of this host may be missing, where root would not see them either.
    pub fn unseen(&self) -> Option<&str> {
        self.unseen.get().map(String::as_str)
    }

    /// The deployment that the command has turned out to be about; `None` when it came to its end before that.
    pub fn known_deployment(&self) -> Option<&'static Deployment> {
        self.known.get().copied()
    }

    /// What is to be said after the result: that another deployment may have been meant.
    pub fn doubt(&self) -> Option<&str> {
        self.doubt.get().map(String::as_str)
    }

    /// The same without what is found on this host: of `localhost` only what it states.
    ///
    /// # Errors
    /// When several are on this host.
    pub fn meant(&self) -> Result<&'static Deployment, Error> {
        if let Some(chosen) = self.chosen {
            return Ok(chosen);
        }
        // A look has the rest.
        let signs = signs(self.system, self.time_left().map_or(DETECTION, |left| DETECTION.max(left / 8).min(left)));
        match detected(&signs).as_slice() {
            [] => {
                let hidden = hidden(self.system, &signs);
                if let [(_, why), ..] = &hidden[..] {
                    let names = hidden.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                    let _ = self.doubt.set(format!("this host may run {names} ({why}); this was about localhost"));
                } else if let own @ [first, ..] = &own()[..] {
                    let (names, named) = (own.join(", "), program::again(&format!("-d {first}")));
                    let _ = self.doubt.set(format!(
                        "no deployment of this program ({names}) was detected; this was about localhost, name one: {named}"
                    ));
                }
                Ok(&LOCALHOST)
            }
            [one] => Ok(one),
            several => Err(Error::ambiguous(&several.iter().map(|d| d.name).collect::<Vec<_>>())),
        }
    }

    /// Whether this deployment is the one that is meant when none is named.
    pub fn is_detected(&self, deployment: &Deployment) -> bool {
        match detect(self.system).as_slice() {
            [] => deployment.name == LOCALHOST.name,
            [one] => one.name == deployment.name,
            _ => false,
        }
    }

    /// The way to other programs.
    pub fn processes(&self) -> Processes<'_> {
        Processes::new(self.system, self.trace()).with_deadline(self.deadline)
    }

    /// What is told of each command before it runs.
    pub fn trace(&self) -> Option<fn(&Argv)> {
        self.verbose.then_some(ui::trace)
    }

    /// Whether more than usual is to be shown.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// How much is left of the time of the whole command; `None` where none was set.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// As long as that, but no longer than the whole command may take.
    pub fn within(&self, limit: Duration) -> Duration {
        self.time_left().map_or(limit, |left| left.min(limit))
    }

    /// When the time of the whole command is over.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time of a look. All of it is done within three seconds of the beginning, finding out which deployment is meant
    /// included; with `--timeout` it has the time of the whole command, longer or shorter.
    ///
    /// # Errors
    /// When the time of the whole command is over.
    pub fn look(&self) -> Result<Look, Error> {
        // A look that comes later, in a watch or after a change, has its own.
        const FIRST: Duration = Duration::from_secs(1);
        // The rest of the three seconds goes into ending what ignores that, and into printing.
        const LOOK: Duration = Duration::from_millis(2400);
        let now = Instant::now();
        match self.deadline {
            Some(_) => Ok(Look { until: now + self.at_most(Duration::MAX)? }),
            None if self.begun.elapsed() < FIRST => Ok(Look { until: self.begun + LOOK }),
            None => Ok(Look { until: now + LOOK }),
        }
    }

    /// How long one source may take.
    ///
    /// # Errors
    /// When the time of the whole command is over.
    pub fn patience(&self) -> Result<Duration, Error> {
        self.at_most(PATIENCE)
    }

    /// The same before something is changed: a host that is overloaded is the one on which that is needed.
    ///
    /// # Errors
    /// When the time of the whole command is over.
    pub fn patience_to_change(&self) -> Result<Duration, Error> {
        const LONGER: Duration = Duration::from_secs(8);
        // What is changed, and its proof, need the other half.
        let most = self.time_left().map_or(LONGER, |left| LONGER.min(left / 2));
        self.at_most(most)
    }

    fn at_most(&self, longest: Duration) -> Result<Duration, Error> {
        // What is left after a source's deadline goes into ending it and into printing.
        const RESERVE: Duration = Duration::from_millis(300);
        let Some(deadline) = self.deadline else { return Ok(longest) };
        let left = deadline.saturating_duration_since(Instant::now());
        match left.checked_sub(RESERVE).unwrap_or(left / 2) {
            Duration::ZERO => Err(Error::timed_out("no time is left to check anything").hint("raise --timeout")),
            left => Ok(left.min(longest)),
        }
    }
}
