//! The C library's own words, whoever repeats them, and lines that say nothing of the program that wrote them.

use super::{Rule, fatal, nothing, passing};
use crate::registry::Family::*;

/// What is about a request or a session, not about the program.
pub(super) const NOTHING: &[Rule] = &[
    // Access logs, and requests for files that are not there.
    nothing(r#"" [1-5]\d\d \d+"#),
    nothing(r#"\[error\] .{0,40}open\(\) "[^"]*" failed \(2:"#),
    // Sessions of a PostgreSQL server: its number in brackets is the process of a session.
    nothing(r"\[\d+\](?: \S+@\S+| \S+)? (?:ERROR|STATEMENT|DETAIL|WARNING|NOTICE|CONTEXT):  "),
    nothing(
        r#"\[\d+\](?: \S+@\S+| \S+)? FATAL:  (?:password auth|peer auth|ident auth|role "|database "[^"]*" does|no pg_hba|terminating conn|the database system is|unsupported frontend|connection to client|canceling)"#,
    ),
    nothing(r"\[(?:warning|note)\].{0,60}access denied for user"),
    // Who may not log in is no fault of the server.
    nothing(
        r"sshd\S*: (?:Failed|Invalid user|Connection (?:closed|reset)|Disconnected|Received disconnect|error: kex_|error: maximum auth|pam_unix)",
    ),
    nothing(r"\bpam_\w+\("),
    // systemd says so of commands too whose failure it ignores; of others it says at which step they failed.
    nothing(r"unable to locate executable '"),
    // Settings that are ignored, and optional files.
    nothing(
        r"(?:ignoring|skipping|not fatal|harmless|will be created|falling back|fallback|using default|defaulting to)",
    ),
    nothing(r"\b(?:deprecat\w+|DeprecationWarning)\b"),
];

pub(super) const RULES: &[Rule] = &[
    // Addresses.
    fatal(AddressInUse, r"(?:\b|\D)port (?P<p>\d{2,5}) (?:is |was )?(?:already )?(?:in use|allocated|taken|occupied)"),
    fatal(AddressInUse, r"(?P<t>[\w.\[\]*:-]*:\d{2,5})\b.{0,80}address already in use"),
    fatal(AddressInUse, r"address already in use.{0,80}?(?P<t>[\w.\[\]*:-]*:\d{2,5})\b"),
    fatal(AddressInUse, r"address already in use|\bEADDRINUSE\b|only one usage of each socket"),
    fatal(AddressUnavailable, r"cannot assign requested address|\bEADDRNOTAVAIL\b"),
    fatal(
        PortPrivileged,
        r"(?:bind|listen|bound?)[^/]{0,60}?(?P<t>[\w.\[\]*:-]*:(?:\d{1,3}|10[01]\d|102[0-3]))\b[^/]{0,40}(?:permission denied|EACCES)",
    ),
    passing(ConnectRefused, r"(?P<t>[\w.-]+:\d{2,5})\b.{0,100}connection refused"),
    passing(ConnectRefused, r"connection refused.{0,100}?\b(?P<t>[\w.-]+:\d{2,5})\b"),
    passing(ConnectRefused, r"connection refused|\bECONNREFUSED\b"),
    passing(NameUnresolved, r"could not resolve host:? ?(?P<t>[\w.-]+)"),
    passing(
        NameUnresolved,
        r"(?:failed to (?:resolve|lookup address)|cannot resolve|can't resolve|unable to resolve|no such host:?) (?:host(?:name)? )?['\x22]?(?P<t>[\w.-]+\.[\w.-]+)",
    ),
    passing(
        NameUnresolved,
        r"name or service not known|temporary failure in name resolution|no address associated with hostname|nodename nor servname|\bENOTFOUND\b|\bEAI_AGAIN\b|failed to lookup address",
    ),
    passing(Unreachable, r"(?P<t>[\w.-]+:\d{2,5})\b.{0,100}(?:no route to host|network is unreachable)"),
    passing(Unreachable, r"no route to host|network is unreachable|\bEHOSTUNREACH\b|\bENETUNREACH\b"),
    passing(
        ConnectTimeout,
        r"(?P<t>[\w.-]+:\d{2,5})\b.{0,100}(?:connection timed out|connect timeout|i/o timeout|\bETIMEDOUT\b)",
    ),
    passing(ConnectTimeout, r"connection timed out|\bETIMEDOUT\b|connect(?:ion)? time-?out (?:expired|exceeded)"),
    // What the host lacks.
    passing(NoSpace, r"(?P<t>/[^\s'\x22:,()]+)['\x22)]?:? .{0,40}(?:no space left on device|disk quota exceeded)"),
    passing(NoSpace, r"no space left on device|disk quota exceeded|\bENOSPC\b|\bEDQUOT\b|database or disk is full"),
    passing(TooManyFiles, r"too many open files|\bEMFILE\b|\bENFILE\b|error 24\b"),
    passing(
        OutOfMemory,
        r"(?P<t>cannot allocate memory|out of memory|failed to allocate \w+|memory allocation of \d+ bytes failed|std::bad_alloc|\bENOMEM\b)",
    ),
    // Logging in.
    passing(
        AuthRefused,
        r"(?:authentication|login) (?:failed|failure|was refused) for (?:user |role |account )?['\x22]?(?P<t>[\w.@-]+)",
    ),
    passing(
        AuthRefused,
        r"(?:authentication failed|invalid (?:username|user name|credentials|api key|access key)|bad credentials|invalidaccesskeyid|signaturedoesnotmatch)",
    ),
    // Paths.
    passing(ReadOnly, r"(?P<t>/[^\s'\x22:,()]+)['\x22)]?:? .{0,40}read-only file system"),
    passing(ReadOnly, r"read-only file system.{0,40}?(?P<t>/[^\s'\x22:,()]+)"),
    passing(ReadOnly, r"read-only file system|\bEROFS\b"),
    passing(
        PermissionDenied,
        r"(?P<t>/[^\s'\x22:,()]+)['\x22)]?:? .{0,40}?(?:permission denied|operation not permitted)",
    ),
    passing(PermissionDenied, r"permission denied.{0,60}?(?P<t>/[^\s'\x22:,()]+)"),
    passing(PermissionDenied, r"permission denied$|permission denied[:,)]|\bEACCES\b"),
    passing(
        FileMissing,
        r"(?P<t>/[^\s'\x22:,()]+)['\x22)]?:? .{0,40}?(?:no such file or directory|(?:was )?not found|does not exist|is missing)$",
    ),
    passing(
        FileMissing,
        r"(?:no such file or directory|cannot (?:open|stat|access|read)(?: file)?|file not found)[:, ].{0,40}?(?P<t>/[^\s'\x22:,()]+)",
    ),
    passing(FileMissing, r"no such file or directory|\bENOENT\b"),
    passing(WrongKind, r"(?P<t>/[^\s'\x22:,()]+)['\x22)]?:? .{0,20}?(?:is a directory|not a directory)"),
    // Settings, in the words of many programs.
    fatal(
        SettingUnknown,
        r"(?:unknown|unrecognized|unsupported|invalid|undefined) (?:option|flag|argument|directive|setting|configuration (?:key|option|parameter)|config key|field|key|parameter):? [`'\x22]?(?P<t>[-\w.]+)",
    ),
    fatal(SettingUnknown, r"flag provided but not defined: (?P<t>\S+)"),
    fatal(SettingInvalid, r"invalid (?:value|setting|configuration)[^:]{0,20}(?: for| of|:) ?[`'\x22]?(?P<t>[-\w.]+)"),
    fatal(
        SyntaxError,
        r"(?:failed to parse|error parsing|parse error in|cannot parse|could not parse) (?:config(?:uration)?(?: file)? |file )?['\x22]?(?P<t>/[^\s'\x22,]+)",
    ),
    fatal(
        DataCorrupt,
        r"(?P<t>checksum mismatch|corrupted (?:data|file|index|database|block).{0,60}|data corruption.{0,40})",
    ),
    fatal(
        Locked,
        r"(?:another (?:instance|process|copy) (?:is|of .{1,30} is) (?:already )?(?:running|using)).{0,40}?(?P<t>/\S+)?",
    ),
    fatal(
        Locked,
        r"(?:could not|cannot|can't|unable to|failed to) (?:acquire|obtain|get|take) (?:the |an? )?(?:exclusive )?(?:file )?lock.{0,40}?(?P<t>/[^\s'\x22:,()]+)",
    ),
    // An error that nobody caught, by its own words.
    fatal(Crashed, r"PHP Fatal error: +(?P<t>.{1,100})"),
    passing(Crashed, r"^(?:.{0,30} )?(?P<t>(?-i:[A-Z][A-Za-z]*(?:Error|Exception))(?: \[\w+\])?: .{1,120})"),
];
