//! `rclone`: what is sent to a remote, read back from it, listed and deleted there.

use serde::Deserialize;

use super::{Argv, Hidden, Input, Malformed};

/// What of a remote every call needs to know.
#[derive(Debug, Clone)]
pub struct Door {
    /// rclone's configuration, as the file system has it.
    pub config: String,
    /// `name:bucket/prefix`.
    pub place: String,
    /// Options of the remote by their variables.
    pub secrets: Vec<(&'static str, Hidden)>,
    /// Whether it says how a transfer is getting on, for somebody who looks on.
    pub tells: bool,
}

/// A call that gives up in time: a host that does not answer in ten seconds, or says nothing for 45, will not do so later.
/// Nothing is asked on the terminal, and nothing of the caller's environment reaches it.
fn rclone<'a>(door: &Door, verb: &str, words: impl IntoIterator<Item = &'a str>) -> Argv {
    let mut argv = Argv::new("rclone", [verb, "--config", &door.config, "--ask-password=false"]).with([
        "--contimeout=10s",
        "--timeout=45s",
        "--retries=1",
        "--low-level-retries=2",
    ]);
    argv = match door.tells {
        true => argv.with(["--stats=250ms", "--stats-one-line", "--stats-log-level=NOTICE"]),
        false => argv.with(["--stats=0"]),
    };
    // A bucket that is not there is an error, and not to be made.
    argv.env.push(("RCLONE_S3_NO_CHECK_BUCKET", "true".to_owned()));
    argv.secrets.clone_from(&door.secrets);
    argv.with(words)
}

/// Everything below the remote's prefix, with its size.
pub fn list(door: &Door) -> Argv {
    rclone(door, "lsjson", ["--recursive", "--files-only", "--no-modtime", "--no-mimetype", "--", &door.place])
}

/// All files of a directory, under the paths that they have in it. Nothing is there under these names yet. Sums are not rclone's
/// affair: what comes back is compared with what was sent, to the last byte.
pub fn upload(door: &Door, directory: &str) -> Argv {
    rclone(
        door,
        "copy",
        ["--ignore-times", "--ignore-checksum", "--error-on-no-transfer", "--", directory, &door.place],
    )
}

/// These objects, into a directory.
pub fn fetch(door: &Door, paths: &[String], directory: &str) -> Argv {
    let words =
        ["--ignore-times", "--ignore-checksum", "--no-traverse", "--files-from-raw=-", "--", &door.place, directory];
    Argv { input: Some(names(paths)), ..rclone(door, "copy", words) }
}

/// How a transfer is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Getting<'t> {
    /// In hundredths of it all; `None` where it is not known how much that is.
    pub percent: Option<u8>,
    /// How much, how fast and how much longer, in rclone's words.
    pub words: &'t str,
}

/// Parses a line of statistics: `2026/11/22 03:00:01 NOTICE:    52.500 MiB / 100 MiB, 53%, 26.250 MiB/s, ETA 1s`.
pub fn parse_stats(line: &str) -> Option<Getting<'_>> {
    let (_, words) = line.split_once("NOTICE:")?;
    let words = words.trim();
    let mut parts = words.split(", ");
    let (amount, percent, rate) = (parts.next()?, parts.next()?, parts.next()?);
    let percent = percent.strip_suffix('%').or(percent.eq("-").then_some(percent))?;
    (amount.contains(" / ") && rate.ends_with("/s")).then(|| Getting { percent: percent.parse().ok(), words })
}

/// Deletes these objects and no others.
pub fn delete(door: &Door, paths: &[String]) -> Argv {
    let argv = rclone(door, "delete", ["--no-traverse", "--files-from-raw=-", "--", &door.place]);
    Argv { input: Some(names(paths)), ..argv }
}

/// The version, and that it can be run at all.
pub fn version() -> Argv {
    Argv::new("rclone", ["version"])
}

fn names(paths: &[String]) -> Input {
    Input::bytes("names", paths.join("\n") + "\n")
}

/// A row of [`list`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RemoteObject {
    /// Path below what was listed.
    pub path: String,
    /// Size, bytes; -1 where the remote does not say.
    pub size: i64,
}

/// Parses [`list`].
///
/// # Errors
/// When it is no list of objects, or not all of one.
pub fn parse_list(text: &str) -> Result<Vec<RemoteObject>, Malformed> {
    serde_json::from_str(text).map_err(|_| Malformed::new("a list of objects", text))
}

/// Parses [`version`]: `v1.60.1-DEV`.
pub fn parse_version(text: &str) -> Option<String> {
    text.lines().next()?.strip_prefix("rclone ").map(|version| version.trim().to_owned())
}

/// Keys and values of a configuration, of all remotes in it. Everything behind `=` is the value.
pub fn settings(config: &str) -> impl Iterator<Item = (&str, &str)> {
    let comment = |line: &&str| line.starts_with(['#', ';', '[']);
    let lines = config.lines().map(str::trim).filter(move |line| !comment(line));
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;

    #[test]
    fn statistics_are_told_from_everything_else() {
        let line = "2026/11/22 03:00:01 NOTICE:    52.500 MiB / 100 MiB, 53%, 26.250 MiB/s, ETA 1s";
        let words = "52.500 MiB / 100 MiB, 53%, 26.250 MiB/s, ETA 1s";
        assert_eq!(parse_stats(line), Some(Getting { percent: Some(53), words }));
        let unknown = "2026/11/22 03:00:01 NOTICE:           0 B / 0 B, -, 0 B/s, ETA -";
        assert_eq!(parse_stats(unknown).unwrap().percent, None);
        for cut in 0..line.len() - 9 {
            assert!(parse_stats(&line[..cut]).is_none_or(|getting| getting.percent == Some(53)), "{cut}");
        }
        assert_eq!(parse_stats("2026/11/22 03:00:01 NOTICE: wallet/a.db: a / b, was skipped, in truth"), None);
        assert_eq!(parse_stats("2026/11/22 03:00:01 ERROR : 1 MiB / 2 MiB, 50%, 1 MiB/s, ETA 1s"), None);
    }

    fn door() -> Door {
        Door {
            config: "/root/.config/rclone/rclone.conf".to_owned(),
            place: "r2backup:prim-backups/opsctl".to_owned(),
            secrets: vec![("RCLONE_CONFIG_R2BACKUP_ACCESS_KEY_ID", Hidden::new("canary".to_owned()))],
            tells: false,
        }
    }

    const HEAD: &str = "--config /root/.config/rclone/rclone.conf --ask-password=false --contimeout=10s --timeout=45s \
                        --retries=1 --low-level-retries=2 --stats=0";
    const ENV: &str =
        "RCLONE_S3_NO_CHECK_BUCKET=true RCLONE_CONFIG_R2BACKUP_ACCESS_KEY_ID=\"$RCLONE_CONFIG_R2BACKUP_ACCESS_KEY_ID\"";

    #[test]
    fn commands() {
        let paths = ["wallet/a.db".to_owned(), "wallet/a.json".to_owned()];
        assert_eq!(
            list(&door()).to_string(),
            format!(
                "{ENV} rclone lsjson {HEAD} --recursive --files-only --no-modtime --no-mimetype -- r2backup:prim-backups/opsctl"
            )
        );
        assert_eq!(
            upload(&door(), "/s").to_string(),
            format!(
                "{ENV} rclone copy {HEAD} --ignore-times --ignore-checksum --error-on-no-transfer -- /s r2backup:prim-backups/opsctl"
            )
        );
        let fetch = fetch(&door(), &paths, "/s");
        assert_eq!(
            fetch.to_string(),
            format!(
                "{ENV} rclone copy {HEAD} --ignore-times --ignore-checksum --no-traverse --files-from-raw=- -- r2backup:prim-backups/opsctl /s < names"
            )
        );
        assert_eq!(fetch.input.unwrap().content, Content::Bytes(b"wallet/a.db\nwallet/a.json\n".to_vec()));
        assert_eq!(
            delete(&door(), &paths).to_string(),
            format!(
                "{ENV} rclone delete {HEAD} --no-traverse --files-from-raw=- -- r2backup:prim-backups/opsctl < names"
            )
        );
        assert!(!format!("{:?}", list(&door())).contains("canary"));
        let telling = upload(&Door { tells: true, ..door() }, "/s").to_string();
        assert!(telling.contains(" --stats=250ms --stats-one-line --stats-log-level=NOTICE "), "{telling}");
    }

    #[test]
    fn g10_a_listing_is_whole_or_none() {
        let text = r#"[
{"Path":"wallet/a.db","Name":"a.db","Size":8192,"ModTime":"","IsDir":false,"Tier":"STANDARD"},
{"Path":"x.db","Name":"x.db","Size":-1,"ModTime":"","IsDir":false}
]
"#;
        let rows = parse_list(text).unwrap();
        assert_eq!((rows[0].path.as_str(), rows[0].size, rows[1].size, rows.len()), ("wallet/a.db", 8192, -1, 2));
        assert_eq!(parse_list("[]"), Ok(Vec::new()));
        for cut in 0..text.trim_end().len() {
            assert!(parse_list(&text[..cut]).is_err(), "{cut}");
        }
        assert_eq!(parse_version("rclone v1.60.1-DEV\n- os/version: debian"), Some("v1.60.1-DEV".to_owned()));
        assert_eq!(parse_version("bash: no"), None);
    }
}
