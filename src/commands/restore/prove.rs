//! The copy that a restore takes: fetched and restored in scratch, before anything is asked or touched.

use super::Args;
use super::choose::choose;
use crate::backup::look::{Proof, prove};
use crate::backup::record::{self, BackupLine, How, Looked};
use crate::backup::trouble::Unproven;
use crate::commands::backup::look::View;
use crate::commands::backup::unreachable;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::program;
use crate::registry::{BackupSet, Deployment, Source};

/// A copy that was chosen and is proven.
pub(super) struct Chosen {
    pub proof: Proof,
    /// Why nobody knows who made it; `None` where it was this host.
    pub unsigned: Option<String>,
}

/// Fetches the chosen copy and restores it in scratch.
pub(super) fn proven(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
    view: &View<'_>,
) -> Result<Chosen, Error> {
    let stock = view.stock.first().ok_or_else(|| unreachable("nothing was listed".to_owned()))?;
    let backup = choose(args, context, view, stock)?;
    let manifest = backup.manifest.clone().map_err(unreachable)?;
    let unsigned = backup.unsigned.clone();
    context.ui.progress(&format!("read {} and restore it in scratch", backup.id));
    let mut proofs = prove(context, &view.store, vec![(set, manifest)], &view.staging).map_err(unreachable)?;
    let proof = proofs.pop().ok_or_else(|| unreachable("nothing came back".to_owned()))?;
    if let Err(why @ Unproven::Untried(_)) = &proof.found {
        let message = format!("{}/{}: {why}; nothing was changed", set.name, proof.id);
        let server = match &set.source {
            Source::Postgres { service, .. } => Some(program::command(format_args!("start {}", service.name))),
            Source::Sqlite { .. } | Source::Redis { .. } | Source::Mongo { .. } | Source::Files { .. } => None,
        };
        let verify = || program::command(format_args!("backup verify {}", set.name));
        return Err(Error::refused(Code::NoPlace, message).hint(server.unwrap_or_else(verify)));
    }
    let looked = Looked {
        id: proof.id,
        time: context.system.now(),
        set: set.name.to_owned(),
        how: How::Restore,
        trouble: proof.found.as_ref().err().map(ToString::to_string),
        took_ms: u64::try_from(proof.took.as_millis()).unwrap_or(u64::MAX),
    };
    if let Err(error) = record::keep(context.system, deployment, &BackupLine::Looked(looked)) {
        context.ui.note(&format!("the verification cannot be recorded: {error}"));
    }
    match &proof.found {
        Ok(_) => Ok(Chosen { proof, unsigned }),
        Err(trouble) => {
            let message = format!("{}/{}: {trouble}; nothing was changed", set.name, proof.id);
            Err(Error::failed(Code::BadCopy, message)
                .hint(format!("choose an older copy with --at ID: {}", program::command("backup list"))))
        }
    }
}
