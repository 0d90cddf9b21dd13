//! `opsctl version`: the same as `--version`, also as a document.

use crate::context::Context;
use crate::exit::Exit;
use crate::registry::{LOCALHOST, Verdict};
use crate::report::Head;
use crate::report::version::Build;

pub(super) fn run(context: &Context<'_>) -> anyhow::Result<Exit> {
    let mut head = Head::of(context.system, "opsctl/version/v1", &LOCALHOST, Verdict::Pass, Exit::Success);
    head.deployment = None;
    context.ui.report(&Build::new(head))?;
    Ok(Exit::Success)
}
