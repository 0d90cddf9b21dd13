//! New passwords of the databases. Files and servers change together, and the old password is proven dead in the end.

use Assertion::{All, Any, Command, Exists, Healthy, Installed, Not};

use super::super::services::*;
use super::super::{CRITICAL, HIGH};
use crate::registry::*;

const ENV_FILE: &str = "/home/plugspace/plugspace/.env";
/// What dotenv reads in the directory in which pm2 starts the API.
const API_FILE: &str = "/home/plugspace/plugspace/apps/api/.env";
const DOTENV: KeyFormat = KeyFormat::Env(EnvReader::Dotenv);
const SYSTEMD: KeyFormat = KeyFormat::Env(EnvReader::Systemd);

const REDIS_FILE: &str = "/root/.plugspace/redis-credentials.txt";
const MONGODB_FILE: &str = "/root/.plugspace/mongodb-credentials.txt";

/// What pm2 itself gives an application takes the place of what its file has.
macro_rules! not_in_pm2 {
    ($key:literal) => {
        Step::check(
            "environment",
            concat!("check that the applications take ", $key, " from their file"),
            Not(&Command(
                Invocation::new(&["env", "PM2_HOME=/home/plugspace/.pm2", "PM2_SILENT=true", "pm2", "jlist"])
                    .user("plugspace")
                    .expects(concat!("\"", $key, "\""))
                    .means(concat!("pm2 keeps its own ", $key), concat!("pm2 keeps no ", $key, " of its own")),
            )),
            concat!(
                "a restart would keep the old one: have each application read /home/plugspace/plugspace/.env; then, as \
                 plugspace and without ",
                $key,
                ": pm2 delete all, pm2 start ecosystem.config.js, pm2 save"
            ),
        )
    };
}

static APPLICATIONS: &[&Service] = &[&API, &VOICE];

/// A copy would keep the old password.
const ONE_FILE: Assertion = Any(&[
    Not(&Exists(API_FILE)),
    Command(
        Invocation::new(&["find", "-L", API_FILE, "-samefile", ENV_FILE])
            .expects(".")
            .means("apps/api/.env is a link to the other .env", "apps/api/.env is another file than .env"),
    ),
]);

const fn one_file() -> Step {
    Step::check(
        "file",
        "check that there is one .env",
        ONE_FILE,
        "as plugspace in apps/api, after you compared the two: ln -sf ../../.env .env",
    )
}

const fn restart() -> Step {
    Step::restart("restart", APPLICATIONS)
        .title("restart the API and the voice server with the new password")
        .loses("requests that take longer than 10 s, and calls: they have 30 s to end")
        .undo(Undo::Again)
}

static WORKERS: &[&Service] = &[&WORKER];

const fn workers() -> Step {
    Step::restart("workers", WORKERS)
        .title("restart the workers, where they run")
        .only_if(Healthy(&WORKER))
        .loses("jobs that take longer than 60 s to end")
        .undo(Undo::Again)
}

const fn redis(input: &'static str) -> Invocation {
    Invocation::new(&["redis-cli"]).input(input)
}

/// With a word of its input, redis-cli reports a server that it does not reach as a failure; with lines of input it does not.
const REDIS_LOGIN: Invocation = Invocation::new(&["redis-cli", "-x", "AUTH"]);

const REDIS_OLD: Assertion = Command(
    REDIS_LOGIN
        .input("{old}")
        .expects(r"\AOK\n")
        .means("Redis takes the old password", "Redis does not take the old password"),
);
const REDIS_NEW: Assertion = Command(
    REDIS_LOGIN
        .input("{new}")
        .expects(r"\AOK\n")
        .means("Redis takes the new password", "Redis does not take the new password"),
);
const REDIS_OLD_DEAD: Assertion = Command(
    REDIS_LOGIN
        .input("{old}")
        .expects(r"\AWRONGPASS ")
        .means("Redis refuses the old password", "Redis takes the old password"),
);

const EXPORTER_UNIT: &str = "/etc/systemd/system/redis_exporter.service";
/// Whether every user can read the password, in the arguments of the exporter.
const IN_ARGUMENTS: Assertion = Command(
    Invocation::new(&["grep", "-Eq", "[ ]--?redis[.]password[= ]", EXPORTER_UNIT])
        .no(1)
        .means("redis_exporter has the password in its arguments", "redis_exporter has no password in its arguments"),
);
const FROM_FILE: Assertion = Command(
    Invocation::new(&["grep", "-Fxq", "EnvironmentFile=/root/.plugspace/redis-credentials.txt", EXPORTER_UNIT])
        .no(1)
        .means(
            "redis_exporter reads the file of the password",
            "redis_exporter does not read the file of the password",
        ),
);
const UNITS_READ: Assertion = Command(
    Invocation::new(&["systemctl", "show", "--property=NeedDaemonReload", "redis_exporter.service"])
        .expects("(?m)^NeedDaemonReload=no$")
        .means("systemd knows the unit as it is", "systemd does not know the unit as it is"),
);

pub static ROTATE_REDIS: Procedure = Procedure::new(
    "rotate-redis",
    &[
        Step::check("client", "check that redis-cli is installed", Installed("redis-cli"), "apt-get install redis-tools"),
        Step::check(
            "old",
            "check that the known password is that of Redis",
            Any(&[REDIS_OLD, REDIS_NEW]),
            "compare REDIS_PASSWORD in /root/.plugspace/redis-credentials.txt with requirepass in /etc/redis/redis.conf",
        ),
        one_file(),
        not_in_pm2!("REDIS_URL"),
        Step::command(
            "exporter-unit",
            "have redis_exporter read the password from its file, not from its arguments",
            Invocation::new(&[
                "sed",
                "-i",
                "-E",
                "-e",
                "s/[ ]+--?redis[.]password[= ][^ ]+//",
                "-e",
                "/^\\[Service\\]$/a EnvironmentFile=/root/.plugspace/redis-credentials.txt",
                EXPORTER_UNIT,
            ]),
            Risk::Safe,
        )
        .only_if(All(&[Exists(EXPORTER_UNIT), IN_ARGUMENTS]))
        .proof(All(&[FROM_FILE, Not(&IN_ARGUMENTS)]))
        .undo(Undo::Never("redis_exporter works with either password, and no longer shows it to every user")),
        Step::command(
            "units",
            "have systemd read the unit of redis_exporter",
            Invocation::new(&["systemctl", "daemon-reload"]),
            Risk::Safe,
        )
        .only_if(All(&[Exists(EXPORTER_UNIT), FROM_FILE]))
        .proof(UNITS_READ)
        .undo(Undo::Again),
        Step::command(
            "add",
            "have Redis take a new password as well as the old one",
            redis("AUTH {old}\nACL SETUSER default >{new}\n").expects(r"\AOK\nOK\n"),
            Risk::Safe,
        )
        .proof(REDIS_NEW)
        .undo(Undo::Command(redis("AUTH {old}\nACL SETUSER default <{new}\n"))),
        Step::set_keys(
            "files",
            "write the new password where the server and its clients read it",
            &[
                KeyEdit::new(&["/etc/redis/redis.conf"], KeyFormat::Words, "requirepass", "{new}"),
                KeyEdit::new(&[ENV_FILE], DOTENV, "REDIS_URL", "{new}").password(),
                KeyEdit::new(&[REDIS_FILE], SYSTEMD, "REDIS_PASSWORD", "{new}"),
                KeyEdit::new(&[REDIS_FILE], SYSTEMD, "REDIS_URL", "{new}").password(),
            ],
        ),
        restart(),
        workers(),
        Step::restart("exporter", &[&REDIS_EXPORTER])
            .title("restart redis_exporter, where it runs")
            .only_if(Healthy(&REDIS_EXPORTER))
            .undo(Undo::Again),
        Step::command(
            "remove",
            "have Redis refuse the old password, and end the sessions that began with it",
            redis("AUTH {new}\nACL SETUSER default <{old}\nCLIENT KILL TYPE normal SKIPME yes\nCLIENT KILL TYPE pubsub\n")
                .expects(r"\AOK\nOK\n[(integer) ]*[0-9]+"),
            Risk::Disruptive,
        )
        .proof(REDIS_OLD_DEAD)
        .undo(Undo::Command(redis("AUTH {new}\nACL SETUSER default >{old}\n"))),
        Step::wait(
            "connected",
            "wait until the API has logged in again: with the new password, because there is no other",
            Healthy(&API),
            30,
        ),
    ],
)
.aliases(&["rotate-redis-password"])
.summary("give Redis a new password, and everything that logs in to it")
.section("redis-setup.sh; the runbook has only the rotation of MongoDB")
.severity(&HIGH)
.when("the password of Redis is known to somebody who should not know it, or is due for a change")
.secrets(&[
    SecretValue::stored("old", Secret::in_file(REDIS_FILE).key("REDIS_PASSWORD")),
    SecretValue::generated("new"),
])
.done(&[REDIS_NEW, REDIS_OLD_DEAD, Healthy(&REDIS), Healthy(&API), Healthy(&VOICE)])
.note(
    "both passwords are valid until the applications run with the new one: CONFIG is removed on this server, so \
     requirepass cannot be set at run time, but ACL SETUSER adds and removes passwords; Redis is not restarted, and \
     reads the new requirepass at its next start; the voice server reports healthy even without Redis, and in the repository only the API reads .env; the setup puts \
     the password into the arguments of redis_exporter, which it reads from its file afterwards",
);

/// Whether a user, who is defined in the database of that name, logs in with a password.
macro_rules! login {
    ($user:literal, $database:literal, $password:literal) => {
        concat!(
            "try {\n  db = connect('mongodb://",
            $user,
            ":' + encodeURIComponent('",
            $password,
            "') + '@localhost:27017/",
            $database,
            "?authSource=",
            $database,
            "&directConnection=true');\n",
            "  const status = db.runCommand({ connectionStatus: 1 });\n",
            "  print('logged in as ' + status.authInfo.authenticatedUsers[0].user);\n",
            "} catch (error) {\n",
            "  if (error.codeName !== 'AuthenticationFailed') throw error;\n",
            "  print('refused: ' + error.codeName);\n}\n"
        )
    };
}
macro_rules! as_admin {
    ($statement:literal) => {
        concat!(
            "db = connect('mongodb://admin:' + encodeURIComponent('{admin}') + \
             '@localhost:27017/admin?authSource=admin&directConnection=true');\n",
            $statement
        )
    };
}

const fn mongosh(input: &'static str) -> Invocation {
    Invocation::new(&["mongosh", "--quiet", "--nodb", "--norc", "--file", "/dev/stdin"]).input(input)
}

const LOGGED_IN: &str = "(?m)^logged in as plugspace_app$";
const REFUSED: &str = "(?m)^refused: AuthenticationFailed$";

const MONGODB_OLD: Assertion = Command(
    mongosh(login!("plugspace_app", "plugspace", "{old}"))
        .expects(LOGGED_IN)
        .means("MongoDB takes the old password", "MongoDB does not take the old password"),
);
const MONGODB_NEW: Assertion = Command(
    mongosh(login!("plugspace_app", "plugspace", "{new}"))
        .expects(LOGGED_IN)
        .means("MongoDB takes the new password", "MongoDB does not take the new password"),
);
const MONGODB_OLD_DEAD: Assertion = Command(
    mongosh(login!("plugspace_app", "plugspace", "{old}"))
        .expects(REFUSED)
        .means("MongoDB refuses the old password", "MongoDB does not refuse the old password"),
);

pub static ROTATE_DB_CREDENTIALS: Procedure = Procedure::new(
    "rotate-db-credentials",
    &[
        Step::check(
            "client",
            "check that mongosh is installed",
            Installed("mongosh"),
            "install mongodb-mongosh from MongoDB's repository, as mongodb-setup.sh does",
        ),
        Step::check(
            "old",
            "check that plugspace_app logs in with the known password",
            Any(&[MONGODB_OLD, MONGODB_NEW]),
            "compare DATABASE_URL in /home/plugspace/plugspace/.env with MONGODB_APP_URI in \
             /root/.plugspace/mongodb-credentials.txt",
        ),
        Step::check(
            "admin",
            "check that admin may change it",
            Command(
                mongosh(login!("admin", "admin", "{admin}"))
                    .expects("(?m)^logged in as admin$")
                    .means("MongoDB takes the password of admin", "MongoDB does not take the password of admin"),
            ),
            "correct MONGODB_ADMIN_URI in /root/.plugspace/mongodb-credentials.txt",
        ),
        one_file(),
        not_in_pm2!("DATABASE_URL"),
        Step::set_keys(
            "files",
            "write the new password where the applications and the backup read it",
            &[
                KeyEdit::new(&[ENV_FILE], DOTENV, "DATABASE_URL", "{new}").password(),
                KeyEdit::new(&[MONGODB_FILE], SYSTEMD, "MONGODB_APP_PASSWORD", "{new}"),
                KeyEdit::new(&[MONGODB_FILE], SYSTEMD, "MONGODB_APP_URI", "{new}").password(),
                KeyEdit::new(&[MONGODB_FILE], SYSTEMD, "DATABASE_URL", "{new}").password(),
            ],
        ),
        Step::command(
            "change",
            "give plugspace_app, which is defined in database plugspace, the new password",
            mongosh(as_admin!(
                "db.getSiblingDB('plugspace').changeUserPassword('plugspace_app', '{new}');\nprint('changed');\n"
            ))
            .expects("(?m)^changed$"),
            Risk::Disruptive,
        )
        .proof(MONGODB_NEW)
        .undo(Undo::Command(mongosh(as_admin!(
            "db.getSiblingDB('plugspace').changeUserPassword('plugspace_app', '{old}');\nprint('changed');\n"
        )))),
        restart(),
        workers(),
        Step::check(
            "dead",
            "check that MongoDB refuses the old password",
            MONGODB_OLD_DEAD,
            "it is still valid: find who else has defined it, db.getSiblingDB('plugspace').getUsers() as admin",
        ),
    ],
)
.aliases(&["rotate-mongodb", "rotate-db"])
.summary("give the applications a new password for MongoDB")
.section("Security Procedures: Rotate Database Credentials")
.severity(&CRITICAL)
.when("the password of plugspace_app is known to somebody who should not know it, or is due for a change")
.not_when("the password of admin is known: change that by hand, then MONGODB_ADMIN_URI")
.secrets(&[
    SecretValue::stored("old", Secret::in_file(ENV_FILE).key("DATABASE_URL").read_by(EnvReader::Dotenv)),
    SecretValue::stored("admin", Secret::in_file(MONGODB_FILE).key("MONGODB_ADMIN_URI")),
    SecretValue::generated("new"),
])
.done(&[MONGODB_NEW, MONGODB_OLD_DEAD, Healthy(&API), Healthy(&VOICE)])
.note(
    "MongoDB knows one password of a user: from the change on, new connections with the old one are refused, and open \
     ones remain until the restart right after it. The runbook changes a user of database admin, where it is not \
     defined, and its sed holds OLD_PASSWORD as a word, so .env is not changed: the restart after that is an outage",
);
