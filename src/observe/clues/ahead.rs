//! What is asked whatever the services are found to be: on its way while they are still asked, because it needs none of their answers.

use std::thread;

use super::drift::routes;
use super::{footing, unattended};
use crate::host::threads::{join, task};
use crate::host::tools::Upstream;
use crate::host::tools::caddy::sites::Target;
use crate::observe::probe::{Answer, Door, survey};
use crate::registry::Deployment;

/// What is to be asked.
#[expect(clippy::struct_excessive_bools, reason = "each says whether one thing is asked")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where the proxy's files send whom.
    pub routes: bool,
    /// Where the proxy sends whom as it runs.
    pub targets: bool,
    /// What should happen by itself.
    pub unattended: bool,
    /// What the host stands on.
    pub footing: bool,
    /// Deleted files that processes hold.
    pub deleted: bool,
}

/// What came back. What was not asked is missing.
#[derive(Debug, Default)]
pub struct Ahead {
    /// Routes of the proxy.
    pub routes: Option<Answer<Vec<Upstream>>>,
    /// Where the proxy sends whom as it runs.
    pub targets: Option<Answer<Option<Vec<Target>>>>,
    /// What should happen by itself, but for what depends on what runs.
    pub unattended: Option<unattended::Standing>,
    /// What the host stands on.
    pub footing: Option<footing::Footing>,
    /// Deleted files that processes hold.
    pub deleted: Option<Answer<Vec<footing::Held>>>,
}

/// Asks what is wanted, all at once.
pub fn ask(door: Door<'_>, deployment: &'static Deployment, wanted: Wanted) -> Ahead {
    thread::scope(|scope| {
        let proxy = deployment.proxy.as_ref();
        let routes = proxy.filter(|_| wanted.routes).map(|proxy| task(scope, move || survey::ask_proxy(door, proxy)));
        let targets = proxy.filter(|_| wanted.targets).map(|proxy| task(scope, move || routes::targets(door, proxy)));
        let unattended = wanted.unattended.then(|| task(scope, move || unattended::ask(door, deployment)));
        let footing = wanted.footing.then(|| task(scope, move || footing::look(door, deployment)));
        let deleted = wanted.deleted.then(|| footing::deleted(door.system));
        Ahead {
            routes: routes.map(join),
            targets: targets.map(join),
            unattended: unattended.map(join),
            footing: footing.map(join),
            deleted,
        }
    })
}
