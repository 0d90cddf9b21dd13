//! What must hold of failures and their causes that only a walk over them can find.

use regex::Regex;

use super::super::*;

/// Everything wrong with the failures of a deployment, one sentence each.
pub(super) fn problems(d: &Deployment, found: &mut Vec<String>) {
    let mut words: Vec<&str> = Vec::new();
    let mut causes: Vec<&Cause> = Vec::new();
    for failure in d.all_failures() {
        let place = format!("{}/{}", d.name, failure.slug);
        for word in std::iter::once(failure.slug).chain(failure.aliases.iter().copied()) {
            if words.contains(&word) {
                found.push(format!("{place}: two failures have the name {word}"));
            }
            if !word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)) {
                found.push(format!("{place}: {word} is not a lower-case name"));
            }
            if d.service(word).is_some() {
                found.push(format!("{place}: {word} is the name of a service"));
            }
            words.push(word);
        }
        if failure.causes().next().is_none() {
            found.push(format!("{place}: has no cause"));
        }
        if failure.severity.is_some_and(|level| !d.severities.iter().any(|known| std::ptr::eq(*known, level))) {
            found.push(format!("{place}: its severity is not one of the deployment's"));
        }
        for service in failure.services {
            if d.service(service.name).is_none() {
                found.push(format!("{place}: {} is not a service of the deployment", service.name));
            }
        }
        for cause in failure.causes() {
            if !causes.iter().any(|other| std::ptr::eq(*other, cause)) {
                problems_of(d, cause, found);
                if causes.iter().any(|other| other.code == cause.code) {
                    found.push(format!("{place}: two causes have the code {}", cause.code));
                }
                causes.push(cause);
            }
        }
    }
    for ignore in d.ignores {
        let place = format!("{}: the ignore of {}", d.name, ignore.code);
        if !causes.iter().any(|cause| cause.code == ignore.code) {
            found.push(format!("{place} is of no cause"));
        }
    }
    for cause in &causes {
        for other in cause.explains.iter().filter(|other| !causes.iter().any(|known| std::ptr::eq(*known, **other))) {
            // What every deployment shares may be left out by one.
            if !usual::SERVICE
                .iter()
                .chain(usual::CERTIFICATES)
                .chain(usual::DISK)
                .any(|shared| std::ptr::eq(*shared, *other))
            {
                found.push(format!("{}: {} explains {}, which no failure has", d.name, cause.code, other.code));
            }
        }
    }
}

fn problems_of(d: &Deployment, cause: &Cause, found: &mut Vec<String>) {
    let place = d.code(cause);
    let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    if cause.code.is_empty() || !cause.code.bytes().all(upper) {
        found.push(format!("{place}: its code is not upper-case words and dashes"));
    }
    if cause.severity.is_some_and(|level| !d.severities.iter().any(|known| std::ptr::eq(*known, level))) {
        found.push(format!("{place}: its severity is not one of the deployment's"));
    }
    if let About::These(services) = cause.about {
        for service in services.iter().filter(|service| d.service(service.name).is_none()) {
            found.push(format!("{place}: {} is not a service of the deployment", service.name));
        }
    }
    clue(d, &place, &cause.proof, matches!(cause.about, About::Host), found);
    for fix in cause.fixes {
        match fix.remedy {
            Remedy::Restart | Remedy::Start | Remedy::Reload if matches!(cause.about, About::Host) => {
                found.push(format!("{place}: its fix is about a service, and it is about the host"));
            }
            Remedy::Command([]) => found.push(format!("{place}: has a fix without a command")),
            Remedy::Command(["opsctl", ..]) if fix.risk != Risk::ReadOnly => {
                found.push(format!("{place}: has a fix that would run opsctl itself: use Restart, Start or Reload"));
            }
            Remedy::Command(words)
                if fix.risk != Risk::ReadOnly && words.iter().any(|word| word.contains("{thing}")) =>
            {
                found.push(format!("{place}: has a fix that would change an object that the host names"));
            }
            Remedy::Manual(words) if words.contains("{thing}") => {
                found.push(format!("{place}: has a command to paste that contains text of the host"));
            }
            Remedy::Command(words) if words.contains(&"--volumes") => {
                found.push(format!("{place}: has a fix that removes volumes"));
            }
            _ => {}
        }
    }
}

fn clue(d: &Deployment, place: &str, proof: &Clue, alone: bool, found: &mut Vec<String>) {
    let mut pattern = |text: &str| {
        if let Err(error) = Regex::new(text) {
            found.push(format!("{place}: a pattern is invalid: {error}"));
        }
    };
    match proof {
        Clue::All(parts) | Clue::Any(parts) => parts.iter().for_each(|part| clue(d, place, part, alone, found)),
        Clue::Not(part) => clue(d, place, part, alone, found),
        Clue::Of(service, part) => {
            if d.service(service.name).is_none() {
                found.push(format!("{place}: {} is not a service of the deployment", service.name));
            }
            clue(d, place, part, false, found);
        }
        Clue::Said(text, _) | Clue::SaidTimes(_, text, _) => {
            pattern(text);
            if alone {
                found.push(format!("{place}: reads the log of a service, and is about the host"));
            }
        }
        Clue::Env(EnvClue::Like(_, text) | EnvClue::Unlike(_, text))
        | Clue::Output(_, Shows::Line(text) | Shows::NoLine(text))
        | Clue::Reply(Heard::Text(text)) => pattern(text),
        Clue::File(path, FileClue::Contains(text)) => {
            pattern(text);
            absolute(place, path, found);
        }
        Clue::File(path, _) => absolute(place, path, found),
        Clue::Query(query, shows) => {
            if let Shows::Line(text) | Shows::NoLine(text) = shows {
                pattern(text);
            }
            if !query.server.probes.iter().any(|probe| matches!(probe, Probe::Postgres { .. })) {
                found.push(format!("{place}: sends SQL to {}, which is not a PostgreSQL server", query.server.name));
            }
            if query.name.is_none() && (!query.sql.starts_with("SELECT ") || query.sql.contains(';')) {
                found.push(format!("{place}: sends a database something other than one SELECT"));
            }
        }
        Clue::Redis(question, shows) => {
            if let Shows::Line(text) | Shows::NoLine(text) = shows {
                pattern(text);
            }
            if !question.server.probes.iter().any(|probe| matches!(probe, Probe::Redis { .. })) {
                found
                    .push(format!("{place}: sends a command to {}, which is not a Redis server", question.server.name));
            }
        }
        Clue::Lines(lines) => {
            pattern(lines.share.whole);
            pattern(lines.share.part);
        }
        Clue::Get(get, heard) => {
            if !matches!(get.url, Url::Local { .. }) {
                found.push(format!("{place}: sends a request beyond this host"));
            }
            if matches!(heard, Heard::Bad) {
                found.push(format!("{place}: has a request without rules to judge its answer"));
            }
        }
        Clue::LongAgo(get, ..) if !matches!(get.url, Url::Local { .. }) => {
            found.push(format!("{place}: sends a request beyond this host"));
        }
        Clue::Unhealthy
        | Clue::State(_)
        | Clue::Reply(_)
        | Clue::Ended(_)
        | Clue::Container(_)
        | Clue::Restarts(_)
        | Clue::ReloadNeeded
        | Clue::HealthCheckFails
        | Clue::PortTaken
        | Clue::ListensElsewhere
        | Clue::PortClosed
        | Clue::MemoryHigh
        | Clue::RouteElsewhere
        | Clue::Env(_)
        | Clue::Values(_)
        | Clue::Drift(_)
        | Clue::Route(_)
        | Clue::Unattended(Unattended::NotAtBoot)
        | Clue::Reports(_)
            if alone =>
        {
            found.push(format!("{place}: has a condition on a service, and is about the host"));
        }
        _ => {}
    }
}

fn absolute(place: &str, path: &str, found: &mut Vec<String>) {
    if !path.starts_with('/') {
        found.push(format!("{place}: {path} is not absolute"));
    }
}
