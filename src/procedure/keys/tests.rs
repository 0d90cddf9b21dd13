//! A rotation on files of a made-up host: set, resumed, undone, and refused before anything is touched.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::context::{Context, Settings};
use crate::host::system::System;
use crate::procedure::secrets::Secrets;
use crate::procedure::values::Values;
use crate::registry::*;
use crate::ui::{Color, Format, Ui};

const KEY: KeyFormat = KeyFormat::Env(EnvReader::Systemd);

static EDITS: &[KeyEdit] = &[
    KeyEdit::new(&["/etc/a.env"], KEY, "API_KEY", "{new}"),
    KeyEdit::new(&["/etc/none.env", "/etc/b.env"], KEY, "API_KEY", "{new}"),
    KeyEdit::new(&["/etc/b.env"], KEY, "URL", "{new}").password(),
    KeyEdit::new(&["/etc/absent.env"], KEY, "API_KEY", "{new}").optional(),
];
static ROTATE: Procedure = Procedure::new("rotate", &[Step::set_keys("set", "set the key", EDITS)]).secrets(&[
    SecretValue::stored("old", Secret::in_file("/etc/a.env").key("API_KEY")),
    SecretValue::generated("new"),
]);
const A: &str = "# keys\nAPI_KEY='old-a-1234'\nPORT=1\n";
const B: &str = "URL=redis://:old-b-1234@h:1/0";

struct Host(System);

impl Host {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("opsctl-keys-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root: PathBuf = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&root);
        for directory in ["etc", "var/lib", "run"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let host = Host(System { root, ..System::real() });
        host.write("etc/a.env", A);
        host.write("etc/b.env", B);
        fs::set_permissions(host.path("etc/a.env"), fs::Permissions::from_mode(0o640)).unwrap();
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.root.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn with<T>(&self, secrets: &Secrets, work: impl FnOnce(&Scene<'_>) -> T) -> T {
        let ui = Ui { format: Format::Text, headers: true, color: Color::Never, quiet: true };
        let context = Context::new(&self.0, Settings { ui, deployment: None, verbose: false, timeout: None });
        let values = Values::default();
        work(&Scene { context: &context, deployment: &LOCALHOST, values: &values, secrets, yes: true })
    }

    fn begin(&self) -> Secrets {
        let secrets = Secrets::determine(&self.0, &ROTATE, &Values::default()).unwrap();
        secrets.keep(&self.0, &LOCALHOST, "rotate").unwrap();
        secrets
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0.root);
    }
}

#[test]
fn keys_are_set_proven_and_undone() {
    let host = Host::new();
    let secrets = host.begin();
    let new = secrets.fill("{new}");
    assert!(new.len() == 48 && new.bytes().all(|byte| byte.is_ascii_hexdigit()), "{new}");
    assert_eq!(secrets.fill("{old}"), "old-a-1234");
    host.with(&secrets, |scene| {
        assert!(matches!(proven(scene, EDITS), Truth::Fails(_)));
        assert_eq!(set(scene, "rotate", EDITS).unwrap(), "API_KEY, URL set in 2 files");
        assert!(proven(scene, EDITS).holds());
    });
    assert_eq!(host.read("etc/a.env"), A.replace("'old-a-1234'", &new));
    assert_eq!(host.read("etc/b.env"), format!("URL=redis://:{new}@h:1/0\nAPI_KEY={new}\n"));
    assert_eq!(fs::metadata(host.path("etc/a.env")).unwrap().mode() & 0o777, 0o640);
    assert_eq!((host.read("etc/a.env.opsctl-old").as_str(), host.read("etc/b.env.opsctl-old").as_str()), (A, B));
    // Whoever resumes it has the same secrets, also once the old one is in no file any more.
    let later = Secrets::of_run(&host.0, &LOCALHOST, &ROTATE).unwrap();
    assert_eq!((later.fill("{new}{old}"), later.fill("{other}")), (format!("{new}old-a-1234"), "{other}".to_owned()));
    let file = host.path("var/lib/opsctl/localhost.rotate.secrets.json");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert_eq!(String::from_utf8(later.clean(format!("ERROR: {new}").into_bytes())).unwrap(), "ERROR: **redacted**");
    host.with(&later, |scene| {
        assert!(proven(scene, EDITS).holds());
        set(scene, "rotate", EDITS).unwrap();
        assert_eq!(undo(scene, EDITS).unwrap(), "2 of 2 files were written as before");
        assert_eq!(undo(scene, EDITS).unwrap(), "0 of 2 files were written as before");
    });
    assert_eq!((host.read("etc/a.env").as_str(), host.read("etc/b.env").trim_end()), (A, B));
}

/// At each of its files the call may have ended; whoever comes next goes on, or back.
#[test]
fn half_of_it_is_finished_or_undone() {
    for is_undone in [false, true] {
        let host = Host::new();
        let secrets = host.begin();
        host.with(&secrets, |scene| set(scene, "rotate", EDITS).unwrap());
        let done = (host.read("etc/a.env"), host.read("etc/b.env"));
        host.write("etc/b.env", B);
        let later = Secrets::of_run(&host.0, &LOCALHOST, &ROTATE).unwrap();
        let wanted = host.with(&later, |scene| {
            if is_undone {
                undo(scene, EDITS).unwrap();
                return (A.to_owned(), B.to_owned());
            }
            set(scene, "rotate", EDITS).unwrap();
            done
        });
        assert_eq!((host.read("etc/a.env"), host.read("etc/b.env")), wanted);
    }
}

#[test]
fn nothing_is_written_where_one_file_cannot_be() {
    for (name, text) in [("etc/b.env", "URL=redis://h:1/0"), ("etc/b.env", "PORT=1"), ("etc/b.env", "URL=\"open")] {
        let host = Host::new();
        let secrets = host.begin();
        host.write(name, text);
        let stop = host.with(&secrets, |scene| set(scene, "rotate", EDITS).unwrap_err());
        assert!(stop.is_untouched && stop.exit == Exit::Refused, "{stop:?}");
        assert!(!stop.why.contains("old-"), "{stop:?}");
        assert_eq!((host.read("etc/a.env").as_str(), host.read(name).as_str()), (A, text));
    }
    let host = Host::new();
    let secrets = host.begin();
    fs::remove_file(host.path("etc/b.env")).unwrap();
    let stop = host.with(&secrets, |scene| set(scene, "rotate", EDITS).unwrap_err());
    assert_eq!(stop.why, "/etc/none.env or /etc/b.env does not exist");
    assert!(!host.path("etc/a.env.opsctl-old").exists());
}

#[test]
fn what_somebody_else_set_meanwhile_stays() {
    let host = Host::new();
    let secrets = host.begin();
    host.with(&secrets, |scene| set(scene, "rotate", EDITS).unwrap());
    host.write("etc/a.env", "API_KEY=somebody-elses\n");
    let stop = host.with(&secrets, |scene| undo(scene, EDITS).unwrap_err());
    assert!(stop.why.ends_with("API_KEY was set to something else meanwhile"), "{stop:?}");
    assert_eq!(host.read("etc/a.env"), "API_KEY=somebody-elses\n");
}

#[test]
fn secrets_that_cannot_be_handed_on_are_refused() {
    static GIVEN: Procedure = Procedure::new("given", &[Step::set_keys("set", "set it", EDITS)])
        .parameters(&[Parameter::new("key-file", ParameterKind::Path).help("file")])
        .secrets(&[SecretValue::given("new", "key-file")]);
    let host = Host::new();
    for (text, mode, is_fine) in [
        ("sk_live_1234\n", 0o600, true),
        ("  sk_live_1234  \n\n", 0o400, true),
        ("sk_live_1234\n", 0o644, false),
        ("one\ntwo\n", 0o600, false),
        ("", 0o600, false),
        ("two words", 0o600, false),
        ("it's", 0o600, false),
    ] {
        let _ = fs::remove_file(host.path("etc/key"));
        host.write("etc/key", text);
        fs::set_permissions(host.path("etc/key"), fs::Permissions::from_mode(mode)).unwrap();
        let values = [("key-file".to_owned(), "/etc/key".to_owned())].into_iter().collect();
        let found = Secrets::determine(&host.0, &GIVEN, &Values::kept(&GIVEN, &values));
        let is_root = rustix::process::geteuid().is_root();
        assert_eq!(found.is_ok(), is_fine && is_root, "{text:?} {mode:o}");
    }
    host.write("etc/a.env", "API_KEY=\"it's\"\n");
    assert!(Secrets::determine(&host.0, &ROTATE, &Values::default()).is_err());
}
