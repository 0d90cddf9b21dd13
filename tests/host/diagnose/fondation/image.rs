//! Images that are not built.

use super::AGAIN;
use crate::diagnose::{Fix, Injection};

pub const INJECTIONS: &[Injection] = &[
    Injection {
        failure: "image-tool-missing",
        what: "a shell does not find rg",
        inject: says!("rg x"),
        heal: AGAIN,
        code: "TOOL-MISSING",
        subject: "worker",
        decisive: "rg: not found",
        fix: Fix::Person,
    },
    Injection {
        failure: "image-esm-imports",
        what: "Node does not find ./config",
        inject: says!("echo \"import \\\"./config\\\";\" >/tmp/a.mjs; node /tmp/a.mjs"),
        heal: AGAIN,
        code: "IMPORTS-UNPATCHED",
        subject: "worker",
        decisive: "Cannot find module",
        fix: Fix::Person,
    },
    Injection {
        failure: "image-module-resolution",
        what: "Node does not find @anthropic-ai/claude-code",
        inject: says!("node -e \"require(\\\"@anthropic-ai/claude-code\\\")\""),
        heal: AGAIN,
        code: "MODULE-UNRESOLVED",
        subject: "worker",
        decisive: "Cannot find module .@anthropic-ai/claude-code",
        fix: Fix::Person,
    },
    Injection {
        failure: "image-no-artifacts",
        what: "a run leaves no artifacts",
        inject: says!("cat /app/packages/cli/prompts/a"),
        heal: AGAIN,
        code: "NO-ARTIFACTS",
        subject: "worker",
        decisive: "cli/prompts",
        fix: Fix::Person,
    },
];
