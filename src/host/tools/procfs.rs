//! Files of the kernel and of `/etc` that are read as they are: parsers only, the reading is done elsewhere.

use super::{Account, Malformed};

/// `/proc/meminfo`, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    pub total: u64,
    pub available: u64,
    pub swap_total: u64,
    pub swap_free: u64,
}

/// Parses `/proc/meminfo`.
///
/// # Errors
/// When total or available memory is missing.
pub fn meminfo(text: &str) -> Result<Memory, Malformed> {
    let field = |name: &str| -> Option<u64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
    };
    let (Some(total), Some(available)) = (field("MemTotal"), field("MemAvailable")) else {
        return Err(Malformed::new("MemTotal and MemAvailable", text));
    };
    Ok(Memory {
        total,
        available,
        swap_total: field("SwapTotal").unwrap_or(0),
        swap_free: field("SwapFree").unwrap_or(0),
    })
}

/// When a process was started, out of `/proc/PID/stat`: its 22nd field, clock ticks since the boot.
pub fn start_time(stat: &str) -> Option<u64> {
    // The name in parentheses may hold anything, parentheses and spaces included.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(19)?.parse().ok()
}

/// The parent of a process, out of `/proc/PID/stat`: its fourth field.
pub fn parent(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// How many clock ticks are a second, in what the kernel tells programs: 100 on every architecture that Linux has had since 2002.
pub const TICKS_PER_SECOND: f64 = 100.0;

/// The letter of a process' state, out of `/proc/PID/stat`: its third field.
pub fn state(stat: &str) -> Option<char> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.chars().next()
}

/// Processor time of a process, clock ticks, out of `/proc/PID/stat`: its 14th and 15th fields.
pub fn processor_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let own: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    own.checked_add(kernel)
}

/// Whether so many of what there may be `most` of are so many that the next ones can fail: 95 per cent.
pub fn is_near(used: u64, most: u64) -> bool {
    used.saturating_mul(100) >= most.saturating_mul(NEAR)
}

/// Per cent of a bound.
const NEAR: u64 = 95;

/// How many descriptors a process may have open, out of `/proc/PID/limits`; `None` where there is no bound.
pub fn open_files_limit(limits: &str) -> Option<u64> {
    let rest = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Parses the three averages of `/proc/loadavg`: 1, 5 and 15 minutes.
///
/// # Errors
/// When there are not three numbers.
pub fn loadavg(text: &str) -> Result<[f64; 3], Malformed> {
    let mut words = text.split_whitespace().map(str::parse::<f64>);
    match (words.next(), words.next(), words.next()) {
        (Some(Ok(one)), Some(Ok(five)), Some(Ok(fifteen))) => Ok([one, five, fifteen]),
        _ => Err(Malformed::new("three load averages", text)),
    }
}

/// Number of processors, counted in `/proc/stat`.
///
/// # Errors
/// When there is none.
pub fn processors(text: &str) -> Result<u32, Malformed> {
    let is_cpu = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    match u32::try_from(text.lines().filter(is_cpu).count()) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(Malformed::new("processors in /proc/stat", text)),
    }
}

/// Seconds since boot, from `/proc/uptime`.
///
/// # Errors
/// When it does not begin with a number.
pub fn uptime_seconds(text: &str) -> Result<u64, Malformed> {
    let whole = text.split(['.', ' ']).next().unwrap_or_default();
    whole.parse().map_err(|_| Malformed::new("seconds since boot", text))
}

/// Milliseconds since boot, from `/proc/uptime`, which has hundredths of a second.
///
/// # Errors
/// When it does not begin with a number.
pub fn uptime_millis(text: &str) -> Result<i64, Malformed> {
    let malformed = || Malformed::new("seconds since boot", text);
    let (whole, part) = text.split_whitespace().next().and_then(|word| word.split_once('.')).ok_or_else(malformed)?;
    let hundredths: i64 = part.get(..2).and_then(|part| part.parse().ok()).ok_or_else(malformed)?;
    let seconds: i64 = whole.parse().map_err(|_| malformed())?;
    Ok(seconds.saturating_mul(1000).saturating_add(hundredths.saturating_mul(10)))
}

/// How many processes the kernel has killed for want of memory since boot, from `/proc/vmstat`.
///
/// # Errors
/// When the counter is missing (kernels before 4.13).
pub fn oom_kills(text: &str) -> Result<u64, Malformed> {
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        .ok_or_else(|| Malformed::new("the counter oom_kill", ""))
}

/// Finds a user in `/etc/passwd`, by a test on the parsed entry.
pub fn account(passwd: &str, wanted: impl Fn(&Account) -> bool) -> Option<Account> {
    passwd.lines().filter_map(passwd_entry).find(wanted)
}

fn passwd_entry(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let home = fields.nth(1)?.to_owned();
    Some(Account { name, uid, gid, home })
}

/// Whether any user but root and `own` belongs to this group, by `/etc/group` and by primary group in `/etc/passwd`.
pub fn group_has_members(passwd: &str, group: &str, gid: u32, own: u32) -> bool {
    let harmless = |name: &str| {
        let known = account(passwd, |entry| entry.name == name);
        known.is_some_and(|entry| entry.uid == 0 || entry.uid == own)
    };
    let listed = group.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let members = (fields.get(2)?.parse() == Ok(gid)).then(|| fields.get(3).copied().unwrap_or_default())?;
        Some(members.split(',').map(str::trim).any(|name| !name.is_empty() && !harmless(name)))
    });
    listed.into_iter().any(|any| any)
        || account(passwd, |entry| entry.gid == gid && entry.uid != 0 && entry.uid != own).is_some()
}

/// Ids of the groups that list a user as a member, from `/etc/group`.
pub fn groups_of<'t>(group: &'t str, user: &str) -> impl Iterator<Item = u32> + use<'t> {
    let user = user.to_owned();
    group.lines().filter_map(move |line| {
        let mut fields = line.split(':').skip(2);
        let gid = fields.next()?.parse().ok()?;
        fields.next()?.split(',').any(|name| name.trim() == user).then_some(gid)
    })
}

/// The name of a group, from `/etc/group`.
pub fn group_name(group: &str, gid: u32) -> Option<&str> {
    group.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then_some(name)
    })
}

/// How the bounds of a control group are used, since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Memory of its processes alone, bytes: without files, which the kernel gives up when it needs room.
    pub own_memory: u64,
    /// Processes that were killed at its limit.
    pub kills: u64,
    /// Periods of its CPU limit, and in how many of them it was held back.
    pub periods: u64,
    pub throttled: u64,
}

/// Reads the files of a control group: `memory.stat`, `memory.events` (`memory.oom_control` in the old layout) and `cpu.stat`.
pub fn bounds(memory: &str, events: &str, cpu: &str) -> Bounds {
    let number = |text: &str, names: &[&str]| {
        let find = |name: &&str| text.lines().find_map(|line| line.strip_prefix(*name)?.strip_prefix(' '));
        names.iter().find_map(find).and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    Bounds {
        own_memory: number(memory, &["total_rss", "anon"]),
        kills: number(events, &["oom_kill"]),
        periods: number(cpu, &["nr_periods"]),
        throttled: number(cpu, &["nr_throttled"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_time_and_bounds_of_a_process() {
        let stat = "4242 (a) b (c) D 1 4242 4242 0 -1 4194560 1 2 3 4 70 6 7 8 20 0 1 0 987654 10 11 12";
        assert_eq!((state(stat), processor_ticks(stat)), (Some('D'), Some(76)));
        assert_eq!((state("4242 (a"), processor_ticks("4242 (a) S 1")), (None, None));
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max open files            1024                 524288               files     \n";
        assert_eq!(open_files_limit(limits), Some(1024));
        assert_eq!(open_files_limit("Max open files   unlimited   unlimited   files"), None);
        assert_eq!(open_files_limit(""), None);
    }

    #[test]
    fn k2_a_process_is_known_by_its_start() {
        let stat = "4242 (a) b (c) S 1 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 10 11 12";
        assert_eq!(start_time(stat), Some(987_654));
        assert_eq!(start_time("4242 (a"), None);
    }

    #[test]
    fn memory_needs_total_and_available() {
        let text = "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  400 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n";
        assert_eq!(meminfo(text), Ok(Memory { total: 1_024_000, available: 409_600, swap_total: 0, swap_free: 0 }));
        assert!(meminfo("MemTotal: 1000 kB\n").is_err());
        assert!(meminfo("").is_err());
    }

    #[test]
    fn load_and_processors_and_uptime() {
        assert_eq!(loadavg("0.10 0.20 1.50 1/100 4242\n"), Ok([0.10, 0.20, 1.50]));
        assert!(loadavg("0.10 x").is_err());
        assert_eq!(processors("cpu  1 2\ncpu0 1 2\ncpu1 1 2\nintr 5\n"), Ok(2));
        assert!(processors("").is_err());
        assert_eq!(uptime_seconds("12345.67 1.0\n"), Ok(12_345));
        assert!(uptime_seconds("").is_err());
        assert_eq!(oom_kills("pgfault 1\noom_kill 3\n"), Ok(3));
        assert!(oom_kills("pgfault 1\n").is_err());
    }

    #[test]
    fn accounts_and_groups() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nbroken\n";
        assert_eq!(account(passwd, |a| a.name == "app").map(|a| (a.uid, a.home)), Some((1000, "/home/app".into())));
        assert_eq!(account(passwd, |a| a.name == "nobody"), None);
        let group = "root:x:0:\nstaff:x:50:\nops:x:60:app\n";
        assert!(!group_has_members(passwd, group, 50, 0));
        assert!(group_has_members(passwd, group, 60, 0));
        assert!(group_has_members(passwd, group, 1000, 0));
        assert!(!group_has_members(passwd, group, 0, 0));
        // Whoever asks belongs to a group of their own.
        assert!(!group_has_members(passwd, group, 60, 1000));
        assert!(!group_has_members(passwd, group, 1000, 1000));
        assert_eq!(groups_of(group, "app").collect::<Vec<_>>(), [60]);
        assert_eq!(group_name(group, 50), Some("staff"));
        assert_eq!(group_name(group, 51), None);
    }

    #[test]
    fn bounds_in_both_layouts() {
        let new = bounds(
            "anon 100\nanon_thp 5\nfile 9\n",
            "low 0\noom 2\noom_kill 1\n",
            "usage_usec 1\nnr_periods 10\nnr_throttled 6\n",
        );
        assert_eq!(new, Bounds { own_memory: 100, kills: 1, periods: 10, throttled: 6 });
        let old = bounds(
            "rss 3\ntotal_cache 9\ntotal_rss 100\n",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
            "nr_periods 10\nnr_throttled 6\n",
        );
        assert_eq!(old, new);
        assert_eq!(bounds("", "x", "nr_periods x\n"), Bounds::default());
    }
}
