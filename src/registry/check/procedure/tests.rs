//! Each refusal of a procedure names the record and its field.

use std::panic::catch_unwind;

use super::super::deployment;
use crate::registry::*;

static LEVEL: Level = Level::new("down").criterion("c").response("now").action("a");
static SHOP: Service = Service::new("shop", &LEVEL).summary("the shop").severity_reason("all").managers(UNIT);
static WEB: Service =
    Service::new("web", &LEVEL).summary("the site").severity_reason("all").managers(UNIT).needs(&[&SHOP]);
const UNIT: &[Manager] = &[Manager::Systemd(Unit::new("shop.service"))];
const TOUCH: Invocation = Invocation::new(&["touch", "/run/x"]);
const IS: Assertion = Assertion::Exists("/run/x");

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn done(name: &'static str) -> Step {
    Step::command(name, "touch it", TOUCH, Risk::Safe).proof(IS).undo(Undo::Never("it is only a mark"))
}

fn of(steps: Vec<Step>) -> Procedure {
    let steps: &'static [Step] = Box::leak(steps.into_boxed_slice());
    Procedure::new("mark", steps).summary("mark it").section("1. Marks").when("it is time").done(const { &[IS] })
}

const NEW: &[SecretValue] = &[SecretValue::generated("new")];
const KEYS: &[KeyEdit] = &[KeyEdit::new(&["/etc/x"], KeyFormat::Words, "k", "{new}")];

/// A procedure with these secrets, whose command has this word.
fn secret(secrets: Vec<SecretValue>, word: &'static str) -> Procedure {
    let words: &'static [&'static str] = kept(["touch", word]);
    one(Step::command("touch", "touch it", Invocation::new(words), Risk::Safe).proof(IS).undo(Undo::Never("x")))
        .secrets(Box::leak(secrets.into_boxed_slice()))
}

fn one(step: Step) -> Procedure {
    of(vec![step])
}

fn given(parameters: Vec<Parameter>) -> Procedure {
    one(done("touch")).parameters(Box::leak(parameters.into_boxed_slice()))
}

fn checks(assertion: Assertion) -> Procedure {
    one(Step::check("is", "check it", assertion, "do it yourself"))
}

fn message(procedures: &'static [&'static Procedure]) -> Option<String> {
    let services = kept([&SHOP, &WEB]);
    let mine = Deployment::new("mine", kept([&LEVEL]), services, HostChecks::new(&LEVEL)).summary("my own");
    let mine = kept(mine.procedures(procedures));
    let found = catch_unwind(std::panic::AssertUnwindSafe(|| deployment(mine)));
    found.err().and_then(|panic| panic.downcast_ref::<String>().cloned())
}

#[test]
#[rustfmt::skip]
fn every_refusal_names_its_record_and_field() {
    assert_eq!(message(kept([kept(one(done("touch")))])), None);
    let parameter = |name| Parameter::new(name, ParameterKind::Word);
    let command = |words| Step::command("touch", "touch it", Invocation::new(words), Risk::Safe).proof(IS).undo(Undo::Never("x"));
    let cases: Vec<(Procedure, &str)> = vec![
        (Procedure { slug: "Mark", ..one(done("touch")) }, "procedure Mark: name: must be lower-case letters, digits and dashes, a letter first"),
        (one(done("touch")).summary(""), "procedure mark: summary: is empty"),
        (one(done("touch")).section(""), "procedure mark: section: is empty"),
        (one(done("touch")).when(""), "procedure mark: when: is empty"),
        (of(Vec::new()), "procedure mark: steps: there is none"),
        (one(done("touch")).done(&[]), "procedure mark: done: is empty, but it changes something"),
        (given(vec![parameter("IP")]), "parameter IP: name: must be lower-case letters, digits and dashes, a letter first"),
        (given(vec![parameter("yes").help("x")]), "parameter yes: name: is a flag of opsctl run"),
        (given(vec![parameter("ip")]), "parameter ip: help: is empty"),
        (given(vec![parameter("a").help("x").default("y"), parameter("b").help("x")]), "parameter b: default: is missing behind one that has a default"),
        (of(vec![done("touch"), done("touch")]), "step touch: name: is that of another step"),
        (one(done("Touch")), "step Touch: name: must be lower-case letters, digits and dashes, a letter first"),
        (one(done("touch").title("")), "step touch: title: is empty"),
        (one(done("touch").title("touch {ip}")), "step touch: title: touch {ip} has braces around what is no parameter"),
        (one(Step::check("is", "check it", IS, "")), "step is: otherwise: is empty"),
        (checks(Assertion::All(&[])), "step is: check: is about nothing"),
        (checks(Assertion::Installed("a b")), "step is: check: a b is not a word of letters, digits and -_.@"),
        (checks(Assertion::Foreign("ip")), "step is: check: ip is no parameter of the procedure"),
        (checks(Assertion::Answers(80, "up", "ok")), "step is: check: up does not begin with /"),
        (checks(Assertion::Command(TOUCH)), "step is: means: is missing"),
        (checks(Assertion::Not(const { &Assertion::Command(TOUCH.means("", "x")) })), "step is: means: is empty"),
        (one(command(&[])), "step touch: command: is empty"),
        (one(command(&["/bin/touch"])), "step touch: command: /bin/touch is not a word of letters, digits and -_.@"),
        (one(command(&["sh", "-c", "x"])), "step touch: command: is a shell or opsctl itself"),
        (one(command(&["touch", "{x}"])), "step touch: command: {x} has braces around what is no parameter"),
        (one(Step::command("touch", "touch it", TOUCH.seconds(0), Risk::Safe).proof(IS).undo(Undo::Never("x"))), "step touch: seconds: is 0"),
        (one(Step::command("touch", "touch it", TOUCH.input("{x}"), Risk::Safe).proof(IS).undo(Undo::Never("x"))), "step touch: input: {x} has braces around what is no parameter"),
        (one(Step::command("touch", "touch it", TOUCH, Risk::Safe).undo(Undo::Never("x"))), "step touch: proof: is missing"),
        (one(Step::command("touch", "touch it", TOUCH, Risk::Safe).proof(IS)), "step touch: undo: is missing"),
        (one(done("touch").undo(Undo::Never(""))), "step touch: undo: is empty"),
        (one(Step { risk: Risk::Destructive, ..done("touch") }), "step touch: risk: is destructive, and no step before it keeps a copy"),
        (one(Step { risk: Risk::ReadOnly, ..done("touch") }), "step touch: risk: is read-only, but it changes something"),
        (secret(vec![SecretValue::generated("New")], "x"), "secret New: name: must be lower-case letters, digits and dashes, a letter first"),
        (secret(vec![SecretValue::generated("new"), SecretValue::generated("new")], "x"), "secret new: name: is that of another secret"),
        (secret(vec![SecretValue::given("new", "file")], "x"), "secret new: parameter: file is no parameter of the procedure"),
        (secret(vec![SecretValue::stored("new", Secret::in_file("etc").key("K"))], "x"), "secret new: file: etc does not begin with /"),
        (secret(vec![SecretValue::stored("new", Secret::in_file("/etc/x"))], "x"), "secret new: key: is empty"),
        (Procedure { parameters: kept([parameter("new").help("x")]), ..secret(vec![SecretValue::generated("new")], "x") }, "secret new: name: is that of a parameter"),
        (secret(vec![SecretValue::generated("new")], "{new}"), "step touch: command: {new} has a secret in it"),
        (of(vec![Step::set_keys("set", "set {new}", KEYS)]).secrets(NEW), "step set: title: set {new} has a secret in it"),
        (of(vec![Step::set_keys("set", "set it", KEYS)]), "step set: value: {new} has braces around what is no parameter"),
        (of(vec![Step::set_keys("set", "set it", &[])]), "step set: keys: there is none"),
        (of(vec![Step::set_keys("set", "set it", const { &[KeyEdit::new(&[], KeyFormat::Words, "k", "v")] })]), "step set: files: there is none"),
        (of(vec![Step::set_keys("set", "set it", const { &[KeyEdit::new(&["etc"], KeyFormat::Words, "k", "v")] })]), "step set: files: etc does not begin with /"),
        (of(vec![Step::set_keys("set", "set it", const { &[KeyEdit::new(&["/etc/x"], KeyFormat::Words, "", "v")] })]), "step set: key: is empty"),
        (of(vec![Step::set_keys("set", "set it", const { &[KeyEdit::new(&["/etc/x"], KeyFormat::Words, "k", "")] })]), "step set: value: is empty"),
        (of(vec![Step::set_keys("set", "set it", KEYS), Step::restart("again", kept([&SHOP]))]).secrets(NEW), "step again: undo: is none, but a step before sets keys: Undo::Again"),
        (of(vec![Step::restore("back", "data")]), "step back: set: data is no backup set of the deployment"),
        (one(Step::stop("stop", &[])), "step stop: services: there is none"),
        (of(vec![Step::stop("stop", kept([&SHOP])), Step::restart("again", kept([&WEB]))]), "step again: services: web needs shop, which a step before stopped"),
        (one(Step::ask("ask", "do it", "", "done")), "step ask: place: is empty"),
        (one(Step::ask("ask", "do it", "here", "all done")), "step ask: answer: all done is not a word of letters, digits and -_.@"),
        (one(Step::wait("wait", "wait for it", IS, 0)), "step wait: seconds: is 0"),
        (one(Step::wait("wait", "wait for it", Assertion::Any(&[]), 1)), "step wait: wait: is about nothing"),
        (one(Step::backup("copy", &[])), "step copy: sets: there is none"),
        (one(Step::backup("copy", &["files"])), "step copy: sets: files is no backup set of the deployment"),
        (one(Step::request("send", "send it", Request::post(80, "x", "{}"), Risk::Safe)), "step send: path: x does not begin with /"),
        (one(Step::request("send", "send it", Request::post(80, "/x", "{y}"), Risk::Safe)), "step send: body: {y} has braces around what is no parameter"),
        (one(Step::request("send", "send it", Request { method: "PUT", ..Request::post(80, "/x", "") }, Risk::Safe)), "step send: method: is neither POST nor DELETE"),
        (one(Step::reclaim("free", "free").title("free it").proof(IS)), "step free: parameter: is none of the procedure"),
        (one(done("touch").only_if(Assertion::IsIpv6("ip"))), "step touch: only_if: ip is no parameter of the procedure"),
    ];
    for (procedure, wanted) in cases {
        assert_eq!(message(kept([kept(procedure)])).as_deref(), Some(wanted));
    }
    let twice = kept(one(done("touch")));
    assert_eq!(message(kept([twice, twice])).as_deref(), Some("procedure mark: slug: is that of another procedure"));
}

#[test]
fn what_is_kept_before_allows_what_destroys() {
    let copy = done("copy").keeps_a_copy();
    let procedure = of(vec![copy, Step { risk: Risk::Destructive, ..done("remove") }]);
    assert_eq!(message(kept([kept(procedure)])), None);
    let back = of(vec![Step::stop("stop", kept([&SHOP, &WEB])), Step::start("start", kept([&SHOP, &WEB]))]);
    assert_eq!(message(kept([kept(back)])), None);
}
