//! Findings that are left out: those that somebody asked to leave out now, and those that the registry leaves out until a day.

use jiff::civil::Date;

use crate::registry::{Deployment, Ignore};

/// What is to be left out.
#[derive(Debug)]
pub struct Ignores {
    deployment: &'static Deployment,
    asked: Vec<(String, Option<String>)>,
    today: Date,
}

/// Why a finding is left out.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// Somebody asked for it.
    Request,
    /// The registry.
    Registry(&'static Ignore),
}

impl Ignores {
    /// Those of the registry and, with full codes, those that were asked for.
    pub fn new(deployment: &'static Deployment, asked: Vec<(String, Option<String>)>, today: Date) -> Self {
        Ignores { deployment, asked, today }
    }

    /// Who leaves this finding out, if anybody does.
    pub fn cover(&self, code: &str, subject: &str) -> Option<By> {
        let asked =
            |(own, about): &(String, Option<String>)| own == code && about.as_deref().is_none_or(|s| s == subject);
        if self.asked.iter().any(asked) {
            return Some(By::Request);
        }
        let fits = |ignore: &&'static Ignore| {
            format!("{}-{}", self.deployment.name.to_uppercase(), ignore.code) == code
                && ignore.subject.is_none_or(|wanted| wanted == subject)
        };
        let mut registered = self.deployment.ignores.iter().filter(|ignore| ignore.until >= self.today);
        registered.find(fits).map(By::Registry)
    }

    /// Those of the registry whose day is over.
    pub fn expired(&self) -> impl Iterator<Item = &'static Ignore> {
        self.deployment.ignores.iter().filter(|ignore| ignore.until < self.today)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::registry::{HostChecks, Level};

    static LATER: Level = Level::new("later").criterion("c").response("r").action("a");
    static PLACE: Deployment =
        Deployment::new("place", &[&LATER], &[], HostChecks::new(&LATER)).summary("s").ignores(&[
            Ignore::new("DISK-FULL", date(2026, 11, 22)).subject("disk /srv").why("a new disk comes"),
            Ignore::new("LOAD-HIGH", date(2026, 11, 21)).why("the import runs"),
        ]);

    #[test]
    fn an_ignore_ends_with_its_day() {
        let on = |day| Ignores::new(&PLACE, Vec::new(), day);
        let last = on(date(2026, 11, 22));
        assert!(matches!(last.cover("PLACE-DISK-FULL", "disk /srv"), Some(By::Registry(_))));
        assert!(last.cover("PLACE-DISK-FULL", "disk /").is_none());
        assert!(last.cover("PLACE-LOAD-HIGH", "host").is_none());
        assert_eq!(last.expired().map(|ignore| ignore.code).collect::<Vec<_>>(), ["LOAD-HIGH"]);
        let after = on(date(2026, 11, 23));
        assert!(after.cover("PLACE-DISK-FULL", "disk /srv").is_none());
        assert_eq!(after.expired().count(), 2);
        let asked = Ignores::new(&PLACE, vec![("PLACE-LOAD-HIGH".to_owned(), None)], date(2026, 11, 23));
        assert!(matches!(asked.cover("PLACE-LOAD-HIGH", "host"), Some(By::Request)));
    }

    #[test]
    fn an_ignore_of_nothing_is_refused() {
        static WRONG: Deployment = Deployment::new("place", &[&LATER], &[], HostChecks::new(&LATER))
            .summary("s")
            .ignores(&[Ignore::new("NOTHING", date(2026, 1, 1)).why("w")]);
        let problems = crate::registry::check::problems(&[&WRONG]);
        assert!(problems.contains(&"place: the ignore of NOTHING is of no cause".to_owned()), "{problems:?}");
    }
}
