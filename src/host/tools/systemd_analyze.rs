//! `systemd-analyze verify`: settings that systemd reads and ignores.

use super::Argv;

/// Checks these unit files, without their manual pages and without what they pull in.
pub fn verify<'a>(units: impl IntoIterator<Item = &'a str>) -> Argv {
    Argv::new("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", "--"]).with(units)
}

/// A complaint about a line of a unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Unit file.
    pub file: String,
    /// Line number and text.
    pub message: String,
}

/// Parses the complaints, which come on stderr as `FILE:LINE: text`. Other lines are about other units and passed over.
pub fn parse(stderr: &str) -> Vec<Complaint> {
    stderr
        .lines()
        .filter_map(|line| {
            let (file, rest) = line.split_once(':')?;
            let (number, text) = rest.split_once(':')?;
            number.parse::<u32>().ok()?;
            file.starts_with('/').then(|| Complaint { file: file.to_owned(), message: format!("line {number}:{text}") })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_a_line_of_a_file_are_kept() {
        let stderr = "/etc/systemd/system/w.service:9: Failed to parse service restart specifier, ignoring: unless-stopped\n\
                      w.service: Command /usr/bin/x is not executable: No such file or directory\n";
        assert_eq!(
            parse(stderr),
            [Complaint {
                file: "/etc/systemd/system/w.service".into(),
                message: "line 9: Failed to parse service restart specifier, ignoring: unless-stopped".into()
            }]
        );
    }
}
