//! How a run begins: with the key that its manifests are signed with, and a number that follows all that this host gave itself.

use super::catalogue::Listed;
use super::key::{KEY, Key, chance};
use super::look;
use super::name::Id;
use super::record::{self, Records};
use super::sequence;
use super::staging::Staging;
use super::store::Store;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::registry::Deployment;
use crate::units::stamp;

/// A run that can begin: its id, the key or why there is none, and why the remote cannot be used where it cannot.
pub type Begin = (Id, Result<Key, String>, Result<(), String>);

/// Numbers a run. `listed`: what lies on the remote, or why that is not known.
///
/// # Errors
/// When there is no number left, or the clock says what cannot be.
pub fn number(
    context: &Context<'_>,
    deployment: &'static Deployment,
    records: &Records,
    store: &Result<Store<'_>, String>,
    listed: Result<&[Listed], &String>,
) -> Result<Begin, Error> {
    let system = context.system;
    let key = key(context);
    let recorded = records.sequences();
    let signed = signed(context, deployment, &recorded, store, listed, key.as_ref().ok());
    if let Some(gap) = signed.as_deref().ok().and_then(|signed| sequence::gap(&recorded, signed)) {
        context.ui.note(&format!("{}; this run uses the next number", gap.words()));
    }
    let sequence = sequence::next(&recorded, signed.as_deref().unwrap_or_default()).map_err(|trouble| {
        Error::refused(Code::NoNumber, format!("{trouble}; nothing was copied"))
            .hint(format!("rename {}; the next run begins a new one", record::path(deployment)))
    })?;
    let chance = chance().map_err(|error| record::unwritable(&error))?;
    let id = Id::new(system.now(), sequence, chance);
    if !id.is_possible() {
        return Err(Error::refused(
            Code::NoTime,
            format!("the clock of this host is at {}; nothing was copied", stamp(system.now())),
        )
        .hint("timedatectl"));
    }
    Ok((id, key, signed.map(drop)))
}

/// The key that manifests are signed with. One that is made now is told of, for without a copy of it elsewhere the copies of a
/// host that is lost are nobody's.
fn key(context: &Context<'_>) -> Result<Key, String> {
    let (key, is_new) = Key::obtain(context.system)?;
    if is_new {
        let told =
            format!("manifests are signed with a new key, {KEY}: store a copy of it elsewhere, like the age key");
        context.ui.note(&told);
    }
    Ok(key)
}

/// Numbers of runs whose copies this host signed and its record does not reach; only what is listed with such a number is looked
/// at.
fn signed(
    context: &Context<'_>,
    deployment: &'static Deployment,
    recorded: &[u64],
    store: &Result<Store<'_>, String>,
    listed: Result<&[Listed], &String>,
    key: Option<&Key>,
) -> Result<Vec<u64>, String> {
    let (store, listed) = (store.as_ref().map_err(Clone::clone)?, listed.map_err(Clone::clone)?);
    let Some(key) = key else { return Ok(Vec::new()) };
    let staging = || {
        let made = chance().and_then(|chance| Staging::make(context.system, deployment, &format!("{chance:08x}")));
        made.map_err(|error| format!("manifests cannot be staged: {error}"))
    };
    let above = recorded.iter().copied().max().unwrap_or(0);
    look::signed_above(store, deployment, listed, key, above, staging)
}
