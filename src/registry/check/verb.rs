//! Procedures that a verb does: what must hold of each before it may exist.

use super::record::{Message, Record};
use super::release::is;
use crate::registry::*;

/// All of a deployment.
pub(super) const fn verbs(d: &Deployment) {
    let mut i = 0;
    while i < d.verbs.len() {
        let v = &d.verbs[i];
        let me = Record::new("procedure", v.slug);
        me.name();
        me.text("summary", v.summary);
        me.text("section", v.section);
        me.text("when", v.when);
        command(v, me);
        unique(v.slug, d, i, me, "slug");
        let mut a = 0;
        while a < v.aliases.len() {
            Record::new("alias", v.aliases[a]).name();
            unique(v.aliases[a], d, i, me, "aliases");
            a += 1;
        }
        i += 1;
    }
}

const fn command(v: &VerbProcedure, me: Record<'_>) {
    if v.command.is_empty() {
        me.refuse("command", "is empty");
    }
    if is(v.command[0], "opsctl") || is(v.command[0], "run") {
        me.refuse("command", "must begin with a verb other than run");
    }
    let mut i = 0;
    while i < v.command.len() {
        me.text("command", v.command[i]);
        i += 1;
    }
}

/// No procedure of steps, and no verb above, has that word.
const fn unique(word: &str, d: &Deployment, before: usize, me: Record<'_>, field: &str) {
    let mut is_taken = of_steps(word, d.procedures) || of_steps(word, usual::PROCEDURES);
    let mut i = 0;
    while i < before {
        is_taken = is_taken || has_word(word, d.verbs[i].slug, d.verbs[i].aliases);
        i += 1;
    }
    if is_taken {
        Message::of(me, field).add(word).add(" means another procedure as well").refuse();
    }
}

const fn of_steps(word: &str, all: &[&Procedure]) -> bool {
    let mut i = 0;
    while i < all.len() {
        if has_word(word, all[i].slug, all[i].aliases) {
            return true;
        }
        i += 1;
    }
    false
}

const fn has_word(word: &str, slug: &str, aliases: &[&str]) -> bool {
    let mut i = 0;
    while i < aliases.len() {
        if is(word, aliases[i]) {
            return true;
        }
        i += 1;
    }
    is(word, slug)
}

/// What only a walk over the whole finds: names that mean something else as well.
pub(super) fn problems(d: &Deployment, found: &mut Vec<String>) {
    for v in d.verbs {
        for word in std::iter::once(v.slug).chain(v.aliases.iter().copied()) {
            if d.failure(word).is_some() || d.service(word).is_some() {
                found.push(format!("{}/{}: {word} is a failure or a service as well", d.name, v.slug));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! Each refusal names the record and its field.

    use std::panic::catch_unwind;

    use super::super::{deployment, problems};
    use crate::registry::*;

    static LEVEL: Level = Level::new("down").criterion("c").response("now").action("a");
    static SHOP: Service = Service::new("shop", &LEVEL)
        .summary("the shop")
        .severity_reason("all")
        .managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static OPEN: Procedure = Procedure::new("open", &[Step::start("start", &[&SHOP])])
        .aliases(&["unlock"])
        .summary("open it")
        .section("1. Opening")
        .when("it is time")
        .done(&[Assertion::Healthy(&SHOP)]);

    static LEVELS: &[&Level] = &[&LEVEL];
    static SERVICES: &[&Service] = &[&SHOP];
    static PROCEDURES: &[&Procedure] = &[&OPEN];

    const fn back() -> VerbProcedure {
        VerbProcedure::new("back", &["rollback"], Risk::Disruptive)
            .summary("go back")
            .section("2. Back")
            .when("it fails")
    }

    fn mine(verbs: Vec<VerbProcedure>) -> &'static Deployment {
        let mine = Deployment::new("mine", LEVELS, SERVICES, HostChecks::new(&LEVEL)).summary("my own");
        Box::leak(Box::new(mine.procedures(PROCEDURES).verbs(Box::leak(verbs.into_boxed_slice()))))
    }

    fn message(verbs: Vec<VerbProcedure>) -> Option<String> {
        let mine = mine(verbs);
        let found = catch_unwind(std::panic::AssertUnwindSafe(|| deployment(mine)));
        found.err().and_then(|panic| panic.downcast_ref::<String>().cloned())
    }

    #[test]
    #[rustfmt::skip]
    fn every_refusal_names_its_record_and_field() {
        assert_eq!(message(vec![back()]), None);
        let cases: Vec<(Vec<VerbProcedure>, &str)> = vec![
            (vec![VerbProcedure { slug: "Back", ..back() }], "procedure Back: name: must be lower-case letters, digits and dashes, a letter first"),
            (vec![back().summary("")], "procedure back: summary: is empty"),
            (vec![back().section("")], "procedure back: section: is empty"),
            (vec![back().when("")], "procedure back: when: is empty"),
            (vec![VerbProcedure { command: &[], ..back() }], "procedure back: command: is empty"),
            (vec![VerbProcedure { command: &["rollback", ""], ..back() }], "procedure back: command: is empty"),
            (vec![VerbProcedure { command: &["opsctl", "rollback"], ..back() }], "procedure back: command: must begin with a verb other than run"),
            (vec![VerbProcedure { command: &["run", "open"], ..back() }], "procedure back: command: must begin with a verb other than run"),
            (vec![back().aliases(&["a b"])], "alias a b: name: must be lower-case letters, digits and dashes, a letter first"),
            (vec![back(), back()], "procedure back: slug: back means another procedure as well"),
            (vec![back().aliases(&["open"])], "procedure back: aliases: open means another procedure as well"),
            (vec![back().aliases(&["unlock"])], "procedure back: aliases: unlock means another procedure as well"),
            (vec![back().aliases(&["unban"])], "procedure back: aliases: unban means another procedure as well"),
            (vec![back(), VerbProcedure { slug: "return", ..back() }.aliases(&["back"])], "procedure return: aliases: back means another procedure as well"),
        ];
        for (verbs, wanted) in cases {
            assert_eq!(message(verbs).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn the_name_of_a_service_is_no_name_of_a_procedure() {
        let found = problems(&[mine(vec![back().aliases(&["shop"])])]);
        assert_eq!(found, ["mine/back: shop is a failure or a service as well"]);
        assert_eq!(problems(&[mine(vec![back()])]), Vec::<String>::new());
    }
}
