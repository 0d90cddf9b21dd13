//! What steps of a procedure have the verbs of opsctl do: services are changed, sets backed up, and the host rebooted, each as by hand.

use std::time::Duration;

use jiff::Timestamp;

use crate::action::consent::Consent;
use crate::action::lock::Lock;
use crate::action::reboot::{self, Before};
use crate::action::run::{self as action, ChangeEnd};
use crate::backup::record;
use crate::commands::backup;
use crate::commands::operate::{self, Extent};
use crate::commands::restore;
use crate::context::Context;
use crate::exit::Exit;
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::tools::systemctl;
use crate::host::trouble::{Trouble, failure};
use crate::judge::health::{self, State};
use crate::observe::probe;
use crate::procedure::plan::operation;
use crate::procedure::step::{Changed, Operations};
use crate::procedure::stop::Stop;
use crate::procedure::truth::Truth;
use crate::program;
use crate::registry::{Deployment, Service, ServiceChange};

/// How long systemd may take to accept that it is to reboot.
const ACCEPT: Duration = Duration::from_secs(30);

/// The verbs, on this deployment.
pub(super) struct Verbs<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) deployment: &'static Deployment,
    /// How long a service must stay healthy before that is called success.
    pub(super) settle: Duration,
}

impl Operations for Verbs<'_> {
    fn services(
        &self,
        change: ServiceChange,
        services: &[&'static Service],
        consent: &Consent,
        lock: &mut Lock,
    ) -> Result<Changed, Stop> {
        let operation = operation(change);
        let others = self.otherwise(change, services);
        let plan = operate::make(operation, Extent::Named, self.context, self.deployment, services)?;
        let result = action::run(self.context, self.deployment, &plan, consent, lock, self.settle)?;
        let outcome = |done: &action::Done| format!("{}: {}", done.service.name, done.end.summary());
        let exit = result.exit();
        if exit == Exit::Success {
            let summary: Vec<String> = result.done.iter().map(outcome).collect();
            return Ok(Changed { summary: summary.join("; "), services: others });
        }
        let wrong = result.done.iter().filter(|done| !matches!(done.end, ChangeEnd::Well(_))).map(outcome);
        Err(Stop { exit, why: wrong.collect::<Vec<_>>().join("; "), is_untouched: false })
    }

    fn backup(&self, sets: &[&'static str], lock: &mut Lock) -> Result<String, Stop> {
        match backup::for_procedure(self.context, self.deployment, sets, lock)? {
            (summary, Exit::Success) => Ok(summary),
            (summary, exit) => Err(Stop { exit, why: summary, is_untouched: true }),
        }
    }

    fn is_backed_up(&self, sets: &[&'static str], since: Timestamp) -> Truth {
        let records = match record::read(self.context.system, self.deployment) {
            Ok(records) => records,
            Err(error) => return Truth::Unknown(format!("the record of backups: {error}")),
        };
        let has_none = |set: &&&str| records.last_proven(set).is_none_or(|ended| ended.time < since);
        match sets.iter().find(has_none) {
            Some(set) => Truth::Fails(format!("{set} has no verified copy of this run")),
            None => Truth::Holds(format!("{} backed up and verified", sets.join(", "))),
        }
    }

    fn restore(
        &self,
        set: &'static str,
        copy: &str,
        rest: bool,
        consent: &Consent,
        lock: &mut Lock,
    ) -> Result<String, Stop> {
        let Some(set) = self.deployment.backup(set) else {
            return Err(Stop::before(Exit::Refused, format!("{set} is no backup set of {}", self.deployment.name)));
        };
        let settle = (!rest).then_some(self.settle);
        match restore::for_procedure(self.context, self.deployment, set, copy, settle, lock, consent)? {
            (summary, Exit::Success) => Ok(summary),
            (summary, exit) => Err(Stop { exit, why: summary, is_untouched: false }),
        }
    }

    fn recover(&self, lock: &mut Lock) -> Result<String, Stop> {
        Ok(restore::recover(self.context, self.deployment, self.settle, lock)?)
    }

    fn is_restored(&self, set: &'static str, since: Timestamp) -> Truth {
        match restore::is_restored(self.context, self.deployment, set, since) {
            Ok(holds) => Truth::of(holds, format!("{set} was {}restored in this run", if holds { "" } else { "not " })),
            Err(error) => Truth::Unknown(error.message),
        }
    }

    fn reboot(&self) -> Result<String, Stop> {
        let system = self.context.system;
        let processes = self.context.processes();
        let services = self.deployment.services;
        let limit = self.context.patience()?;
        let evidence = probe::gather(system, &processes, self.deployment, services, false, limit);
        let before = Before::of(system, &health::judge(self.deployment, services, &evidence).services);
        reboot::keep(system, self.deployment, &before).map_err(|error| {
            Stop::before(Exit::Refused, format!("the running services cannot be recorded: {error}"))
        })?;
        let trouble = match processes.run(&systemctl::reboot(), ACCEPT) {
            // systemd may end us before it has answered.
            Ok(output) if matches!(output.exit, ProcessEnd::Code(0) | ProcessEnd::Signal(_)) => {
                let after = program::command("verify --after-reboot");
                return Ok(format!("the host reboots; afterwards: {after}"));
            }
            Ok(output) => failure(&output),
            Err(error) => Trouble::from(error),
        };
        Err(Stop::failed(format!("systemd did not accept the reboot: {trouble} (systemctl list-jobs)")))
    }
}

impl Verbs<'_> {
    /// Which of these services are not yet as they are to be.
    fn otherwise(&self, change: ServiceChange, services: &[&'static Service]) -> Vec<String> {
        let context = self.context;
        let limit = context.within(probe::PATIENCE);
        let evidence = probe::gather(context.system, &context.processes(), self.deployment, services, false, limit);
        let judged = health::judge(self.deployment, services, &evidence).services;
        let runs = |state: State| !matches!(state, State::Stopped | State::Failed | State::Completed | State::NotFound);
        let wanted = change == ServiceChange::Start;
        let other = |service: &&&'static Service| {
            let state = judged.iter().find(|judged| judged.name == service.name).map(|judged| judged.state);
            state.is_some_and(runs) != wanted
        };
        services.iter().filter(other).map(|service| service.name.to_owned()).collect()
    }
}
