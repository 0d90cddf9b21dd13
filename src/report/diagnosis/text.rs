//! A diagnosis as text: findings, what could not be determined, what is ruled out.

use super::{Diagnosis, Evidence, Finding, Ignored};
use crate::program;
use crate::registry::Verdict;
use crate::report::status::label;
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};
use crate::units::{age, bytes, stamp};

/// Most checks that need root that are listed one by one.
const MOST_ROOT: usize = 3;

impl Diagnosis {
    /// What could not be determined; all that needs root in one line, because one command answers it.
    fn doubts(&self, page: &mut Text) {
        let unknown = |page: &mut Text, what: String| {
            page.outcome(Verdict::Unknown, "UNKNOWN", &[Cell::plain(what)]);
        };
        let (for_root, mut others): (Vec<_>, Vec<_>) = self.undetermined.iter().partition(|doubt| doubt.needs_root);
        if for_root.len() > MOST_ROOT {
            let mut failures: Vec<&str> = for_root.iter().flat_map(|doubt| doubt.failures.iter().copied()).collect();
            failures.sort_unstable();
            failures.dedup();
            let what = format!(
                "cannot determine without root: {} ({})",
                failures.join(", "),
                program::again_as_root("diagnose")
            );
            unknown(page, what);
        } else {
            others = self.undetermined.iter().collect();
        }
        for doubt in others {
            let what = format!("{} ({})", doubt.failures.join(", "), some(&doubt.subjects));
            unknown(page, format!("cannot determine {what}: {}", doubt.because));
        }
    }
}

impl Report for Diagnosis {
    fn text(&self, page: &mut Text) {
        for attempt in &self.attempts {
            page.labeled("result", &[Cell::plain(attempt.words())]);
        }
        self.headline(page);
        self.purposes(page);
        for (index, finding) in self.findings.iter().enumerate() {
            // What is wrong with several in the same way is told once.
            if !self.findings[..index].iter().any(|other| is_alike(other, finding)) {
                page.gap();
                self.finding(finding, page);
            }
        }
        if !self.undetermined.is_empty() {
            page.gap();
        }
        self.doubts(page);
        self.not_this(page);
        self.room(page);
        self.left_out(page);
    }

    fn names(&self) -> Vec<String> {
        self.findings.iter().map(|finding| format!("{}:{}", finding.code, finding.subject)).collect()
    }
}

impl Diagnosis {
    /// What is ruled out. Of a service those are all failures: pages that would push the finding off a terminal.
    fn not_this(&self, page: &mut Text) {
        if !self.ruled_out.is_empty() {
            page.gap();
        }
        if let (None, Some(service), false) = (self.failure, self.service, page.wide)
            && !self.ruled_out.is_empty()
        {
            let count = format!("{} codes; all of them: ", self.ruled_out.len());
            let all = Cell::command(program::command(format_args!("diagnose {service} -o wide")));
            return page.headed(Cell(Tone::Dim, "ruled out ".to_owned()), &[Cell::plain(count), all]);
        }
        // What the same thing rules out is told together.
        let mut told: Vec<(Vec<Cell>, Vec<&str>)> = Vec::new();
        let is_same =
            |one: &[Cell], other: &[Cell]| one.iter().map(|cell| &cell.1).eq(other.iter().map(|cell| &cell.1));
        for not in &self.ruled_out {
            let because = not
                .evidence
                .first()
                .map_or_else(|| vec![Cell::plain(format!("checked on {}", some(&not.subjects)))], seen);
            match told.iter_mut().find(|(other, _)| is_same(other, &because)) {
                Some((_, codes)) => codes.push(&not.code),
                None => told.push((because, vec![&not.code])),
            }
        }
        for (because, codes) in told {
            let told: Vec<Cell> =
                std::iter::once(Cell::plain(format!("{}: ", codes.join(", ")))).chain(because).collect();
            page.headed(Cell(Tone::Dim, "ruled out ".to_owned()), &told);
        }
    }

    /// Services stopped on purpose, one line for all that were stopped together; and a change under way.
    fn purposes(&self, page: &mut Text) {
        let note = |page: &mut Text, text: String| {
            page.labeled("note", &[Cell(Tone::Strong, text)]);
        };
        if let Some(maintenance) = &self.maintenance {
            let told = maintenance.told();
            note(page, format!("maintenance is {told}: {}", maintenance.summary));
        }
        let mut told: Vec<&str> = Vec::new();
        for kept in &self.on_purpose {
            if told.contains(&kept.summary.as_str()) {
                continue;
            }
            told.push(&kept.summary);
            let alike = self.on_purpose.iter().filter(|other| other.summary == kept.summary);
            let (names, mut affects): (Vec<_>, Vec<_>) = alike.map(|kept| (&*kept.subject, &kept.affects)).unzip();
            affects.retain(|affects| !affects.is_empty());
            let without: Vec<String> = affects.into_iter().flatten().cloned().collect();
            let affects = if without.is_empty() { String::new() } else { format!("; affects: {}", without.join(", ")) };
            note(page, format!("{}: {}{affects}", names.join(", "), kept.summary));
        }
        if self.lock.state == "held" {
            let words = self.lock.words();
            page.labeled("lock", &[Cell::plain(words)]);
        }
    }

    fn room(&self, page: &mut Text) {
        if self.reclaim.is_empty() {
            return;
        }
        page.gap();
        page.line(&[Cell(
            Tone::Strong,
            "Reclaimable space, the safest first; never remove volumes, databases or backups:".to_owned(),
        )]);
        let rows = self.reclaim.iter().map(|room| {
            let command: Vec<_> = room.argv.iter().map(|word| crate::host::tools::quote(word).into_owned()).collect();
            vec![
                Cell::or_dash(room.bytes.map(bytes)),
                Cell::plain(room.risk.label()),
                Cell::plain(&*room.what),
                Cell::command(command.join(" ")),
                Cell::plain(&*room.note),
            ]
        });
        let columns = [
            Column::key("UP TO"),
            Column::key("RISK"),
            Column::prose("SOURCE"),
            Column::key("COMMAND"),
            Column::prose("NOTE").rank(1),
        ];
        page.table(&columns, rows.collect());
    }

    fn left_out(&self, page: &mut Text) {
        let (asked, registered): (Vec<_>, Vec<_>) = self.ignored.iter().partition(|ignored| ignored.until.is_none());
        let mut lines = Vec::new();
        if !asked.is_empty() {
            let names: Vec<String> = asked.iter().map(|ignored| ignored.name()).collect();
            lines.push(format!("ignored by --ignore: {}", names.join(", ")));
        }
        let told = |words: &str, ignored: &Ignored| {
            let until = ignored.until.map(|day| day.to_string()).unwrap_or_default();
            format!("{words} {until}: {} ({})", ignored.name(), ignored.why.unwrap_or_default())
        };
        lines.extend(registered.into_iter().map(|ignored| told("ignored until", ignored)));
        lines.extend(self.expired_ignores.iter().map(|ignored| told("no longer ignored since", ignored)));
        for line in lines {
            page.line(&[Cell(Tone::Dim, line)]);
        }
    }

    fn headline(&self, page: &mut Text) {
        let verdict = self.head.verdict;
        let place = format!("{} on {}: ", self.head.deployment.as_deref().unwrap_or("?"), self.head.host);
        let about = match (self.failure, self.service) {
            (None, None) => String::new(),
            (Some(failure), None) => format!(" of {failure}"),
            (None, Some(service)) => format!(" with {service}"),
            (Some(failure), Some(service)) => format!(" of {failure} with {service}"),
        };
        let open = match self.undetermined.len() {
            0 => String::new(),
            1 => ", one check undetermined".to_owned(),
            count => format!(", {count} checks undetermined"),
        };
        let found = match self.findings.len() {
            0 => format!("nothing found{about} ({} possible causes examined)", self.examined),
            1 => format!("one finding{about}"),
            count => format!("{count} findings{about}"),
        };
        let told = Cell(Tone::Strong, format!("{place}{found}{open}"));
        page.outcome(verdict, &label(verdict).to_uppercase(), &[told]);
    }

    fn finding(&self, finding: &Finding, page: &mut Text) {
        let labeled = |page: &mut Text, key: &str, text: String| {
            page.labeled(key, &[Cell::plain(text)]);
        };
        let told = [
            Cell(Tone::Strong, format!("{}: {}", finding.subject, finding.summary)),
            Cell(Tone::Dim, format!("  {}", finding.code)),
        ];
        page.outcome(finding.verdict, &label(finding.verdict).to_uppercase(), &told);
        if finding.verdict == Verdict::Fail {
            labeled(page, "respond", format!("{} ({}: {})", finding.respond, finding.severity, finding.reason));
        }
        labeled(page, "cause", finding.cause.clone());
        for evidence in &finding.evidence {
            page.labeled("evidence", &seen(evidence));
        }
        if let Some(since) = finding.since {
            let told = format!("{} ({} ago)", stamp(since), age(since, self.head.time));
            labeled(page, "since", told);
        }
        for change in &finding.changes {
            labeled(page, "changed", format!("{} ago: {}", age(change.time, self.head.time), change.what));
        }
        let mut codes: Vec<&str> = Vec::new();
        for folded in &finding.explains {
            if codes.contains(&folded.code.as_str()) {
                continue;
            }
            codes.push(&folded.code);
            let same = finding.explains.iter().filter(|other| other.code == folded.code && *other != folded);
            let others: Vec<&str> = same.map(|other| other.subject.as_str()).collect();
            let likewise = if others.is_empty() { String::new() } else { format!("; also {}", others.join(", ")) };
            labeled(page, "impact", format!("{}{likewise}", folded.summary));
        }
        let alike = self.findings.iter().filter(|other| is_alike(other, finding) && *other != finding);
        let alike: Vec<&str> = alike.map(|other| other.subject.as_str()).collect();
        if !alike.is_empty() {
            labeled(page, "also", alike.join(", "));
        }
        if !finding.affects.is_empty() {
            labeled(page, "affects", finding.affects.join(", "));
        }
        for (index, fix) in finding.fixes.iter().enumerate() {
            page.labeled(if index == 0 { "fix" } else { "or" }, &fix.cells());
        }
        if let Some(why) = &finding.no_restart {
            labeled(page, "note", format!("no restart: {why}"));
        }
    }
}

/// Whether the same is wrong with both: of one cause, and in the same words but for the subject.
fn is_alike(one: &Finding, other: &Finding) -> bool {
    let words = |finding: &Finding| finding.summary.replace(&finding.subject, "");
    one.code == other.code && words(one) == words(other)
}

/// What it shows, and the command that shows it.
fn seen(evidence: &Evidence) -> Vec<Cell> {
    let more = if evidence.truncated { "…" } else { "" };
    let command: Vec<_> = match evidence.argv.as_slice() {
        [sh, flag, line] if sh == "sh" && flag == "-c" => vec![line.clone()],
        argv => argv.iter().map(|word| crate::host::tools::quote(word).into_owned()).collect(),
    };
    match command.is_empty() {
        true => vec![Cell::plain(format!("{}{more}", evidence.excerpt))],
        false => vec![
            Cell::plain(format!("{}{more} (", evidence.excerpt)),
            Cell::command(command.join(" ")),
            Cell::plain(")"),
        ],
    }
}

/// The first of many names.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names.len() {
        count if count > SHOWN + 1 => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        _ => names.join(", "),
    }
}
