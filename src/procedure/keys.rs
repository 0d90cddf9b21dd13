//! Keys of files: set to other values, each file in one piece, proven by reading them again, and written as before when that is undone.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use super::invocation::Scene;
use super::stop::Stop;
use super::truth::Truth;
use crate::envfile::edit;
use crate::exit::Exit;
use crate::registry::{KeyEdit, KeyFormat};

/// Longer files are not read, bytes.
const LONGEST: u64 = 4 << 20;

/// A key as it is to be in a file of this host.
#[derive(Clone)]
struct Wanted {
    format: KeyFormat,
    key: &'static str,
    /// The value, or the password of the URL that the key has.
    value: String,
    is_password: bool,
}

impl Wanted {
    /// The value that the key is to have, where it has this one now.
    fn value(&self, now: Option<&str>) -> Result<String, String> {
        match (self.is_password, now) {
            (false, _) => Ok(self.value.clone()),
            (true, Some(now)) => {
                edit::with_password(now, &self.value).ok_or_else(|| format!("{} is no URL with a password", self.key))
            }
            (true, None) => Err(format!("{} is not set", self.key)),
        }
    }

    /// The file with it; `None` where it is so already.
    fn applied(&self, content: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let now = edit::get(self.format, content, self.key)?;
        let value = self.value(now.as_deref())?;
        if now.as_deref() == Some(value.as_str()) {
            return Ok(None);
        }
        edit::set(self.format, content, self.key, &value).map(Some)
    }
}

fn all_applied(wanted: &[Wanted], content: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut made: Option<Vec<u8>> = None;
    for one in wanted {
        if let Some(new) = one.applied(made.as_deref().unwrap_or(content))? {
            made = Some(new);
        }
    }
    Ok(made)
}

/// By file of this host, what its keys are to be.
fn files(scene: &Scene<'_>, edits: &'static [KeyEdit]) -> Result<BTreeMap<&'static str, Vec<Wanted>>, String> {
    let mut files: BTreeMap<&str, Vec<Wanted>> = BTreeMap::new();
    for edit in edits {
        let found = scene.context.system.first_existing(edit.files);
        match found.map_err(|error| format!("{}: {error}", edit.files.join(" or ")))? {
            Some(file) => files.entry(file).or_default().push(Wanted {
                format: edit.format,
                key: edit.key,
                value: scene.secrets.fill(&scene.values.fill(edit.value)),
                is_password: edit.is_password,
            }),
            None if edit.is_optional => {}
            None => return Err(format!("{} does not exist", edit.files.join(" or "))),
        }
    }
    match files.is_empty() {
        true => Err("none of the files exists".to_owned()),
        false => Ok(files),
    }
}

fn read(scene: &Scene<'_>, file: &str) -> Result<Vec<u8>, String> {
    scene.context.system.read_bytes(file, LONGEST).map_err(|error| format!("{file}: {error}"))
}

/// Whether every key has its value.
pub fn proven(scene: &Scene<'_>, edits: &'static [KeyEdit]) -> Truth {
    let files = match files(scene, edits) {
        Ok(files) => files,
        Err(why) => return Truth::Unknown(why),
    };
    for (file, wanted) in &files {
        let content = match read(scene, file) {
            Ok(content) => content,
            Err(why) => return Truth::Unknown(why),
        };
        for one in wanted {
            match one.applied(&content) {
                Ok(None) => {}
                Ok(Some(_)) => return Truth::Fails(format!("{} in {file} has another value", one.key)),
                Err(why) => return Truth::Unknown(format!("{file}: {why}")),
            }
        }
    }
    Truth::Holds(summary(&files))
}

fn summary(files: &BTreeMap<&str, Vec<Wanted>>) -> String {
    let mut keys: Vec<&str> = files.values().flatten().map(|one| one.key).collect();
    keys.sort_unstable();
    keys.dedup();
    match files.keys().collect::<Vec<_>>().as_slice() {
        [file] => format!("{} set in {file}", keys.join(", ")),
        files => format!("{} set in {} files", keys.join(", "), files.len()),
    }
}

/// Sets every key. All files are read and tried before the first is written.
pub fn set(scene: &Scene<'_>, procedure: &str, edits: &'static [KeyEdit]) -> Result<String, Stop> {
    let refused = |why: String| Stop::before(Exit::Refused, why);
    let files = files(scene, edits).map_err(refused)?;
    for (file, wanted) in &files {
        let content = read(scene, file).map_err(refused)?;
        all_applied(wanted, &content).map_err(|why| refused(format!("{file}: {why}")))?;
        for one in wanted {
            let raw = edit::raw(one.format, &content, one.key).map_err(|why| refused(format!("{file}: {why}")))?;
            scene.secrets.note_before(file, one.key, raw);
        }
    }
    scene.secrets.keep(scene.context.system, scene.deployment, procedure)?;
    for (written, (file, wanted)) in files.iter().enumerate() {
        let (own, before) = (wanted.clone(), owner(scene, file));
        let edited = scene.context.system.edit(file, move |content| all_applied(&own, content));
        if let Err(error) = edited {
            let why = format!("{file}: {error}; {written} of {} files were written", files.len());
            return Err(Stop { is_untouched: written == 0, ..Stop::failed(why) });
        }
        if owner(scene, file) != before {
            return Err(Stop::failed(format!("{file} has another owner or mode than before")));
        }
    }
    match proven(scene, edits) {
        Truth::Holds(seen) => Ok(seen),
        other => Err(Stop::failed(other.seen())),
    }
}

fn owner(scene: &Scene<'_>, file: &str) -> Option<(u32, u32, u32)> {
    let metadata = scene.context.system.metadata(file).ok()?;
    Some((metadata.uid(), metadata.gid(), metadata.mode()))
}

/// Writes the keys as they were before the run. One that somebody set to something else meanwhile is left as it is.
pub fn undo(scene: &Scene<'_>, edits: &'static [KeyEdit]) -> Result<String, Stop> {
    let mut written = 0_usize;
    let files = files(scene, edits).map_err(Stop::failed)?;
    for (file, wanted) in &files {
        let known = wanted.iter().filter_map(|one| Some((one.clone(), scene.secrets.before(file, one.key)?)));
        let known: Vec<(Wanted, Option<String>)> = known.collect();
        let edited = scene.context.system.edit(file, move |content| {
            let mut made: Option<Vec<u8>> = None;
            for (one, raw) in &known {
                let now = made.as_deref().unwrap_or(content);
                if edit::raw(one.format, now, one.key)? == *raw {
                    continue;
                }
                if one.applied(now)?.is_some() {
                    return Err(format!("{} was set to something else meanwhile", one.key));
                }
                made = Some(edit::put_back(one.format, now, one.key, raw.as_deref())?);
            }
            Ok(made)
        });
        match edited {
            Ok(true) => written += 1,
            Ok(false) => {}
            Err(error) => return Err(Stop::failed(format!("{file}: {error}"))),
        }
    }
    Ok(format!("{written} of {} files were written as before", files.len()))
}

#[cfg(test)]
mod tests;
