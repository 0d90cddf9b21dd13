//! `opsctl demo`: the views of `status`, `diagnose` and `logs` on a host that is made up. No process is started, no file read,
//! nothing asked over the network: what would be asked is compiled in, and judged and printed as anywhere else.

use clap::ValueEnum;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::action::lock::Holder;
use crate::action::plan::{self, Operation};
use crate::context::Context;
use crate::demo as host;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::judge::diagnosis::{self, Case};
use crate::judge::health;
use crate::observe::logs::line::Said;
use crate::program;
use crate::registry::{Deployment, Service, Verdict};
use crate::report::Head;
use crate::report::action::Action;
use crate::report::demo::{BANNER, MadeUp, MadeUpLine};
use crate::report::diagnosis::{Diagnosis, Teller};
use crate::report::problem::Noticed;
use crate::report::status::{Beside, Status};
use crate::select::services;
use crate::ui::{Format, Stream, Ui};

/// How many of its last lines stand under the service that failed.
const LAST_WORDS: usize = 3;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// View of the made-up host [default: status].
    #[arg(value_enum, value_name = "VIEW")]
    view: Option<View>,
    /// Services to show [default: all].
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(candidates))]
    services: Vec<String>,
}

/// Which verb is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum View {
    /// What is wrong, worst first.
    Status,
    /// Why, with the evidence, and the fix as its plan.
    Diagnose,
    /// What the services logged.
    Logs,
}

/// Services of the made-up host.
fn candidates() -> Vec<CompletionCandidate> {
    let services = host::deployment().into_iter().flat_map(|deployment| deployment.services);
    services.map(|service| CompletionCandidate::new(service.name)).collect()
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let Some(deployment) = host::deployment() else {
        return Err(Error::failed(Code::Failed, "the demo's deployment is not compiled in").into());
    };
    let chosen = services(context.system, deployment, &args.services)?;
    if context.ui.format == Format::Name {
        Ui::warn(BANNER);
    }
    match args.view {
        None => {
            let next = ["demo diagnose", "demo logs", "status"].map(program::command);
            status(context, deployment, &chosen, args, &next)
        }
        Some(View::Status) => status(context, deployment, &chosen, args, &[]),
        Some(View::Diagnose) => diagnose(context, deployment, &chosen, args),
        Some(View::Logs) => logs(context, deployment, &chosen),
    }
}

fn head(schema: &'static str, deployment: &Deployment, verdict: Verdict, exit_code: Exit) -> Head {
    Head {
        schema,
        opsctl: env!("CARGO_PKG_VERSION"),
        deployment: Some(deployment.name.to_owned()),
        host: host::NAME.to_owned(),
        time: host::now(),
        verdict,
        exit_code,
        error: None,
    }
}

fn status(
    context: &Context<'_>,
    deployment: &'static Deployment,
    chosen: &[&'static Service],
    args: &Args,
    next: &[String],
) -> anyhow::Result<Exit> {
    let named = !args.services.is_empty();
    let health = health::judge(deployment, chosen, &host::evidence(chosen, !named));
    let beside = Beside {
        holder: Holder::None,
        runs: Vec::new(),
        backups: Vec::new(),
        noticed: Noticed::default(),
        checked: None,
    };
    let mut status = Status::new(deployment, health, named, beside, |verdict| {
        head("opsctl/status/v1", deployment, verdict, Exit::of(verdict, false))
    });
    if let Some(failed) = status.failed(deployment) {
        let lines: Vec<Said> = host::log(&[failed]).iter().map(|(_, line)| Said::of(line)).collect();
        status.add_last_words(&lines[lines.len().saturating_sub(LAST_WORDS)..]);
    }
    // What it advises is typed here as well.
    for problem in status.worst.iter_mut().chain(&mut status.problems) {
        for advice in [&mut problem.look, &mut problem.next] {
            if let Some(words) = advice.strip_prefix(&program::command("")) {
                *advice = program::command(format_args!("demo {words}"));
            }
        }
    }
    let exit = status.head.exit_code;
    context.ui.report(&MadeUp { demo: true, document: status, plan: None, next: next.to_vec() })?;
    Ok(exit)
}

fn diagnose(
    context: &Context<'_>,
    deployment: &'static Deployment,
    chosen: &[&'static Service],
    args: &Args,
) -> anyhow::Result<Exit> {
    let (Some(failure), Some(broken)) = (deployment.failure("wallet-down"), deployment.service(host::BROKEN)) else {
        return Err(Error::failed(Code::Failed, "the demo's failure is not compiled in").into());
    };
    if !args.services.is_empty() && chosen.iter().any(|service| service.name != broken.name) {
        let error = Error::usage(Code::Usage, format!("the demo holds evidence for {} only", broken.name));
        return Err(error.hint(program::command(format_args!("demo diagnose {}", broken.name))).into());
    }
    let all = deployment.services.to_vec();
    let evidence = host::evidence(&all, true);
    let judged = health::judge(deployment, &all, &evidence);
    let clues = host::clues(broken);
    let case = Case { deployment, services: &all, evidence: &evidence, health: &judged, clues: &clues, backups: None };
    let mut found = diagnosis::diagnose(&case, &[failure], None);
    for finding in &mut found.findings {
        finding.since = Some(host::looping_since());
    }
    let changes = host::changes();
    let teller = Teller { case: &case, records: &[], changes: &changes };
    let exit = if found.findings.is_empty() { Exit::Success } else { Exit::Unhealthy };
    let verdict = found.findings.iter().map(|finding| finding.cause.verdict).max().unwrap_or(Verdict::Pass);
    let document = Diagnosis {
        head: head("opsctl/diagnosis/v1", deployment, verdict, exit),
        failure: Some(failure.slug),
        service: None,
        findings: found.findings.iter().map(|finding| teller.finding(finding)).collect(),
        undetermined: found.doubts.iter().map(|doubt| teller.doubt(doubt)).collect(),
        ruled_out: Vec::new(),
        ignored: Vec::new(),
        expired_ignores: Vec::new(),
        reclaim: Vec::new(),
        on_purpose: Vec::new(),
        maintenance: None,
        lock: Holder::None.into(),
        attempts: Vec::new(),
        examined: found.examined,
    };
    let plan = plan::make(Operation::Restart, deployment, &[broken], &judged.services, &evidence.managers, |_| None);
    let plan = plan
        .ok()
        .map(|plan| Action::new(head("opsctl/action/v1", deployment, Verdict::Pass, Exit::Success), &plan, None, None));
    context.ui.report(&MadeUp { demo: true, document, plan, next: Vec::new() })?;
    Ok(exit)
}

fn logs(context: &Context<'_>, deployment: &'static Deployment, chosen: &[&'static Service]) -> anyhow::Result<Exit> {
    let lines = host::log(chosen);
    match context.ui.format {
        Format::Json => {
            for (_, line) in lines {
                Ui::json_line(&MadeUpLine { demo: true, line })?;
            }
        }
        Format::Name => {
            let mut names: Vec<&str> = lines.iter().map(|(_, line)| line.source).collect();
            names.sort_unstable();
            names.dedup();
            Ui::raw(format!("{}\n", names.join("\n")).as_bytes())?;
        }
        Format::Text | Format::Wide => {
            let labels: Vec<&str> = chosen.iter().map(|service| service.name).collect();
            let stream = Stream::new(context.ui, true, (chosen.len() > 1).then_some(&labels));
            let mut out = format!("{BANNER}\n").into_bytes();
            for (index, line) in &lines {
                stream.line(*index, line, &mut out);
            }
            Ui::raw(&out)?;
        }
    }
    if host::log(chosen).is_empty() {
        context.ui.note(&format!("no lines of {} are in the demo", deployment.name));
    }
    Ok(Exit::Success)
}
