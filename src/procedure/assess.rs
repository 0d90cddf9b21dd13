//! Whether what must hold does: asked of the host, never assumed. What cannot be asked is unknown.

use super::address;
use super::invocation::{Scene, shown, trouble};
use super::truth::{Truth, combine};
use crate::host::exec::ProcessEnd;
use crate::judge::health::{self, ServiceHealth, State};
use crate::observe::probe::{self, PATIENCE, http};
use crate::registry::{Assertion, Invocation, Service, Verdict};
use crate::units::bytes;

/// Checks it now.
pub fn assess(scene: &Scene<'_>, assertion: &Assertion) -> Truth {
    let (system, values) = (scene.context.system, scene.values);
    match assertion {
        Assertion::Healthy(service) => healthy(service, judged(scene, service).as_ref()),
        Assertion::Stopped(service) => stopped(service, judged(scene, service).as_ref()),
        Assertion::Exists(path) => {
            let path = values.fill(path);
            match system.symlink_metadata(&path) {
                Ok(_) => Truth::Holds(format!("{path} exists")),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Truth::Fails(format!("{path} does not exist"))
                }
                Err(error) => Truth::Unknown(format!("{path}: {error}")),
            }
        }
        Assertion::Installed(program) => match system.find_program(program) {
            Ok(Some(_)) => Truth::Holds(format!("{program} is installed")),
            Ok(None) => Truth::Fails(format!("{program} is not installed")),
            Err(error) => Truth::Unknown(format!("{program}: {error}")),
        },
        Assertion::Command(invocation) => command(scene, invocation),
        Assertion::Answers(port, path, pattern) => answers(scene, *port, &values.fill(path), pattern),
        Assertion::Foreign(parameter) => match values.address(parameter) {
            Some(address) => address::foreign(scene, address),
            None => Truth::Unknown(format!("{parameter} is no address")),
        },
        Assertion::IsIpv6(parameter) => match values.address(parameter) {
            Some(address) => {
                Truth::of(address.is_ipv6(), format!("{address} is IPv{}", if address.is_ipv6() { 6 } else { 4 }))
            }
            None => Truth::Unknown(format!("{parameter} is no address")),
        },
        Assertion::Free(path, parameter) => {
            let path = values.fill(path);
            let wanted: u64 = values.get(parameter).parse().unwrap_or(u64::MAX);
            match system.available_space(&path) {
                Ok(free) => {
                    Truth::of(free >= wanted, format!("{} free on {path}, of {} wanted", bytes(free), bytes(wanted)))
                }
                Err(error) => Truth::Unknown(format!("free space on {path}: {error}")),
            }
        }
        Assertion::Not(assertion) => assess(scene, assertion).negated(),
        Assertion::All(all) => combine(all.iter().map(|one| assess(scene, one)), true),
        Assertion::Any(any) => combine(any.iter().map(|one| assess(scene, one)), false),
    }
}

/// What a command that only reads says of it.
fn command(scene: &Scene<'_>, invocation: &Invocation) -> Truth {
    let shown = || shown(invocation, scene.values).to_string();
    let (holds, fails) = invocation.means.unwrap_or_default();
    let output = match scene.run(invocation) {
        Ok(output) => output,
        Err(trouble) => return Truth::Unknown(format!("{}: {trouble}", shown())),
    };
    let matches = |pattern: &str| {
        let text = String::from_utf8_lossy(&output.stdout);
        regex::Regex::new(&scene.values.fill_pattern(pattern)).map(|pattern| pattern.is_match(&text))
    };
    match (output.exit, invocation.expects.map(matches)) {
        (ProcessEnd::Code(0), None | Some(Ok(true))) => Truth::Holds(scene.values.fill_text(holds)),
        (ProcessEnd::Code(0), Some(Ok(false))) => Truth::Fails(scene.values.fill_text(fails)),
        (ProcessEnd::Code(0), Some(Err(error))) => Truth::Unknown(error.to_string()),
        (ProcessEnd::Code(code), _) if invocation.no == Some(code) => Truth::Fails(scene.values.fill_text(fails)),
        _ => Truth::Unknown(format!("{}: {}", shown(), trouble(&output).map_or_else(String::new, |it| it.to_string()))),
    }
}

fn answers(scene: &Scene<'_>, port: u16, path: &str, pattern: &str) -> Truth {
    let url = format!("http://{}{path}", scene.context.system.local(port));
    let until = std::time::Instant::now() + scene.context.within(PATIENCE);
    let (status, body) = match http::send("GET", &url, "", until) {
        Ok(answer) => answer,
        Err(trouble) => return Truth::Unknown(format!("{url}: {trouble}")),
    };
    if !(200..300).contains(&status) {
        return Truth::Fails(format!("{url}: HTTP {status}"));
    }
    match regex::Regex::new(&scene.values.fill_pattern(pattern)) {
        Ok(regex) => Truth::of(regex.is_match(&body), format!("{url}: searched for {}", scene.values.fill(pattern))),
        Err(error) => Truth::Unknown(error.to_string()),
    }
}

/// How a service is now; `None` where it is not on this host.
fn judged(scene: &Scene<'_>, service: &'static Service) -> Option<ServiceHealth> {
    let limit = scene.context.within(PATIENCE);
    let processes = scene.context.processes();
    let evidence = probe::gather(scene.context.system, &processes, scene.deployment, &[service], false, limit);
    health::judge(scene.deployment, &[service], &evidence).services.into_iter().next()
}

fn healthy(service: &Service, judged: Option<&ServiceHealth>) -> Truth {
    let Some(judged) = judged else { return Truth::Fails(format!("{} is not on this host", service.name)) };
    let seen = match judged.summary.is_empty() {
        true => format!("{} is {}", service.name, judged.state.label()),
        false => format!("{}: {}", service.name, judged.summary),
    };
    match judged.verdict {
        // What runs elsewhere has nothing here that could tell: its probes alone decide.
        Verdict::Pass | Verdict::Warn => Truth::of(judged.state == State::Running || service.managers.is_empty(), seen),
        Verdict::Fail => Truth::Fails(seen),
        Verdict::Unknown => Truth::Unknown(seen),
    }
}

fn stopped(service: &Service, judged: Option<&ServiceHealth>) -> Truth {
    let Some(judged) = judged else { return Truth::Holds(format!("{} is not on this host", service.name)) };
    let seen = format!("{} is {}", service.name, judged.state.label());
    match judged.state {
        State::Stopped | State::Failed | State::Completed | State::Skipped | State::Masked | State::NotFound => {
            Truth::Holds(seen)
        }
        State::Unknown => Truth::Unknown(seen),
        _ => Truth::Fails(seen),
    }
}
