//! What programs say themselves of why they failed, one cause for each [`Family`]: for every service, whatever it is.

use super::super::*;
use super::READ_LOG;
use Clue::{All, Reports, Unhealthy};

/// All of them, those first that leave least open.
pub static REASONS: &[&Cause] = &[
    &PERMISSION_DENIED,
    &FILE_MISSING,
    &WRONG_KIND,
    &MODULE_NOT_FOUND,
    &NOT_EXECUTABLE,
    &ADDRESS_TAKEN,
    &ADDRESS_UNAVAILABLE,
    &PORT_PRIVILEGED,
    &SYNTAX_ERROR,
    &SETTING_UNKNOWN,
    &SETTING_INVALID,
    &SETTING_MISSING,
    &CONNECT_REFUSED,
    &CONNECT_TIMEOUT,
    &UNREACHABLE,
    &NAME_UNRESOLVED,
    &AUTH_REFUSED,
    &OBJECT_MISSING,
    &SCHEMA_MISMATCH,
    &VERSION_MISMATCH,
    &PATH_READ_ONLY,
    &TOO_MANY_FILES,
    &MEMORY_EXHAUSTED,
    &PROCESS_LIMIT,
    &CONNECTIONS_EXHAUSTED,
    &CERTIFICATE_UNUSABLE,
    &PEER_UNTRUSTED,
    &HELD_BY_OTHER,
    &DATA_CORRUPT,
    &ACCOUNT_MISSING,
    &SANDBOX_FAILED,
    &IMAGE_MISSING,
    &ATTACHMENT_MISSING,
    &KILLED,
    &CRASHED,
];

/// [`Family::PermissionDenied`].
pub static PERMISSION_DENIED: Cause = Cause::new(
    "PERMISSION-DENIED",
    All(&[Unhealthy, Reports(Family::PermissionDenied)]),
)
.summary("{service} cannot use {thing}: permission denied")
.explanation(
    "its last run ended with this: owner, mode or a parent directory denies the service's user, or a database \
         refuses its role",
)
.fixes(&[
    &Fix::new(
        "give its user access",
        Risk::Disruptive,
        Remedy::Manual(
            "compare owner and mode of the path and its parent directories with the user of {service}, and change \
         the wrong one",
        ),
    ),
    &READ_LOG,
]);

/// [`Family::FileMissing`].
pub static FILE_MISSING: Cause = Cause::new("FILE-MISSING", All(&[Unhealthy, Reports(Family::FileMissing)]))
    .summary("{service} cannot find {thing}")
    .explanation("its last run ended with this: the path was moved or removed, or the configuration names a wrong one")
    .fixes(&[
        &Fix::new(
            "recreate it, or correct the path",
            Risk::Disruptive,
            Remedy::Manual(
                "copy the file from its package or template, or correct the path in the configuration of {service}",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::WrongKind`].
pub static WRONG_KIND: Cause = Cause::new("WRONG-KIND", All(&[Unhealthy, Reports(Family::WrongKind)]))
    .summary("{service} cannot use {thing}: it is a directory instead of a file, or the reverse")
    .explanation(
        "a directory exists where a file should be, or the reverse; Docker creates a directory for a missing mounted \
         file",
    )
    .fixes(&[
        &Fix::new(
            "replace it with the right type",
            Risk::Disruptive,
            Remedy::Manual("rename what exists there, and create the file or directory that {service} expects"),
        ),
        &READ_LOG,
    ]);

/// [`Family::ModuleMissing`].
pub static MODULE_NOT_FOUND: Cause = Cause::new("MODULE-NOT-FOUND", All(&[Unhealthy, Reports(Family::ModuleMissing)]))
    .summary("{service} cannot load {thing}: the module or library is missing")
    .explanation("its last run ended with this: a dependency is not installed, not built, or for another runtime")
    .fixes(&[
        &Fix::new(
            "install the missing dependency",
            Risk::Disruptive,
            Remedy::Manual("install or build the dependencies of {service} again, with the steps of its release"),
        ),
        &READ_LOG,
    ]);

/// [`Family::NotExecutable`].
pub static NOT_EXECUTABLE: Cause = Cause::new("NOT-EXECUTABLE", All(&[Unhealthy, Reports(Family::NotExecutable)]))
    .summary("{service} cannot execute {thing}")
    .explanation("the file is not executable, is built for another architecture, or names a missing interpreter")
    .fixes(&[
        &Fix::new(
            "see the type of the file, and correct it",
            Risk::Disruptive,
            Remedy::Manual("check mode, architecture (file) and first line of the program of {service}"),
        ),
        &READ_LOG,
    ]);

/// [`Family::AddressInUse`].
pub static ADDRESS_TAKEN: Cause = Cause::new("ADDRESS-TAKEN", All(&[Unhealthy, Reports(Family::AddressInUse)]))
    .summary("{service} cannot listen on {thing}: the address is in use")
    .explanation("another process listens there: often a second copy, or two services with the same configured port")
    .fixes(&[
        &Fix::new(
            "find which process listens there",
            Risk::Disruptive,
            Remedy::Manual(
                "ss -Hltnp shows which process listens there; change the configuration of the wrong one, and do not \
         end a process that serves",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::AddressUnavailable`].
pub static ADDRESS_UNAVAILABLE: Cause =
    Cause::new("ADDRESS-UNAVAILABLE", All(&[Unhealthy, Reports(Family::AddressUnavailable)]))
        .summary("{service} cannot listen on {thing}: the host has no such address")
        .explanation("no interface of this host has the configured address")
        .fixes(&[
            &Fix::new(
                "correct the address",
                Risk::Disruptive,
                Remedy::Manual(
                    "compare the address in the configuration of {service} with those of the host (ip -brief address)",
                ),
            ),
            &READ_LOG,
        ]);

/// [`Family::PortPrivileged`].
pub static PORT_PRIVILEGED: Cause = Cause::new("PORT-PRIVILEGED", All(&[Unhealthy, Reports(Family::PortPrivileged)]))
    .summary("{service} cannot listen on {thing}: the port needs a privilege")
    .explanation("ports below 1024 need CAP_NET_BIND_SERVICE, or root")
    .fixes(&[
        &Fix::new(
            "grant the capability, or use a higher port",
            Risk::Disruptive,
            Remedy::Manual(
                "set AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit, or a port above 1023 in its configuration",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::SyntaxError`].
pub static SYNTAX_ERROR: Cause = Cause::new("SYNTAX-ERROR", All(&[Unhealthy, Reports(Family::SyntaxError)]))
    .summary("{service} cannot parse {thing}: syntax error")
    .explanation("the last change of that file left a syntax error; each restart fails on it")
    .fixes(&[
        &Fix::new(
            "correct the file",
            Risk::Disruptive,
            Remedy::Manual("correct the named line, check the file with the program's own test, then start {service}"),
        ),
        &READ_LOG,
    ]);

/// [`Family::SettingUnknown`].
pub static SETTING_UNKNOWN: Cause = Cause::new("SETTING-UNKNOWN", All(&[Unhealthy, Reports(Family::SettingUnknown)]))
    .summary("{service} does not know the setting {thing}")
    .explanation("the name is misspelt, or belongs to another version or to a module that is not loaded")
    .fixes(&[
        &Fix::new(
            "correct the setting",
            Risk::Disruptive,
            Remedy::Manual("correct or remove the setting in the configuration of {service}, then start it"),
        ),
        &READ_LOG,
    ]);

/// [`Family::SettingInvalid`].
pub static SETTING_INVALID: Cause = Cause::new("SETTING-INVALID", All(&[Unhealthy, Reports(Family::SettingInvalid)]))
    .summary("{service} rejects the value of {thing}")
    .explanation("the value has the wrong format, or is outside the accepted range")
    .fixes(&[
        &Fix::new(
            "correct the value",
            Risk::Disruptive,
            Remedy::Manual("correct the value in the configuration of {service}, then start it"),
        ),
        &READ_LOG,
    ]);

/// [`Family::SettingMissing`].
pub static SETTING_MISSING: Cause = Cause::new("SETTING-MISSING", All(&[Unhealthy, Reports(Family::SettingMissing)]))
    .summary("{service} requires {thing}, which is not set")
    .explanation(
        "the program ends because the setting is missing: its env file or configuration was changed, or is not read",
    )
    .fixes(&[
        &Fix::new(
            "set it",
            Risk::Disruptive,
            Remedy::Manual("set it in the env file or configuration of {service}, then start it"),
        ),
        &READ_LOG,
    ]);

/// [`Family::ConnectRefused`].
pub static CONNECT_REFUSED: Cause = Cause::new("CONNECT-REFUSED", All(&[Unhealthy, Reports(Family::ConnectRefused)]))
    .summary("{service} cannot connect to {thing}: connection refused")
    .explanation("nothing listens there: the server is down, listens elsewhere, or the configured address is wrong")
    .fixes(&[
        &Fix::new(
            "start the other server, or correct the address",
            Risk::Disruptive,
            Remedy::Manual(
                "check that the server runs and listens at that address; otherwise correct the address in the \
         configuration of {service}",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ConnectTimeout`].
pub static CONNECT_TIMEOUT: Cause = Cause::new("CONNECT-TIMEOUT", All(&[Unhealthy, Reports(Family::ConnectTimeout)]))
    .summary("{service} gets no answer from {thing} before its timeout")
    .explanation("packets are dropped, or the server hangs: a firewall, a wrong address, overload")
    .fixes(&[
        &Fix::new(
            "find where packets are lost",
            Risk::Disruptive,
            Remedy::Manual("check address, firewall and the server at the other end"),
        ),
        &READ_LOG,
    ]);

/// [`Family::Unreachable`].
pub static UNREACHABLE: Cause = Cause::new("UNREACHABLE", All(&[Unhealthy, Reports(Family::Unreachable)]))
    .summary("{service} cannot reach {thing}: no route")
    .explanation("the host has no route to that address: a wrong address, an interface that is down, a lost network")
    .fixes(&[
        &Fix::new(
            "find which route is missing",
            Risk::Disruptive,
            Remedy::Manual("check the address and the routes of this host (ip route)"),
        ),
        &READ_LOG,
    ]);

/// [`Family::NameUnresolved`].
pub static NAME_UNRESOLVED: Cause = Cause::new("NAME-UNRESOLVED", All(&[Unhealthy, Reports(Family::NameUnresolved)]))
    .summary("{service} cannot resolve {thing}")
    .explanation(
        "the name is misspelt, or the resolver does not answer; a container resolves names of other containers only \
         on a shared network",
    )
    .fixes(&[
        &Fix::new(
            "correct the name, or name resolution",
            Risk::Disruptive,
            Remedy::Manual(
                "resolve the name on this host (getent hosts); in a container check that both are on one network",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::AuthRefused`].
pub static AUTH_REFUSED: Cause = Cause::new("AUTH-REFUSED", All(&[Unhealthy, Reports(Family::AuthRefused)]))
    .summary("{service} cannot log in as {thing}: refused")
    .explanation("the server has another password, key or account than its configuration")
    .fixes(&[
        &Fix::new(
            "make both match",
            Risk::Disruptive,
            Remedy::Manual(
                "compare account and password in the configuration of {service} with those of the server, and \
         correct the wrong one",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ObjectMissing`].
pub static OBJECT_MISSING: Cause = Cause::new("OBJECT-MISSING", All(&[Unhealthy, Reports(Family::ObjectMissing)]))
    .summary("{service} cannot find {thing} in its database")
    .explanation(
        "the server answers and the object is missing: a wrong database in the URL, a migration that did not run, or \
         another search_path",
    )
    .fixes(&[
        &Fix::new(
            "see what the database contains",
            Risk::Disruptive,
            Remedy::Manual(
                "compare the database in the configuration of {service} with those of the server, and check whether \
         its migrations ran. If another schema has the object, correct only search_path",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::SchemaMismatch`].
pub static SCHEMA_MISMATCH: Cause = Cause::new("SCHEMA-MISMATCH", All(&[Unhealthy, Reports(Family::SchemaMismatch)]))
    .summary("{service} does not fit the schema of its database: {thing}")
    .explanation(
        "program and database have different releases: a migration did not run, failed, or belongs to a newer release",
    )
    .fixes(&[
        &Fix::new(
            "make migrations and release match",
            Risk::Disruptive,
            Remedy::Manual("see which migrations ran, and run the missing ones or deploy the release that fits"),
        ),
        &READ_LOG,
    ]);

/// [`Family::VersionMismatch`].
pub static VERSION_MISMATCH: Cause = Cause::new(
    "VERSION-MISMATCH",
    All(&[Unhealthy, Reports(Family::VersionMismatch)]),
)
.summary("{service} does not fit the version of {thing}")
.explanation("after an upgrade the data, a native module or a library has another version than the program")
.fixes(&[
    &Fix::new(
        "install the matching version",
        Risk::Disruptive,
        Remedy::Manual(
            "install the matching version, or follow the program's documentation to migrate the data or rebuild \
         the module",
        ),
    ),
    &READ_LOG,
]);

/// [`Family::ReadOnly`].
pub static PATH_READ_ONLY: Cause = Cause::new("PATH-READ-ONLY", All(&[Unhealthy, Reports(Family::ReadOnly)]))
    .summary("{service} cannot write {thing}: read-only")
    .explanation("the file system or the unit's sandbox is read-only, or the database is a replica")
    .fixes(&[
        &Fix::new(
            "find what makes it read-only",
            Risk::Disruptive,
            Remedy::Manual(
                "check the mount (findmnt), ReadOnlyPaths= and ProtectSystem= of the unit, and whether the database \
         is a replica",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::TooManyFiles`].
pub static TOO_MANY_FILES: Cause = Cause::new("TOO-MANY-FILES", All(&[Unhealthy, Reports(Family::TooManyFiles)]))
    .summary("{service} cannot open more files: {thing}")
    .explanation("it reached the limit of open files: the limit is too low, or descriptors leak")
    .fixes(&[
        &Fix::new(
            "compare limit and use",
            Risk::Disruptive,
            Remedy::Manual(
                "compare LimitNOFILE= of the unit with the descriptors in use (ls /proc/PID/fd), and raise the limit \
         or find the leak",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::OutOfMemory`].
pub static MEMORY_EXHAUSTED: Cause = Cause::new("MEMORY-EXHAUSTED", All(&[Unhealthy, Reports(Family::OutOfMemory)]))
    .summary("{service} gets no more memory: {thing}")
    .explanation(
        "an allocation failed: the heap limit of the runtime, the limit of unit or container, or the host's \
         memory",
    )
    .fixes(&[
        &Fix::new(
            "find which limit it is",
            Risk::Disruptive,
            Remedy::Manual(
                "compare limit and use of memory (systemctl show, docker stats, free), and raise the limit or reduce \
                 the use",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ProcessLimit`].
pub static PROCESS_LIMIT: Cause = Cause::new("PROCESS-LIMIT", All(&[Unhealthy, Reports(Family::ProcessLimit)]))
    .summary("{service} gets no more processes or threads: {thing}")
    .explanation("it reached TasksMax= of the unit, or the limit of the user or container")
    .fixes(&[
        &Fix::new(
            "compare limit and use",
            Risk::Disruptive,
            Remedy::Manual("compare TasksMax= and TasksCurrent of the unit, and list its processes"),
        ),
        &READ_LOG,
    ]);

/// [`Family::ConnectionsExhausted`].
pub static CONNECTIONS_EXHAUSTED: Cause =
    Cause::new("CONNECTIONS-EXHAUSTED", All(&[Unhealthy, Reports(Family::ConnectionsExhausted)]))
        .summary("{service} gets no connection: {thing} accepts no more")
        .explanation("the server has reached its connection limit, or the database accepts none")
        .fixes(&[
            &Fix::new(
                "see which clients hold them",
                Risk::Disruptive,
                Remedy::Manual("list the clients of the server, and reduce their pools below its limit"),
            ),
            &READ_LOG,
        ]);

/// [`Family::CertificateUnusable`].
pub static CERTIFICATE_UNUSABLE: Cause =
    Cause::new("CERTIFICATE-UNUSABLE", All(&[Unhealthy, Reports(Family::CertificateUnusable)]))
        .summary("{service} cannot use {thing}: certificate or key is not valid or does not match")
        .explanation("the file is missing, unreadable or damaged, or the key belongs to another certificate")
        .fixes(&[
            &Fix::new(
                "install a matching pair",
                Risk::Disruptive,
                Remedy::Manual(
                    "compare the public keys of certificate and key (openssl x509 -pubkey, openssl pkey -pubout), and \
         install a matching pair",
                ),
            ),
            &READ_LOG,
        ]);

/// [`Family::PeerUntrusted`].
pub static PEER_UNTRUSTED: Cause = Cause::new("PEER-UNTRUSTED", All(&[Unhealthy, Reports(Family::PeerUntrusted)]))
    .summary("{service} does not trust the certificate of {thing}")
    .explanation(
        "the certificate that the server shows has expired, is for another name, or its issuer is not trusted \
         here",
    )
    .fixes(&[
        &Fix::new(
            "see the certificate of the server",
            Risk::Disruptive,
            Remedy::Manual("see the certificate and issuer that the server shows; renew it, or trust its issuer"),
        ),
        &READ_LOG,
    ]);

/// [`Family::Locked`].
pub static HELD_BY_OTHER: Cause = Cause::new("HELD-BY-OTHER", All(&[Unhealthy, Reports(Family::Locked)]))
    .summary("{service} waits for {thing}: another process holds it")
    .explanation("a second copy runs, a long transaction holds it, or a lock file was left behind")
    .fixes(&[
        &Fix::new(
            "see which process holds it",
            Risk::Disruptive,
            Remedy::Manual("see which process holds it (fuser, lslocks) before you remove anything"),
        ),
        &READ_LOG,
    ]);

/// [`Family::DataCorrupt`].
pub static DATA_CORRUPT: Cause = Cause::new("DATA-CORRUPT", All(&[Unhealthy, Reports(Family::DataCorrupt)]))
    .summary("{service} reports damaged data: {thing}")
    .explanation("the program refuses to run with damaged data")
    .fixes(&[
        &Fix::new(
            "copy the data, then check it",
            Risk::Disruptive,
            Remedy::Manual(
                "stop all writers, copy the files to another directory, and check the copy with the program's own \
                 tool before you replace anything",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::AccountMissing`].
pub static ACCOUNT_MISSING: Cause = Cause::new("ACCOUNT-MISSING", All(&[Unhealthy, Reports(Family::AccountMissing)]))
    .summary("{service} needs the user or group {thing}, which does not exist")
    .explanation("the user or group in its unit or configuration does not exist on this host")
    .fixes(&[
        &Fix::new(
            "create it, or correct the name",
            Risk::Disruptive,
            Remedy::Manual(
                "correct User=, Group= or the setting in the configuration of {service}, or create the account",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::SandboxFailed`].
pub static SANDBOX_FAILED: Cause = Cause::new("SANDBOX-FAILED", All(&[Unhealthy, Reports(Family::SandboxFailed)]))
    .summary("{service} cannot start: systemd cannot set up {thing}")
    .explanation(
        "systemd cannot apply a setting of the unit (ReadWritePaths=, StateDirectory=, PrivateTmp= and similar)",
    )
    .fixes(&[
        &Fix::new(
            "correct the unit",
            Risk::Disruptive,
            Remedy::Manual(
                "find the setting that names it (systemctl cat), and create the path or correct the \
             setting",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ImageMissing`].
pub static IMAGE_MISSING: Cause = Cause::new("IMAGE-MISSING", All(&[Unhealthy, Reports(Family::ImageMissing)]))
    .summary("{service} has no image: {thing}")
    .explanation("the image was removed, or its tag is wrong, and it cannot be pulled")
    .fixes(&[
        &Fix::new(
            "get the image again",
            Risk::Disruptive,
            Remedy::Manual("list the images (docker images); build or pull the named one, or correct the tag"),
        ),
        &READ_LOG,
    ]);

/// [`Family::AttachmentMissing`].
pub static ATTACHMENT_MISSING: Cause =
    Cause::new("ATTACHMENT-MISSING", All(&[Unhealthy, Reports(Family::AttachmentMissing)]))
        .summary("{service} has no network or volume {thing}")
        .explanation("the network or volume was removed, or was recreated after the container")
        .fixes(&[
            &Fix::new(
                "create it, or recreate the container",
                Risk::Disruptive,
                Remedy::Manual(
                    "list them (docker network ls, docker volume ls), create the missing one, and recreate the \
         container with compose",
                ),
            ),
            &READ_LOG,
        ]);

/// [`Family::Killed`].
pub static KILLED: Cause = Cause::new("KILLED", All(&[Unhealthy, Reports(Family::Killed)]))
    .summary("{service} was killed by a signal: {thing}")
    .explanation("the kernel (OOM), systemd (timeout) or a person sent SIGKILL")
    .fixes(&[
        &Fix::new(
            "find which of them killed it",
            Risk::Disruptive,
            Remedy::Manual(
                "read the journal around that time: a timeout of systemd, the kernel's OOM killer, or a person",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::Crashed`].
pub static CRASHED: Cause = Cause::new("CRASHED", All(&[Unhealthy, Reports(Family::Crashed)]))
    .summary("{service} crashed: {thing}")
    .explanation("the program crashed by its own fault; the line names it")
    .fixes(&[
        &Fix::new(
            "find what changed, and roll back if the crashes began with it",
            Risk::Disruptive,
            Remedy::Manual(
                "read the lines before it; if the crashes began with a release or a configuration change, roll that \
         back",
            ),
        ),
        &READ_LOG,
    ]);
