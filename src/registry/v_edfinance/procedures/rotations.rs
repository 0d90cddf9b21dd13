//! New secrets of the API: the database's password, the keys of tokens, and the key of Stripe.

use Assertion::{All, Any, Command, Healthy, Installed, Not};

use super::super::services::*;
use super::super::{P0, P1};
use crate::registry::*;

const ENV_FILE: &str = "/root/v-edfinance/apps/api/.env";
const COMPOSE: KeyFormat = KeyFormat::Env(EnvReader::Compose);

/// What is set in Dokploy or by `docker run` is in none of the files.
macro_rules! by_compose {
    () => {
        Step::check(
            "compose",
            "check that the API is a service of /root/v-edfinance/docker-compose.yml",
            Command(
                Invocation::new(&[
                    "docker",
                    "compose",
                    "--project-name=v-edfinance",
                    "--file=/root/v-edfinance/docker-compose.yml",
                    "ps",
                    "--services",
                ])
                .expects("(?m)^api$")
                .means("compose runs the API", "compose does not run the API"),
            ),
            "set the new value where the API was made: in Dokploy under Environment, and deploy it there",
        )
    };
}

/// A restart of a container keeps the environment that it was made with.
macro_rules! recreate {
    ($proof:expr) => {
        Step::command(
            "recreate",
            "recreate the container of the API with the new environment",
            Invocation::new(&[
                "docker",
                "compose",
                "--project-name=v-edfinance",
                "--file=/root/v-edfinance/docker-compose.yml",
                "up",
                "--detach",
                "--no-deps",
                "--no-build",
                "api",
            ])
            .seconds(180),
            Risk::Disruptive,
        )
        .proof($proof)
        .undo(Undo::Again)
    };
}

static ANSWERS: &[&Service] = &[&API];

const fn answers() -> Step {
    Step::start("answers", ANSWERS).title("wait until the API answers").undo(Undo::Again)
}

/// What the running API was started with.
macro_rules! has {
    ($value:literal, $input:literal, $what:literal) => {
        Command(
            Invocation::new(&[
                "node",
                "-e",
                concat!("process.exit(require('fs').readFileSync(0, 'utf8') === ", $value, " ? 0 : 3)"),
            ])
            .inside(&API)
            .input($input)
            .no(3)
            .means(concat!("the API has ", $what), concat!("the API does not have ", $what)),
        )
    };
}

const PSQL: Invocation = Invocation::new(&[
    "psql",
    "--no-psqlrc",
    "--quiet",
    "--tuples-only",
    "--no-align",
    "--set=ON_ERROR_STOP=1",
    "--username=postgres",
    "--dbname=postgres",
])
.inside(&POSTGRES);

/// Over the socket and the loopback the server asks for no password; over the container's own address it does.
macro_rules! login {
    ($password:literal) => {
        concat!(
            "\\set address `hostname`\n",
            "\\set url 'postgresql://postgres:",
            $password,
            "@' :address ':5432/postgres?connect_timeout=5'\n",
            "\\connect :url\n",
            "SELECT 'logged in as ' || current_user;\n"
        )
    };
}

/// The statement is neither logged nor kept by `pg_stat_statements`.
macro_rules! set_password {
    ($password:literal) => {
        concat!(
            "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';\n",
            "SET pg_stat_statements.track_utility = off; SET pg_stat_statements.track = 'none';\n",
            "ALTER ROLE postgres PASSWORD '",
            $password,
            "';\n"
        )
    };
}

const OLD_LOGIN: Assertion = Command(
    PSQL.input(login!("{old}"))
        .expects("(?m)^logged in as postgres$")
        .no(3)
        .means("PostgreSQL takes the old password", "PostgreSQL refuses the old password"),
);
const NEW_LOGIN: Assertion = Command(
    PSQL.input(login!("{new}"))
        .expects("(?m)^logged in as postgres$")
        .no(3)
        .means("PostgreSQL takes the new password", "PostgreSQL refuses the new password"),
);
/// An address over which nobody is refused would prove nothing.
const ASKS: Assertion = Not(&Command(
    PSQL.input(login!("no-password-of-anybody"))
        .expects("(?m)^logged in as postgres$")
        .no(3)
        .means("PostgreSQL takes any password", "PostgreSQL asks for a password"),
));

pub static ROTATE_DB: Procedure = Procedure::new(
    "rotate-db",
    &[
        by_compose!(),
        Step::check(
            "asks",
            "check that PostgreSQL asks for a password in its network",
            ASKS,
            "pg_hba.conf trusts everybody: correct it first, or a new password protects nothing",
        ),
        Step::check(
            "old",
            "check that role postgres logs in with the password of DATABASE_URL",
            Any(&[OLD_LOGIN, NEW_LOGIN]),
            "DATABASE_URL of the API has another role or server: change that one by hand",
        ),
        Step::set_keys(
            "files",
            "write the new password where the API and compose read it",
            &[
                KeyEdit::new(&[ENV_FILE], COMPOSE, "DATABASE_URL", "{new}").password(),
                KeyEdit::new(&["/root/.env"], COMPOSE, "POSTGRES_PASSWORD", "{new}").optional(),
            ],
        ),
        Step::command(
            "change",
            "give role postgres the new password",
            PSQL.input(set_password!("{new}")),
            Risk::Disruptive,
        )
        .proof(NEW_LOGIN)
        .undo(Undo::Command(PSQL.input(set_password!("{old}")))),
        recreate!(has!("decodeURIComponent(new URL(process.env.DATABASE_URL).password)", "{new}", "the new password")),
        answers(),
        Step::check(
            "dead",
            "check that PostgreSQL refuses the old password",
            Not(&OLD_LOGIN),
            "somebody set it again: find out who",
        ),
    ],
)
.aliases(&["rotate-db-password", "rotate-database"])
.summary("give the database a new password, and the API with it")
.section("p0-database-failure; the runbooks have no rotation of their own")
.severity(&P0)
.when("the password of PostgreSQL is known to somebody who should not know it: one was committed to the repository")
.secrets(&[
    SecretValue::stored("old", Secret::in_file(ENV_FILE).key("DATABASE_URL").read_by(EnvReader::Compose)),
    SecretValue::generated("new"),
])
.done(&[NEW_LOGIN, Not(&OLD_LOGIN), Healthy(&POSTGRES), Healthy(&API)])
.note(
    "a role has one password: from the change on, new connections with the old one are refused, and open ones \
     remain until the container of the API is recreated right after it. psql in the container needs no password over the \
     socket and 127.0.0.1, so logins are proven over the address of the container's name. pg_stat_statements keeps \
     ALTER ROLE with its password, unless it is switched off for that session, as here. The container of postgres \
     keeps the old POSTGRES_PASSWORD, which only an empty data directory uses, until compose recreates it",
);

pub static ROTATE_JWT: Procedure = Procedure::new(
    "rotate-jwt",
    &[
        by_compose!(),
        Step::set_keys(
            "files",
            "write new keys for tokens where the API reads them",
            &[
                KeyEdit::new(&[ENV_FILE], COMPOSE, "JWT_SECRET", "{new}"),
                KeyEdit::new(&[ENV_FILE], COMPOSE, "JWT_REFRESH_SECRET", "{refresh}"),
            ],
        ),
        recreate!(All(&[
            has!("process.env.JWT_SECRET", "{new}", "the new key"),
            has!("process.env.JWT_REFRESH_SECRET", "{refresh}", "the new key for refreshing"),
        ]))
        .loses("all sessions: every user must log in again"),
        answers(),
    ],
)
.aliases(&["rotate-jwt-secret"])
.summary("give the API new keys for tokens, which ends all sessions")
.section("p1-login-failure, scenario A")
.severity(&P0)
.when("JWT_SECRET is known to somebody who should not know it: one was committed to the repository")
.not_when("logins fail, and nobody else knows the key: every user would be logged out for nothing")
.secrets(&[SecretValue::generated("new"), SecretValue::generated("refresh")])
.done(&[
    has!("process.env.JWT_SECRET", "{new}", "the new key"),
    has!("process.env.JWT_REFRESH_SECRET", "{refresh}", "the new key for refreshing"),
    Healthy(&API),
])
.note(
    "tokens of the old keys are refused from then on; undoing it makes them valid again. The runbook exports the \
     variable in the container and restarts that, which changes nothing: a container keeps the environment that it \
     was made with",
);

/// What Stripe answers to a key: 200, or 401 where it is none.
macro_rules! balance {
    ($key:literal) => {
        Invocation::new(&["curl", "--config", "-"]).seconds(30).input(concat!(
            "url = \"https://api.stripe.com/v1/balance\"\n",
            "header = \"Authorization: Bearer ",
            $key,
            "\"\nsilent\nshow-error\nmax-time = 20\noutput = \"/dev/null\"\nwrite-out = \"%{http_code}\"\n"
        ))
    };
}

const STRIPE_NEW: Assertion = Command(
    balance!("{new}").expects(r"\A200\z").means("Stripe accepts the new key", "Stripe does not accept the new key"),
);
const STRIPE_OLD_DEAD: Assertion =
    Command(balance!("{old}").expects(r"\A401\z").means("Stripe refuses the old key", "Stripe accepts the old key"));

pub static ROTATE_STRIPE: Procedure = Procedure::new(
    "rotate-stripe",
    &[
        Step::check("curl", "check that curl is installed", Installed("curl"), "apt-get install curl"),
        by_compose!(),
        Step::check(
            "mode",
            "check that the new key is of the same mode as the old one",
            Command(
                Invocation::new(&[
                    "awk",
                    "NR == 1 { mode = substr($0, 4, 5) } NR == 2 { exit !(/^[rs]k_(live|test)_/ && substr($0, 4, 5) == mode) }",
                ])
                .input("{old}\n{new}\n")
                .no(1)
                .means("both keys are of one mode", "one key is of mode live and the other of mode test, or it is no secret key"),
            ),
            "copy the secret key (sk_), not the publishable one (pk_), in the mode of this host",
        ),
        Step::check(
            "new",
            "check that Stripe accepts the new key",
            STRIPE_NEW,
            "copy it again from the dashboard into {key-file}",
        ),
        Step::set_keys(
            "files",
            "write the new key where the API reads it",
            &[KeyEdit::new(&[ENV_FILE], COMPOSE, "STRIPE_SECRET_KEY", "{new}")],
        ),
        recreate!(has!("process.env.STRIPE_SECRET_KEY", "{new}", "the new key of Stripe")),
        answers(),
        Step::ask(
            "payment",
            "make a small payment, and see in the dashboard that it came in",
            "the site, and dashboard.stripe.com: Payments",
            "paid",
        ),
        Step::ask(
            "revoke",
            "expire the old key now",
            "dashboard.stripe.com: Developers, API keys, the old key: Manage key, Expire now",
            "revoked",
        ),
        Step::wait("dead", "wait until Stripe refuses the old key", STRIPE_OLD_DEAD, 60),
    ],
)
.aliases(&["rotate-stripe-key"])
.summary("give the API a new key of Stripe, and have the old one expire")
.section("p1-payment-failure, scenario A")
.severity(&P1)
.when(
    "the key of Stripe is known to somebody who should not know it. First, in the dashboard: rotate it so that the old \
     one remains valid for a day; then, as root, write the new one to a file of mode 600",
)
.not_when("webhooks get 400: that is another secret, and a known defect of the handler")
.parameters(&[Parameter::new("key-file", ParameterKind::Path).help("file of root's, mode 600, with the new key")])
.secrets(&[
    SecretValue::stored("old", Secret::in_file(ENV_FILE).key("STRIPE_SECRET_KEY").read_by(EnvReader::Compose)),
    SecretValue::given("new", "key-file"),
])
.done(&[STRIPE_NEW, STRIPE_OLD_DEAD, has!("process.env.STRIPE_SECRET_KEY", "{new}", "the new key of Stripe"), Healthy(&API)])
.note(
    "remove the file afterwards. The front end has only the publishable key, which remains as it is. STRIPE_WEBHOOK_SECRET is \
     another secret: the handler refuses every event at present, whatever it is, because it gets a parsed body. The \
     runbook passes the key in the arguments of curl, where every user can read it",
);
