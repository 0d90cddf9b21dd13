//! Docker, containerd, compose.

use super::{Rule, fatal, passing};
use crate::registry::Family::*;

pub(super) const RULES: &[Rule] = &[
    // dockerd itself, of its own configuration.
    fatal(
        SettingUnknown,
        r"daemon with file \S+: .{0,40}directives don't match any configuration option: (?P<t>[\w.-]+)",
    ),
    fatal(
        SettingInvalid,
        r"daemon with file \S+: .{0,40}directives are specified both as a flag and in the configuration file: (?P<t>[\w.-]+)",
    ),
    fatal(SyntaxError, r"daemon with file (?P<t>/\S+): (?:invalid character|unexpected end|unexpected EOF|json:)"),
    fatal(SettingInvalid, r"daemon with file (?P<t>/\S+): "),
    fatal(
        Locked,
        r"process with PID (?P<t>\d+) is still running|pid file found, ensure docker is not running or delete (?P<h>/\S+)",
    ),
    fatal(FileMissing, r#"exec: \\?"(?P<t>[^"\\]+)\\?": (?:executable file not found|stat .{0,80}no such file)"#),
    fatal(NotExecutable, r#"exec: \\?"(?P<t>[^"\\]+)\\?": permission denied"#),
    fatal(WrongKind, r#"error mounting "(?P<t>[^"]+)" to rootfs.{0,200}not a directory"#),
    fatal(FileMissing, r#"error mounting "(?P<t>[^"]+)" to rootfs.{0,200}no such file"#),
    fatal(FileMissing, r"bind source path does not exist: (?P<t>/\S+)"),
    fatal(FileMissing, r"chdir to cwd \(\\?\x22(?P<t>[^\x22\\]+)\\?\x22\).{0,60}no such file"),
    fatal(AccountMissing, r"unable to find (?:user|group) (?P<t>[^\s:]+): no matching entries"),
    fatal(AddressInUse, r"bind for (?P<t>\S+) failed: port is already allocated"),
    fatal(
        AddressInUse,
        r"failed to bind host port (?:for )?(?P<t>(?:[\d.]*|\[[\da-f:]*\]):\d+).{0,80}address already in use",
    ),
    fatal(AddressInUse, r"userland proxy: listen tcp[46]? (?P<t>\S+): bind: address already in use"),
    fatal(AddressUnavailable, r"userland proxy: listen tcp[46]? (?P<t>\S+): bind: cannot assign"),
    fatal(
        ImageMissing,
        r"(?:no such image|unable to find image|manifest for|pull access denied for)[: ]+'?(?P<t>[\w./:@-]+)",
    ),
    fatal(ImageMissing, r"(?:manifest unknown|repository does not exist or may require)"),
    fatal(AttachmentMissing, r"(?P<t>network [\w.-]+) (?:not found|declared as external, but could not be found)"),
    fatal(AttachmentMissing, r#"external (?P<t>(?:volume|network) "[^"]+") not found"#),
    fatal(AttachmentMissing, r"(?:no such|could not find) (?P<t>(?:network|volume)[: ]+[\w.-]+)"),
    fatal(AttachmentMissing, r#"service "[^"]+" refers to undefined (?P<t>\w+ [\w.-]+)"#),
    passing(ConnectRefused, r"cannot connect to the docker daemon at (?P<t>\S+?)\.? is the docker daemon"),
    fatal(FileMissing, r"env file (?P<t>/\S+) not found"),
    fatal(FileMissing, r"no configuration file provided: not found").of("a compose file"),
    fatal(SettingUnknown, r"additional propert(?:y|ies) '?(?P<t>[\w.-]+)'? (?:(?:is|are) )?not allowed"),
    fatal(SettingUnknown, r"no such service: (?P<t>[\w.-]+)"),
    fatal(SyntaxError, r"(?P<t>/\S+\.ya?ml): .{0,40}(?:yaml: |line \d+: ).{0,80}"),
    fatal(SyntaxError, r"\byaml: (?P<t>line \d+)"),
    fatal(Locked, r#"the container name "?(?P<t>[^"\s]+)"? is already in use"#),
    fatal(Locked, r"endpoint with name (?P<t>\S+) already exists in network"),
    fatal(
        SettingInvalid,
        r"invalid (?:mount config|volume specification|reference format|containerPort|hostPort|IP address)[^:]*:? ?(?P<t>\S*)",
    ),
    fatal(OutOfMemory, r"(?P<t>minimum memory limit allowed|cannot allocate memory): unknown"),
];
