//! Jobs: what the runbook has run by itself.

/// What runs by itself at certain times, and what goes wrong when it does not.
///
/// ```
/// # use opsctl::registry::*;
/// static COPY: Job = Job::timer("copy", "copy.timer").otherwise("no copy of the orders is made").expected();
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Job {
    /// What it is called: `backup`.
    pub name: &'static str,
    /// How it is started.
    pub trigger: Trigger,
    /// What goes wrong when it does not run, and when: `no copy of the databases is made at 03:00`.
    pub otherwise: &'static str,
    /// Whether every host of the deployment has it; else it is judged only where it is found.
    pub expected: bool,
}

/// How a job is started.
///
/// ```
/// # use opsctl::registry::*;
/// let by_cron = Job::cron("copy", &["copy.sh"]);
/// assert!(matches!(by_cron.trigger, Trigger::Cron(["copy.sh"])));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Trigger {
    /// By a line of a crontab that holds one of these words, whoever's it is; or by a unit or script of the host that does.
    Cron(&'static [&'static str]),
    /// By this timer of systemd.
    Timer(&'static str),
}

impl Job {
    /// A job that a line of a crontab starts which holds one of these words, such as the name of its script.
    /// [`otherwise`](Self::otherwise) must follow.
    pub const fn cron(name: &'static str, words: &'static [&'static str]) -> Self {
        Job { name, trigger: Trigger::Cron(words), otherwise: "", expected: false }
    }

    /// A job that this timer starts: `Job::timer("renewal", "certbot.timer")`. [`otherwise`](Self::otherwise) must follow.
    pub const fn timer(name: &'static str, unit: &'static str) -> Self {
        Job { name, trigger: Trigger::Timer(unit), otherwise: "", expected: false }
    }

    /// What goes wrong when it does not run, and when. Required.
    pub const fn otherwise(mut self, text: &'static str) -> Self {
        self.otherwise = text;
        self
    }

    /// Every host of the deployment has it: where it is not found, that is a fault.
    pub const fn expected(mut self) -> Self {
        self.expected = true;
        self
    }
}
