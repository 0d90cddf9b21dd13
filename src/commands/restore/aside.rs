//! `restore --to`: a proven copy is written to a path where nothing is, and nothing else is touched.

use std::io;
use std::path::Path;
use std::time::Instant;

use super::Args;
use super::prove::{Chosen, proven};
use super::work::{WAIT, seconds};
use crate::backup::archive::{self, Lay};
use crate::backup::look::Proof;
use crate::backup::{source, staging};
use crate::commands::backup::locked;
use crate::commands::backup::look::{Extent as Sets, view};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::files::{anchored, private};
use crate::program;
use crate::registry::{BackupSet, Deployment, Source, Verdict};
use crate::report::Head;
use crate::report::restore::Restore as Document;
use crate::units::{bytes, stamp};

/// Writes a proven copy to a path where nothing is.
pub(super) fn write(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
    path: &Path,
) -> anyhow::Result<Exit> {
    let Some(absolute) = path.to_str().filter(|path| path.starts_with('/')) else {
        return Err(Error::usage(Code::Usage, "--to takes an absolute path").into());
    };
    if context.system.symlink_metadata(absolute).is_ok() {
        return Err(Error::refused(Code::Exists, format!("{absolute} exists; nothing was changed"))
            .hint(program::instead(absolute, &format!("{absolute}.new")))
            .into());
    }
    locked(context, deployment, "restore --to", WAIT, |_| write_proven(args, context, deployment, set, absolute))
}

fn write_proven(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
    absolute: &str,
) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let view = view(context, deployment, &[set], Sets::Named)?;
    let Chosen { proof, unsigned } = proven(args, context, deployment, set, &view)?;
    let document = |outcome, summary: String| Document {
        head: Head::of(context.system, "opsctl/restore/v1", deployment, Verdict::Pass, Exit::Success),
        dry_run: args.change.dry_run,
        set: set.name.to_owned(),
        copy: Some(proof.id),
        copied: Some(proof.manifest.begun),
        path: absolute.to_owned(),
        steps: vec![format!("write the verified copy to {absolute}")],
        blast: unsigned.iter().map(|why| format!("UNSIGNED: {why}")).collect(),
        outcome,
        summary,
        targets: Vec::new(),
        old: None,
        seconds: Some(seconds(begun.elapsed())),
    };
    let (size, as_of) = (bytes(proof.manifest.bytes), stamp(proof.manifest.begun));
    if args.change.dry_run {
        context.ui.report(&document("planned", format!("{} as of {as_of}, {size}, to {absolute}", proof.id)))?;
        return Ok(Exit::Success);
    }
    let told = |error: io::Error| Error::failed(Code::Failed, format!("{absolute}: {error}"));
    if let Some(directory) = Path::new(absolute).parent() {
        staging::room(context.system, directory, proof.manifest.source_bytes)
            .map_err(|trouble| Error::refused(Code::NoRoom, trouble).hint(program::command("diagnose disk-full")))?;
    }
    let place = context.system.locate(absolute).map_err(told)?;
    let target = anchored(&place.directory, &place.name);
    match &set.source {
        Source::Files { paths, secrecy, .. } => {
            let unpack = |archive: &Path| archive::unpack(archive, paths, Lay::Scratch(&target)).map(drop);
            private::create_dir(&target).map_err(told)?;
            source::with_archive(context, *secrecy, &proof.copy, unpack).map_err(|trouble| {
                // Half of it is nothing.
                let _ = private::remove_dir_all(&target);
                told(io::Error::other(trouble))
            })?;
        }
        Source::Sqlite { .. } | Source::Postgres { .. } | Source::Redis { .. } | Source::Mongo { .. } => {
            file(&proof, &target).map_err(told)?;
        }
    }
    context.ui.report(&document("written", format!("{size} as of {as_of} written to {absolute}")))?;
    Ok(Exit::Success)
}

/// Writes a copy as it is.
fn file(proof: &Proof, target: &Path) -> io::Result<()> {
    let mut file = private::create_new(target)?;
    let copied = staging::copy_hashed(&mut private::open(&proof.copy)?, &mut file);
    let synced = copied.and_then(|(_, hash)| match hash == proof.manifest.sha256 {
        true => file.sync_all(),
        false => Err(io::Error::other("the copy has changed since it was verified")),
    });
    synced.inspect_err(|_| {
        // Half of it is nothing.
        let _ = private::remove_file(target);
    })
}
