//! `/etc/fstab` (fstab(5)): what is to be mounted at boot.

use super::mountinfo::unescaped;

/// What is mounted at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// A device, `UUID=…`, a server's directory, or a word such as `tmpfs`.
    pub device: String,
    /// Where.
    pub point: String,
    /// Such as `ext4`.
    pub kind: String,
    options: Vec<String>,
}

/// Its entries; what is no entry is left out, as mount(8) does.
pub fn parse(text: &str) -> Vec<Entry> {
    let one = |line: &str| {
        let line = line.trim();
        let mut words = line.split_whitespace().take_while(|_| !line.starts_with('#'));
        let (device, point, kind) = (unescaped(words.next()?), unescaped(words.next()?), words.next()?.to_owned());
        let options = words.next().unwrap_or("defaults").split(',').map(str::to_owned).collect();
        let point = if point.len() > 1 { point.trim_end_matches('/').to_owned() } else { point };
        Some(Entry { device, point, kind, options })
    };
    text.lines().filter_map(one).collect()
}

impl Entry {
    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|own| own == option)
    }

    /// Whether it is mounted at a path by itself at every boot.
    pub fn is_automatic(&self) -> bool {
        let later =
            |option: &String| option.starts_with("x-systemd.automount") || option == "comment=systemd.automount";
        self.point.starts_with('/') && self.kind != "swap" && !self.has("noauto") && !self.options.iter().any(later)
    }

    /// Whether the boot goes on without it.
    pub fn may_fail(&self) -> bool {
        self.has("nofail") || self.has("_netdev")
    }

    /// Whether it is meant to be read only.
    pub fn is_read_only(&self) -> bool {
        self.has("ro")
    }

    /// The directory and the name below it of the device; `None` for what is no device.
    pub fn device_place(&self) -> Option<(&'static str, String)> {
        let by = |directory: &'static str, name: &str| Some((directory, name.trim_matches('"').to_owned()));
        match self.device.split_once('=') {
            Some(("UUID", name)) => by("/dev/disk/by-uuid", name),
            Some(("LABEL", name)) => by("/dev/disk/by-label", name),
            Some(("PARTUUID", name)) => by("/dev/disk/by-partuuid", name),
            Some(("PARTLABEL", name)) => by("/dev/disk/by-partlabel", name),
            Some(_) => None,
            None => self.device.strip_prefix("/dev/").and_then(|name| by("/dev", name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_what_the_boot_needs() {
        let text = "# x\nUUID=\"a-1\" / ext4 errors=remount-ro 0 1\n/dev/vdb1\t/srv/my\\040data/ xfs defaults,nofail 0 2\n\
            //nas/x /mnt cifs noauto 0 0\nUUID=b none swap sw 0 0\ntmpfs /tmp tmpfs\nbroken\n/dev/sdc /ro ext4 ro\n";
        let found = parse(text);
        let seen: Vec<_> = found
            .iter()
            .map(|e| (e.point.as_str(), e.is_automatic(), e.may_fail(), e.is_read_only(), e.device_place()))
            .collect();
        assert_eq!(
            seen,
            [
                ("/", true, false, false, Some(("/dev/disk/by-uuid", "a-1".to_owned()))),
                ("/srv/my data", true, true, false, Some(("/dev", "vdb1".to_owned()))),
                ("/mnt", false, false, false, None),
                ("none", false, false, false, Some(("/dev/disk/by-uuid", "b".to_owned()))),
                ("/tmp", true, false, false, None),
                ("/ro", true, false, true, Some(("/dev", "sdc".to_owned()))),
            ]
        );
    }
}
