//! Users and groups as `/etc/passwd` and `/etc/group` state them, which decide who else can change a directory. Read straight,
//! because the way to them is not to be judged by them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Gid, Uid};

use crate::host::tools::procfs;

/// Larger files of accounts are cut.
const LIMIT: u64 = 4 << 20;

#[expect(clippy::disallowed_methods, reason = "the two files that say whom to trust")]
fn text(root: &Path, name: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(root.join("etc").join(name))?.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether anybody but root and the caller belongs to a group; so where it cannot be read.
pub(super) fn group_has_members(root: &Path, gid: u32) -> bool {
    match (text(root, "passwd"), text(root, "group")) {
        (Ok(passwd), Ok(group)) => {
            let own = rustix::process::geteuid().as_raw();
            procfs::group_has_members(&passwd, &group, gid, own)
        }
        _ => true,
    }
}

/// What a thread is to files, until this is dropped: another user.
pub struct Guise {
    groups: Vec<Gid>,
}

impl Drop for Guise {
    fn drop(&mut self) {
        // A thread that could not go back would have fewer rights, not more.
        let _ = rustix::thread::set_thread_res_uid(None, Uid::ROOT, None);
        let _ = rustix::thread::set_thread_res_gid(None, Gid::ROOT, None);
        let _ = rustix::thread::set_thread_groups(&self.groups);
    }
}

/// Lets this thread see files as a user does: with the user's groups and without root's rights. Nobody can send it signals
/// meanwhile, because only what counts for files is changed.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn become_user(root: &Path, uid: u32, gid: u32) -> io::Result<Guise> {
    let before = rustix::process::getgroups()?;
    let (passwd, group) = (text(root, "passwd").unwrap_or_default(), text(root, "group").unwrap_or_default());
    let account = procfs::account(&passwd, |account| account.uid == uid);
    // A user without an account, as those of containers, has the group of the directory.
    let gid = account.as_ref().map_or(gid, |account| account.gid);
    let mut groups = vec![Gid::from_raw(gid)];
    if let Some(account) = &account {
        groups.extend(procfs::groups_of(&group, &account.name).map(Gid::from_raw));
    }
    // From here on it goes back, whatever comes.
    let guise = Guise { groups: before };
    rustix::thread::set_thread_groups(&groups)?;
    rustix::thread::set_thread_res_gid(None, Gid::from_raw(gid), None)?;
    rustix::thread::set_thread_res_uid(None, Uid::from_raw(uid), None)?;
    Ok(guise)
}
