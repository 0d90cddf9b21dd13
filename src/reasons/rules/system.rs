//! systemd, the shell, the loader and the kernel.

use super::{Rule, fatal, passing, vague};
use crate::registry::Family::*;

pub(super) const RULES: &[Rule] = &[
    // systemd: its own messages about a unit.
    fatal(NotExecutable, r"failed at step EXEC spawning (?P<t>[^:]+): (?:exec format error|permission denied)"),
    fatal(FileMissing, r"failed at step EXEC spawning (?P<t>[^:]+): no such file"),
    fatal(FileMissing, r"changing to the requested working directory failed: no such file").of("its working directory"),
    fatal(FileMissing, r"failed at step CHDIR spawning [^:]+: no such file").of("its working directory"),
    fatal(PermissionDenied, r"(?:working directory failed|failed at step CHDIR spawning [^:]+): permission denied")
        .of("its working directory"),
    fatal(AccountMissing, r"failed at step (?:USER|GROUP) spawning|failed to determine (?:user|group|supplementary)"),
    fatal(FileMissing, r"failed to load environment files: no such file").of("its env file"),
    fatal(PermissionDenied, r"failed to load environment files: permission denied").of("its env file"),
    vague(FileMissing, r"failed to (?:run|spawn) '?\w+'? task: no such file").of("a file of its unit"),
    fatal(
        SandboxFailed,
        r"failed to set up mount namespacing: (?:/run/systemd/(?:mount-rootfs|unit-root))?(?P<t>/[^:]+):",
    ),
    fatal(SandboxFailed, r"failed to set up (?P<t>special execution directory in [^:]+|standard \w+|credentials):"),
    vague(SandboxFailed, r"failed at step (?P<t>[A-Z_]+) spawning"),
    vague(
        SandboxFailed,
        r"status=2\d\d/(?P<t>NAMESPACE|STATE_DIRECTORY|RUNTIME_DIRECTORY|CACHE_DIRECTORY|LOGS_DIRECTORY|CREDENTIALS|CAPABILITIES|SECCOMP|KEYRING|STDOUT|STDERR|STDIN|CGROUP|OOM_ADJUST|LIMITS|NETWORK)",
    ),
    vague(NotExecutable, r"status=203/EXEC").of("its program"),
    vague(AccountMissing, r"status=21[67]/(?:USER|GROUP)"),
    vague(FileMissing, r"status=200/CHDIR").of("its working directory"),
    fatal(
        OutOfMemory,
        r"(?:has been|was) killed by the OOM killer|result 'oom-kill'|out of memory: killed process \d+ \((?P<t>[^)]+)\)",
    ),
    fatal(SettingMissing, r"service has no (?P<t>ExecStart=)|lacks both (?P<h>ExecStart=) and ExecStop="),
    fatal(SyntaxError, r"unit (?P<t>\S+) has a bad unit file setting"),
    fatal(FileMissing, r"failed to (?:start|schedule restart job): unit (?P<t>\S+) not found"),
    passing(Crashed, r"code=dumped, status=(?P<t>\d+/\w+)"),
    passing(Crashed, r"code=killed, status=(?P<t>(?:4/ILL|6/ABRT|7/BUS|8/FPE|11/SEGV|31/SYS))"),
    passing(Killed, r"code=killed, status=(?P<t>9/KILL)"),
    // Shells and interpreters.
    fatal(FileMissing, r"^(?:.{0,40}: )?(?:line \d+: )?(?P<t>[^\s:]+): command not found"),
    fatal(FileMissing, r"\b(?:sh|bash|dash|ash): (?:line )?\d+: (?P<t>[^\s:]+): not found"),
    fatal(FileMissing, r"\benv: [^\w/.-]*(?P<t>[\w/.-]+)[^\w/.-]*: no such file"),
    fatal(NotExecutable, r"(?P<t>/[^\s:]+): cannot execute"),
    fatal(NotExecutable, r"(?P<t>/[^\s:]+): .{0,40}bad interpreter"),
    fatal(NotExecutable, r"exec format error|cannot execute binary file|\bENOEXEC\b"),
    fatal(SettingMissing, r"line \d+: (?P<t>\w+): (?:unbound variable|parameter not set|parameter null or not set)"),
    fatal(SettingMissing, r"\d+: (?P<t>\w+): parameter not set"),
    fatal(SyntaxError, r"(?P<t>[^\s:]+): (?:line )?(?P<l>\d+): syntax error"),
    // Tools that name no path when they read what is none.
    fatal(WrongKind, r"^\w+: (?:read error|error reading input file): is a directory"),
    // The dynamic loader and the C library.
    fatal(ModuleMissing, r"error while loading shared libraries: (?P<t>[^:\s]+):"),
    fatal(ModuleMissing, r"error loading shared library (?P<t>[^:\s]+)"),
    fatal(ModuleMissing, r"(?P<t>[\w./+-]+\.so[\w.]*): cannot open shared object file"),
    fatal(VersionMismatch, r"version [`'](?P<t>[\w.]+)' not found \(required by"),
    fatal(VersionMismatch, r"symbol lookup error: .{0,160}undefined symbol: (?P<t>\S+)"),
    fatal(Crashed, r"(?P<t>assertion .{1,120} failed)"),
    fatal(
        Crashed,
        r"(?P<t>stack smashing detected|double free or corruption|free\(\): invalid \w+|malloc\(\): [\w ]+|munmap_chunk\(\)|corrupted size)",
    ),
    passing(Crashed, r"(?P<t>segmentation fault|segfault at|illegal instruction|bus error|aborted \(core dumped\))"),
    // What has no room in the kernel's tables.
    fatal(
        ProcessLimit,
        r"(?:fork|pthread_create|clone|unable to create (?:new )?(?:native )?thread|can't start new thread)[^:]{0,40}:? (?P<t>resource temporarily unavailable)",
    ),
    fatal(
        ProcessLimit,
        r"can't start new thread|unable to create (?:new )?native thread|cannot fork|failed to create new OS thread|uv_thread_create",
    ),
];
