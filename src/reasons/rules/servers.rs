//! nginx, Caddy, Apache, OpenSSH, TLS libraries, pm2.

use super::{Rule, fatal, passing, vague};
use crate::registry::Family::*;

pub(super) const RULES: &[Rule] = &[
    // nginx.
    fatal(
        SettingUnknown,
        r#"\[emerg\].{0,40}unknown (?:directive|variable|"[^"]+" variable|log format) ?(?P<t>"[^"]+"(?: in \S+:\d+)?)"#,
    ),
    fatal(SettingUnknown, r#"\[emerg\].{0,40}unknown (?P<t>"[^"]+" variable)"#),
    fatal(AddressInUse, r"bind\(\) to (?P<t>\S+) failed \(98:"),
    fatal(PortPrivileged, r"bind\(\) to (?P<t>\S*:\d+) failed \(13:"),
    fatal(PermissionDenied, r"bind\(\) to unix:(?P<t>\S+) failed \(13:"),
    fatal(AddressUnavailable, r"bind\(\) to (?P<t>\S+) failed \(99:"),
    vague(AddressInUse, r"still could not bind\(\)"),
    fatal(NameUnresolved, r#"\[emerg\].{0,40}host not found in [\w ]+"(?P<t>[^"]+)""#),
    fatal(CertificateUnusable, r#"cannot load certificate(?: key)? "(?P<t>[^"]+)""#),
    fatal(CertificateUnusable, r#"SSL_CTX_use_(?:PrivateKey|certificate)(?:_file)?\("(?P<t>[^"]+)"\) failed"#),
    fatal(FileMissing, r#"\[emerg\].{0,80}"(?P<t>/[^"]+)" failed \(2:"#),
    fatal(PermissionDenied, r#"\[(?:emerg|alert)\].{0,80}"(?P<t>/[^"]+)" failed \(13:"#),
    fatal(AccountMissing, r#"getpwnam\("(?P<t>[^"]+)"\) failed|getgrnam\("(?P<h>[^"]+)"\) failed"#),
    fatal(
        SettingInvalid,
        r#"\[emerg\].{0,40}(?:invalid (?:value|number of arguments|parameter|port|host|URL|address)|".{1,40}" directive is (?:duplicate|not allowed)|duplicate).{0,120} in (?P<t>/\S+:\d+)"#,
    ),
    fatal(SyntaxError, r"\[emerg\].{0,200} in (?P<t>/\S+:\d+)"),
    passing(ConnectRefused, r#"connect\(\) failed \(111: connection refused\).{0,200}upstream: "\w+://(?P<t>[^/"]+)"#),
    passing(ConnectRefused, r"connect\(\) (?:to (?P<t>unix:\S+) )?failed \((?:111|2):"),
    passing(ConnectTimeout, r#"upstream timed out .{0,200}upstream: "\w+://(?P<t>[^/"]+)"#),
    // Caddy.
    fatal(
        SettingUnknown,
        r"(?:Caddyfile|\S+:\d+)[: -].{0,60}unrecognized (?:directive|subdirective|global option|parameter):? ?(?P<t>\S+)",
    ),
    fatal(SettingUnknown, r"module not registered: (?P<t>[\w.]+)"),
    fatal(SyntaxError, r"adapting config using \w+: .{0,200}?(?P<t>(?:/[^\s:]+|\bCaddyfile):\d+)"),
    fatal(SyntaxError, r"(?:error during parsing|parsing caddyfile).{0,100}?(?P<t>(?:/[^\s:]+|\bCaddyfile):\d+)"),
    fatal(SyntaxError, r"adapting config using (?P<t>\w+): "),
    fatal(SettingInvalid, r"loading (?:new |initial )?config: .{0,160}(?P<t>provision [\w.]+|unknown field \S+): "),
    // Apache.
    fatal(SettingUnknown, r"invalid command '(?P<t>[^']+)'"),
    vague(SyntaxError, r"AH00526: syntax error on line (?P<l>\d+) of (?P<t>[^\s:]+)"),
    fatal(SyntaxError, r"syntax error on line (?P<l>\d+) of (?P<t>[^\s:]+)"),
    fatal(AddressInUse, r"address already in use: .{0,20}make_sock: could not bind to address (?P<t>\S+)"),
    fatal(PortPrivileged, r"permission denied: .{0,20}make_sock: could not bind to address (?P<t>\S+)"),
    fatal(
        CertificateUnusable,
        r"(?:SSLCertificate(?:Key)?File: file '(?P<t>[^']+)' does not exist|certificate and private key \S+ from (?P<h>\S+) .{0,60}do not match)",
    ),
    fatal(AccountMissing, r"bad (?:user|group) name (?P<t>\S+)"),
    fatal(ModuleMissing, r"cannot load (?P<t>\S+\.so) into server"),
    // OpenSSH.
    fatal(SettingUnknown, r"(?P<t>/\S+: line \d+: bad configuration option: \S+)"),
    fatal(SettingInvalid, r"(?P<t>/\S+)[: ] ?line (?P<l>\d+): (?:bad|missing|invalid|unsupported|directive) "),
    vague(SyntaxError, r"(?P<t>/\S+): terminating, \d+ bad configuration options"),
    fatal(FileMissing, r"missing privilege separation directory: (?P<t>/\S+)"),
    fatal(
        CertificateUnusable,
        r"sshd: no hostkeys available|unable to load host key[: ]+\x22?(?P<t>/[^\s\x22]+)|permissions \d+ for '(?P<h>[^']+)' are too open",
    ),
    fatal(AddressInUse, r"bind to port (?P<p>\d+) on \S+ failed: address already in use"),
    fatal(AddressUnavailable, r"bind to port (?P<p>\d+) on \S+ failed: cannot assign"),
    vague(AddressInUse, r"fatal: cannot bind any address"),
    // TLS.
    fatal(
        CertificateUnusable,
        r"(?:key values mismatch|KEY_VALUES_MISMATCH|private key does not match|does not match (?:the )?(?:public|certificate) key|tls: private key does not match public key)",
    ),
    fatal(
        CertificateUnusable,
        r"(?:PEM_read_bio|no start line|bad end line|tls: failed to find any PEM data|failed to parse private key)",
    ),
    passing(PeerUntrusted, r"certificate has expired|CERT_HAS_EXPIRED|certificate is not yet valid"),
    passing(
        PeerUntrusted,
        r"self[- ]signed certificate|unable to (?:get (?:local )?issuer|verify the first) certificate|CERTIFICATE_VERIFY_FAILED|certificate verify failed|unknown authority|UnknownIssuer|PKIX path building failed",
    ),
    passing(PeerUntrusted, r"altnames.{0,80}host: (?P<t>[\w.-]+)"),
    passing(PeerUntrusted, r"hostname mismatch, certificate is not valid for '(?P<t>[^']+)'"),
    passing(PeerUntrusted, r"ERR_TLS_CERT_ALTNAME_INVALID"),
    // pm2.
    fatal(FileMissing, r"script not found:? (?P<t>\S+)"),
    fatal(FileMissing, r"interpreter (?P<t>\S+) is NOT AVAILABLE in PATH"),
    fatal(FileMissing, r"\[PM2\]\[ERROR\] file (?P<t>\S+) not found"),
];
