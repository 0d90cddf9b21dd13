//! Who sends notifications, and a test of each channel.

use crate::alert::deliver::{self, Door, Tried};
use crate::alert::queue::About;
use crate::alert::settings::Settings;
use crate::alert::store::{self, Turn};
use crate::alert::{Moment, Sender};
use crate::commands::change;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::{Deployment, NOTIFY_ENV, Verdict};
use crate::report::Head;
use crate::report::channels::Channels;

/// Who sends.
pub fn sender(context: &Context<'_>, deployment: &Deployment) -> Sender {
    Sender {
        deployment: deployment.name.to_owned(),
        host: context.system.host_name(),
        time: Moment::now(context.system).time,
        ssh: deployment.host.ssh.map(str::to_owned),
    }
}

/// What events about channels have of a deployment.
pub fn about(deployment: &Deployment) -> About {
    let level = deployment.checks.severity;
    let rank = deployment.severities.iter().position(|other| other.id == level.id);
    About {
        deployment: deployment.name.to_owned(),
        severity: level.id.to_owned(),
        respond: level.response.to_owned(),
        rank: rank.and_then(|rank| u8::try_from(rank).ok()).unwrap_or(u8::MAX),
        next: program::command("check --test-notify"),
        ..About::default()
    }
}

/// What waits for a channel that works is sent with the next check.
fn try_again(context: &Context<'_>, deployment: &Deployment, channels: &[Tried]) {
    let system = context.system;
    let Ok(Some(_turn)) = Turn::take(system, deployment) else { return };
    let Ok(mut known) = store::read(system, deployment) else { return };
    let works = |name: &str| channels.iter().any(|channel| channel.channel == name && channel.accepted);
    let mut any = false;
    for (_, queue) in known.queues.iter_mut().filter(|(name, queue)| works(name) && queue.last_try.is_some()) {
        (queue.last_try, any) = (None, true);
    }
    if any && let Err(error) = store::write(system, deployment, &mut known) {
        context.ui.note(&format!("the record of checks cannot be written: {error}"));
    }
}

/// Sends a test through each channel that is in use.
pub fn test(context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    if !context.system.is_root() {
        return Err(change::no_root("check --test-notify").into());
    }
    let settings = Settings::read(context.system).map_err(|unusable| {
        Error::refused(Code::SettingsUnusable, format!("no message was sent: {}", unusable.why))
            .hint(unusable.hint.unwrap_or_else(|| format!("cat {NOTIFY_ENV}")))
    })?;
    let (runner, sender) = (context.processes(), sender(context, deployment));
    let door = Door { system: context.system, runner: &runner, settings: &settings, sender: &sender };
    let known: Vec<_> = deployment.channels().collect();
    let channels = deliver::test(&door, &known, deployment.checks.severity.id);
    try_again(context, deployment, &channels);
    let used = channels.iter().filter(|channel| channel.in_use);
    let (accepted, refused): (Vec<_>, Vec<_>) = used.partition(|channel| channel.accepted);
    let (verdict, exit) = match (accepted.is_empty(), refused.is_empty()) {
        (false, true) => (Verdict::Pass, Exit::Success),
        (false, false) => (Verdict::Fail, Exit::Partial),
        (true, false) => (Verdict::Fail, Exit::Failure),
        (true, true) => (Verdict::Unknown, Exit::Unknown),
    };
    let head = Head::of(context.system, "opsctl/channels/v1", deployment, verdict, exit);
    context.ui.report(&Channels { head, channels })?;
    Ok(exit)
}
