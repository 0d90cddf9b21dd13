//! What programs say themselves of why they failed, one cause for each [`Family`]: for every service, whatever it is.

use super::super::*;
use super::READ_LOG;
use Clue::{All, Reports, Unwell};

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
    All(&[Unwell, Reports(Family::PermissionDenied)]),
)
.summary("{service} cannot use {thing}: permission denied")
.explanation(
    "its last run ends with this; owner, mode or a directory above it keeps the service's user out, or a \
         database refuses its role",
)
.fixes(&[
    &Fix::new(
        "give its user the right to it",
        Risk::Disruptive,
        Remedy::Manual(
            "compare owner and mode of the path and of the directories above it with the user that {service} runs \
         as, and change the one that is wrong",
        ),
    ),
    &READ_LOG,
]);

/// [`Family::FileMissing`].
pub static FILE_MISSING: Cause = Cause::new("FILE-MISSING", All(&[Unwell, Reports(Family::FileMissing)]))
    .summary("{service} cannot find {thing}")
    .explanation("its last run ends with this; the path was moved or removed, or the configuration names a wrong one")
    .fixes(&[
        &Fix::new(
            "bring it back, or correct the path",
            Risk::Disruptive,
            Remedy::Manual(
                "put the file back from its package or template, or correct the path in the configuration of {service}",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::WrongKind`].
pub static WRONG_KIND: Cause = Cause::new("WRONG-KIND", All(&[Unwell, Reports(Family::WrongKind)]))
    .summary("{service} cannot use {thing}: directory and file are mixed up")
    .explanation(
        "a directory stands where a file should be, or the other way round; Docker makes a directory of a \
         mounted file that is missing",
    )
    .fixes(&[
        &Fix::new(
            "put the right kind in its place",
            Risk::Disruptive,
            Remedy::Manual(
                "move away what is there, and put the file or directory in its place that {service} expects",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ModuleMissing`].
pub static MODULE_NOT_FOUND: Cause = Cause::new("MODULE-NOT-FOUND", All(&[Unwell, Reports(Family::ModuleMissing)]))
    .summary("{service} cannot load {thing}: the module or library is missing")
    .explanation("its last run ends with this; a dependency is not installed, not built, or of another runtime")
    .fixes(&[
        &Fix::new(
            "install what is missing",
            Risk::Disruptive,
            Remedy::Manual("install or build the dependencies of {service} again, as its release does it"),
        ),
        &READ_LOG,
    ]);

/// [`Family::NotExecutable`].
pub static NOT_EXECUTABLE: Cause = Cause::new("NOT-EXECUTABLE", All(&[Unwell, Reports(Family::NotExecutable)]))
    .summary("{service} cannot execute {thing}")
    .explanation(
        "the file lacks the permission to execute, is made for another architecture, or names an interpreter \
         that is not there",
    )
    .fixes(&[
        &Fix::new(
            "see what kind of file it is, and mend that",
            Risk::Disruptive,
            Remedy::Manual("check mode, architecture (file) and first line of the program of {service}"),
        ),
        &READ_LOG,
    ]);

/// [`Family::AddressInUse`].
pub static ADDRESS_TAKEN: Cause = Cause::new("ADDRESS-TAKEN", All(&[Unwell, Reports(Family::AddressInUse)]))
    .summary("{service} cannot listen on {thing}: the address is in use")
    .explanation(
        "another process listens there; often a second copy, or two services with one port in their \
         configuration",
    )
    .fixes(&[
        &Fix::new(
            "find out whose port it is",
            Risk::Disruptive,
            Remedy::Manual(
                "see who listens there (ss -Hltnp) and change the configuration of the one that should not; do not \
         end a process that serves",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::AddressUnavailable`].
pub static ADDRESS_UNAVAILABLE: Cause =
    Cause::new("ADDRESS-UNAVAILABLE", All(&[Unwell, Reports(Family::AddressUnavailable)]))
        .summary("{service} cannot listen on {thing}: the host has no such address")
        .explanation("the configuration names an address that no interface of this host has")
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
pub static PORT_PRIVILEGED: Cause = Cause::new("PORT-PRIVILEGED", All(&[Unwell, Reports(Family::PortPrivileged)]))
    .summary("{service} may not listen on {thing}: the port needs a privilege")
    .explanation("ports below 1024 need CAP_NET_BIND_SERVICE, or root")
    .fixes(&[
        &Fix::new(
            "give it the capability, or a higher port",
            Risk::Disruptive,
            Remedy::Manual(
                "set AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit, or a port above 1023 in its configuration",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::SyntaxError`].
pub static SYNTAX_ERROR: Cause = Cause::new("SYNTAX-ERROR", All(&[Unwell, Reports(Family::SyntaxError)]))
    .summary("{service} cannot parse {thing}: syntax error")
    .explanation("the last change of that file left something that cannot be parsed; a restart fails on it each time")
    .fixes(&[
        &Fix::new(
            "correct the file",
            Risk::Disruptive,
            Remedy::Manual(
                "correct the line that is named, check the file with the program's own test, then start {service}",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::SettingUnknown`].
pub static SETTING_UNKNOWN: Cause = Cause::new("SETTING-UNKNOWN", All(&[Unwell, Reports(Family::SettingUnknown)]))
    .summary("{service} does not know the setting {thing}")
    .explanation("the name is misspelt, belongs to another version, or to a module that is not loaded")
    .fixes(&[
        &Fix::new(
            "correct the setting",
            Risk::Disruptive,
            Remedy::Manual("correct or remove the setting in the configuration of {service}, then start it"),
        ),
        &READ_LOG,
    ]);

/// [`Family::SettingInvalid`].
pub static SETTING_INVALID: Cause = Cause::new("SETTING-INVALID", All(&[Unwell, Reports(Family::SettingInvalid)]))
    .summary("{service} rejects the value of {thing}")
    .explanation("the value has the wrong form, or is outside of what the program accepts")
    .fixes(&[
        &Fix::new(
            "correct the value",
            Risk::Disruptive,
            Remedy::Manual("correct the value in the configuration of {service}, then start it"),
        ),
        &READ_LOG,
    ]);

/// [`Family::SettingMissing`].
pub static SETTING_MISSING: Cause = Cause::new("SETTING-MISSING", All(&[Unwell, Reports(Family::SettingMissing)]))
    .summary("{service} requires {thing}, which is not set")
    .explanation(
        "the program ends because the setting is not there; its env file or configuration was changed, or is \
         not read",
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
pub static CONNECT_REFUSED: Cause = Cause::new("CONNECT-REFUSED", All(&[Unwell, Reports(Family::ConnectRefused)]))
    .summary("{service} cannot connect to {thing}: connection refused")
    .explanation(
        "nobody listens there: the server is down, listens elsewhere, or the address in the configuration is \
         wrong",
    )
    .fixes(&[
        &Fix::new(
            "see to the other server, or correct the address",
            Risk::Disruptive,
            Remedy::Manual(
                "check that the server runs and listens at that address; else correct the address in the \
         configuration of {service}",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ConnectTimeout`].
pub static CONNECT_TIMEOUT: Cause = Cause::new("CONNECT-TIMEOUT", All(&[Unwell, Reports(Family::ConnectTimeout)]))
    .summary("{service} gets no answer from {thing} in time")
    .explanation("packets are dropped on the way, or the server hangs: a firewall, a wrong address, overload")
    .fixes(&[
        &Fix::new(
            "find out where packets are lost",
            Risk::Disruptive,
            Remedy::Manual("check address, firewall and the server at the other end"),
        ),
        &READ_LOG,
    ]);

/// [`Family::Unreachable`].
pub static UNREACHABLE: Cause = Cause::new("UNREACHABLE", All(&[Unwell, Reports(Family::Unreachable)]))
    .summary("{service} cannot reach {thing}: no route")
    .explanation("the host has no route to that address: a wrong address, an interface that is down, a lost network")
    .fixes(&[
        &Fix::new(
            "find out which route is missing",
            Risk::Disruptive,
            Remedy::Manual("check the address and the routes of this host (ip route)"),
        ),
        &READ_LOG,
    ]);

/// [`Family::NameUnresolved`].
pub static NAME_UNRESOLVED: Cause = Cause::new("NAME-UNRESOLVED", All(&[Unwell, Reports(Family::NameUnresolved)]))
    .summary("{service} cannot resolve {thing}")
    .explanation(
        "the name is misspelt, or the resolver does not answer; in a container the name of another one holds \
         on a common network only",
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
pub static AUTH_REFUSED: Cause = Cause::new("AUTH-REFUSED", All(&[Unwell, Reports(Family::AuthRefused)]))
    .summary("{service} cannot log in as {thing}: refused")
    .explanation("the password, key or account in its configuration is not the one that the server has")
    .fixes(&[
        &Fix::new(
            "make both agree",
            Risk::Disruptive,
            Remedy::Manual(
                "compare account and password in the configuration of {service} with those of the server, and correct \
         the one that is wrong",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ObjectMissing`].
pub static OBJECT_MISSING: Cause = Cause::new("OBJECT-MISSING", All(&[Unwell, Reports(Family::ObjectMissing)]))
    .summary("{service} cannot find {thing} in its database")
    .explanation(
        "the server answers, and what is asked for is not there: a wrong database in the URL, a migration \
         that did not run, another search path",
    )
    .fixes(&[
        &Fix::new(
            "see what the database has",
            Risk::Disruptive,
            Remedy::Manual(
                "compare the database in the configuration of {service} with those of the server, and see whether its \
         migrations ran; where another schema has it, correct search_path and nothing else",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::SchemaMismatch`].
pub static SCHEMA_MISMATCH: Cause = Cause::new("SCHEMA-MISMATCH", All(&[Unwell, Reports(Family::SchemaMismatch)]))
    .summary("{service} does not fit the schema of its database: {thing}")
    .explanation(
        "program and database are of different releases: a migration did not run, failed, or is of a newer \
         release",
    )
    .fixes(&[
        &Fix::new(
            "bring migrations and release together",
            Risk::Disruptive,
            Remedy::Manual("see which migrations ran, and run the missing ones or deploy the release that fits"),
        ),
        &READ_LOG,
    ]);

/// [`Family::VersionMismatch`].
pub static VERSION_MISMATCH: Cause = Cause::new("VERSION-MISMATCH", All(&[Unwell, Reports(Family::VersionMismatch)]))
    .summary("{service} does not fit the version of {thing}")
    .explanation("after an upgrade the data, a native module or a library is of another version than the program")
    .fixes(&[
        &Fix::new(
            "bring back the version that fits",
            Risk::Disruptive,
            Remedy::Manual(
                "install the version that fits, or migrate the data or rebuild the module as the program's \
         documentation says",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ReadOnly`].
pub static PATH_READ_ONLY: Cause = Cause::new("PATH-READ-ONLY", All(&[Unwell, Reports(Family::ReadOnly)]))
    .summary("{service} cannot write {thing}: read-only")
    .explanation("the file system is mounted read-only, the unit's sandbox makes it so, or the database is a replica")
    .fixes(&[
        &Fix::new(
            "find out what makes it read-only",
            Risk::Disruptive,
            Remedy::Manual(
                "see the mount (findmnt), ReadOnlyPaths= and ProtectSystem= of the unit, and whether the database is \
         a replica",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::TooManyFiles`].
pub static TOO_MANY_FILES: Cause = Cause::new("TOO-MANY-FILES", All(&[Unwell, Reports(Family::TooManyFiles)]))
    .summary("{service} cannot open more files: {thing}")
    .explanation("the limit of open files is reached: it is too low, or descriptors leak")
    .fixes(&[
        &Fix::new(
            "see limit and use",
            Risk::Disruptive,
            Remedy::Manual(
                "compare LimitNOFILE= of the unit with the descriptors in use (ls /proc/PID/fd), and raise the limit \
         or find the leak",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::OutOfMemory`].
pub static MEMORY_EXHAUSTED: Cause = Cause::new("MEMORY-EXHAUSTED", All(&[Unwell, Reports(Family::OutOfMemory)]))
    .summary("{service} gets no more memory: {thing}")
    .explanation(
        "an allocation failed: the heap limit of the runtime, the limit of unit or container, or the host's \
         memory",
    )
    .fixes(&[
        &Fix::new(
            "find out which limit it is",
            Risk::Disruptive,
            Remedy::Manual(
                "see limit and use of memory (systemctl show, docker stats, free), and raise the limit or use less",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::ProcessLimit`].
pub static PROCESS_LIMIT: Cause = Cause::new("PROCESS-LIMIT", All(&[Unwell, Reports(Family::ProcessLimit)]))
    .summary("{service} gets no more processes or threads: {thing}")
    .explanation("TasksMax= of the unit, the limit of the user, or of the container is reached")
    .fixes(&[
        &Fix::new(
            "see limit and use",
            Risk::Disruptive,
            Remedy::Manual("compare TasksMax= and TasksCurrent of the unit, and see which processes are there"),
        ),
        &READ_LOG,
    ]);

/// [`Family::ConnectionsExhausted`].
pub static CONNECTIONS_EXHAUSTED: Cause =
    Cause::new("CONNECTIONS-EXHAUSTED", All(&[Unwell, Reports(Family::ConnectionsExhausted)]))
        .summary("{service} gets no connection: {thing} takes no more")
        .explanation("all connections that the server allows are taken, or the database takes none")
        .fixes(&[
            &Fix::new(
                "see who holds them",
                Risk::Disruptive,
                Remedy::Manual(
                    "see who is connected to the server, and bring the pools of its clients below its limit",
                ),
            ),
            &READ_LOG,
        ]);

/// [`Family::CertificateUnusable`].
pub static CERTIFICATE_UNUSABLE: Cause = Cause::new(
    "CERTIFICATE-UNUSABLE",
    All(&[Unwell, Reports(Family::CertificateUnusable)]),
)
.summary("{service} cannot use {thing}: certificate or key is not valid or does not match")
.explanation("the file is missing, cannot be read, is damaged, or the key belongs to another certificate")
.fixes(&[
    &Fix::new(
        "put a pair in place that matches",
        Risk::Disruptive,
        Remedy::Manual(
            "compare the public keys of certificate and key (openssl x509 -pubkey, openssl pkey -pubout), and put \
         a matching pair in place",
        ),
    ),
    &READ_LOG,
]);

/// [`Family::PeerUntrusted`].
pub static PEER_UNTRUSTED: Cause = Cause::new("PEER-UNTRUSTED", All(&[Unwell, Reports(Family::PeerUntrusted)]))
    .summary("{service} does not trust the certificate of {thing}")
    .explanation(
        "the certificate that the server shows has expired, is for another name, or its issuer is not trusted \
         here",
    )
    .fixes(&[
        &Fix::new(
            "see the certificate of the server",
            Risk::Disruptive,
            Remedy::Manual("see which certificate the server shows and who issued it; renew it, or trust its issuer"),
        ),
        &READ_LOG,
    ]);

/// [`Family::Locked`].
pub static HELD_BY_OTHER: Cause = Cause::new("HELD-BY-OTHER", All(&[Unwell, Reports(Family::Locked)]))
    .summary("{service} waits for {thing}: another process holds it")
    .explanation("a second copy runs, a long transaction holds it, or a lock file was left behind")
    .fixes(&[
        &Fix::new(
            "see who holds it",
            Risk::Disruptive,
            Remedy::Manual("see which process holds it (fuser, lslocks) before anything is removed"),
        ),
        &READ_LOG,
    ]);

/// [`Family::DataCorrupt`].
pub static DATA_CORRUPT: Cause = Cause::new("DATA-CORRUPT", All(&[Unwell, Reports(Family::DataCorrupt)]))
    .summary("{service} finds damaged data: {thing}")
    .explanation("the program refuses to go on with data that it cannot trust")
    .fixes(&[
        &Fix::new(
            "save what is there, then check it",
            Risk::Disruptive,
            Remedy::Manual(
                "stop writing, copy the files aside, and check the copy with the program's own tool before anything is replaced",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::AccountMissing`].
pub static ACCOUNT_MISSING: Cause = Cause::new("ACCOUNT-MISSING", All(&[Unwell, Reports(Family::AccountMissing)]))
    .summary("{service} needs the user or group {thing}, which does not exist")
    .explanation("the user or group in its unit or configuration is not on this host")
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
pub static SANDBOX_FAILED: Cause = Cause::new("SANDBOX-FAILED", All(&[Unwell, Reports(Family::SandboxFailed)]))
    .summary("{service} cannot start: systemd cannot set up {thing}")
    .explanation(
        "a setting of the unit (ReadWritePaths=, StateDirectory=, PrivateTmp= and the like) names what cannot \
         be set up",
    )
    .fixes(&[
        &Fix::new(
            "correct the unit",
            Risk::Disruptive,
            Remedy::Manual("see the setting that names it (systemctl cat), and create the path or correct the setting"),
        ),
        &READ_LOG,
    ]);

/// [`Family::ImageMissing`].
pub static IMAGE_MISSING: Cause = Cause::new("IMAGE-MISSING", All(&[Unwell, Reports(Family::ImageMissing)]))
    .summary("{service} has no image: {thing}")
    .explanation("the image was removed, or its tag is wrong, and it cannot be pulled")
    .fixes(&[
        &Fix::new(
            "bring the image back",
            Risk::Disruptive,
            Remedy::Manual(
                "list the images that are here (docker images); build or pull the one that is named, or correct the \
         tag",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::AttachmentMissing`].
pub static ATTACHMENT_MISSING: Cause =
    Cause::new("ATTACHMENT-MISSING", All(&[Unwell, Reports(Family::AttachmentMissing)]))
        .summary("{service} has no network or volume {thing}")
        .explanation("the network or volume was removed, or the container was made before it was made anew")
        .fixes(&[
            &Fix::new(
                "make it, or make the container anew",
                Risk::Disruptive,
                Remedy::Manual(
                    "list what is there (docker network ls, docker volume ls), make what is missing, and make the \
         container anew with compose",
                ),
            ),
            &READ_LOG,
        ]);

/// [`Family::Killed`].
pub static KILLED: Cause = Cause::new("KILLED", All(&[Unwell, Reports(Family::Killed)]))
    .summary("{service} was killed from outside: {thing}")
    .explanation("SIGKILL came from outside: the kernel for want of memory, systemd after a time-out, or a person")
    .fixes(&[
        &Fix::new(
            "find out who killed it",
            Risk::Disruptive,
            Remedy::Manual(
                "read the journal around that time: a time-out of systemd, the kernel's OOM killer, or a person",
            ),
        ),
        &READ_LOG,
    ]);

/// [`Family::Crashed`].
pub static CRASHED: Cause = Cause::new("CRASHED", All(&[Unwell, Reports(Family::Crashed)]))
    .summary("{service} crashed: {thing}")
    .explanation("the program ended by a fault of its own; the line names it")
    .fixes(&[
        &Fix::new(
            "see what was changed, and go back if it began with that",
            Risk::Disruptive,
            Remedy::Manual(
                "read the lines before it; if it began with a release or a change of configuration, go back to the \
         one before",
            ),
        ),
        &READ_LOG,
    ]);
