//! `docker image` and `docker compose up`: what a container runs, and how it comes to run another.

use std::collections::BTreeMap;

use super::command::Command;
use super::{Account, Argv, Input, Malformed};

/// All images, with what they are called.
pub fn list() -> Argv {
    Argv::new("docker", ["image", "ls", "--all", "--no-trunc", "--format={{.ID}} {{.Repository}}:{{.Tag}}"])
}

/// Gives an image another name.
pub fn tag(image: &str, name: &str) -> Argv {
    Argv::new("docker", ["image", "tag", image, name])
}

/// Takes images out of an archive on this host.
pub fn load(file: &str) -> Argv {
    Argv::new("docker", ["image", "load", "--quiet"]).with([format!("--input={file}")])
}

/// Fetches an image from its registry.
pub fn pull(image: &str) -> Argv {
    Argv::new("docker", ["image", "pull", "--quiet", "--", image])
}

/// Makes those containers of a project anew whose image or configuration has changed. No image is built or pulled, and what
/// they depend on is left alone. The owner's home is kept: the client finds its engine (contexts) and compose itself (plugins)
/// there.
pub fn up(
    owner: Option<&Account>,
    file: &str,
    env_file: Option<&str>,
    project: &str,
    services: &[&'static str],
) -> Argv {
    let argv = Argv::new("docker", ["compose", "--progress=quiet"]);
    let argv = argv.with(env_file.map(|file| format!("--env-file={file}")));
    let argv = argv.with([format!("--project-name={project}"), format!("--file={file}")]);
    let argv = argv.with(["up", "--detach", "--no-deps", "--no-build", "--pull=never"]);
    argv.with(services.iter().copied()).by(owner).at_home().finishes()
}

/// Values of variables in a container, a line each.
pub fn variables(container: &str, names: &[&str]) -> Argv {
    Argv::new("docker", ["exec", container, "printenv"]).with(names.iter().copied())
}

/// Gives SQL to the `psql` of a container: all of it in one transaction, or nothing.
pub fn apply(container: &str, user: &str, database: &str, input: Input) -> Argv {
    let argv = Argv::new("docker", ["exec", "--interactive", container, "psql", "--no-psqlrc", "--quiet"])
        .with(["--single-transaction", "--set=ON_ERROR_STOP=1"])
        .with([format!("--username={user}"), format!("--dbname={database}"), "--file=-".to_owned()]);
    Argv { input: Some(input), ..argv }.finishes()
}

/// Has the `psql` of a container read questions, in a session that can change nothing and in which no statement lasts longer
/// than two seconds; a row a line.
pub fn question(container: &str, user: &str, database: &str, input: Input) -> Argv {
    let session = "--env=PGOPTIONS=-c default_transaction_read_only=on -c timezone=UTC -c statement_timeout=2s \
                   -c lock_timeout=1s";
    let argv = Argv::new("docker", ["exec", "--interactive", session, container, "psql", "--no-psqlrc", "--quiet"])
        .with(["--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
        .with([format!("--username={user}"), format!("--dbname={database}")]);
    Argv { input: Some(input), ..argv }
}

/// One such question as one would type it.
pub fn psql(container: &str, user: &str, database: &str, sql: &str) -> Command {
    Command::new(["docker", "exec", container, "psql", "-U", user, "-d", database, "-Atc", sql])
}

/// Asks the `psql` of a container, which prints bare values.
pub fn ask(container: &str, user: &str, database: &str, query: &str) -> Argv {
    Argv::new("docker", ["exec", container, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]).with([
        format!("--username={user}"),
        format!("--dbname={database}"),
        format!("--command={query}"),
    ])
}

/// Parses the output of [`load`]: what the images of the archive are called.
pub fn parse_loaded(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("Loaded image: ")).map(|name| name.trim().to_owned()).collect()
}

/// All images with their sizes, for [`parse_sizes`].
pub fn sizes() -> Argv {
    Argv::new("docker", ["image", "ls", "--no-trunc", "--format={{.ID}} {{.Repository}}:{{.Tag}} {{.Size}}"])
}

/// What docker keeps of builds, for [`parse_build_cache`].
pub fn usage() -> Argv {
    Argv::new("docker", ["system", "df", "--format={{.Type}}={{.Reclaimable}}"])
}

/// Id, name (`<none>:<none>` of one that has none) and bytes of each image.
///
/// # Errors
/// When a line is none of [`sizes`].
pub fn parse_sizes(text: &str) -> Result<Vec<(String, String, u64)>, Malformed> {
    let wrong = || Malformed::new("`ID NAME SIZE` a line from `docker image ls`", text);
    let one = |line: &str| {
        let (id, rest) = line.split_once(' ').ok_or_else(wrong)?;
        let (name, size) = rest.split_once(' ').ok_or_else(wrong)?;
        Ok((id.to_owned(), name.to_owned(), bytes(size).ok_or_else(wrong)?))
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(one).collect()
}

/// Bytes that the build cache would give back.
///
/// # Errors
/// When nothing is said of it.
pub fn parse_build_cache(text: &str) -> Result<u64, Malformed> {
    let size = text.lines().find_map(|line| line.strip_prefix("Build Cache="));
    size.and_then(bytes).ok_or_else(|| Malformed::new("`Build Cache=SIZE` from `docker system df`", text))
}

/// Docker's sizes are powers of 1000: `1.24GB`, `512kB`, `0B`, and with a part of the whole behind it `12MB (3%)`.
fn bytes(text: &str) -> Option<u64> {
    let word = text.split_whitespace().next()?;
    let (number, unit) = word.split_at(word.find(|c: char| c.is_ascii_alphabetic())?);
    let factor = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        _ => return None,
    };
    Some(super::whole(number.parse::<f64>().ok()? * factor))
}

/// The images of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Images {
    /// Ids by name.
    pub named: BTreeMap<String, String>,
    /// All ids.
    pub ids: std::collections::BTreeSet<String>,
}

/// Parses the output of [`list`].
///
/// # Errors
/// When a line is not an id and a name.
pub fn parse_list(text: &str) -> Result<Images, Malformed> {
    let mut images = Images::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (id, name) = line.split_once(' ').filter(|(id, _)| id.starts_with("sha256:")).ok_or_else(|| {
            // A warning before the list is no reason to trust the rest.
            Malformed::new("images from `docker image ls`", line)
        })?;
        images.ids.insert(id.to_owned());
        if !name.contains("<none>") {
            images.named.insert(name.to_owned(), id.to_owned());
        }
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_ids_and_most_have_names() {
        let images = parse_list("sha256:aa app:latest\nsha256:aa app:previous\nsha256:bb <none>:<none>\n").unwrap();
        assert_eq!(images.named["app:previous"], "sha256:aa");
        assert_eq!((images.named.len(), images.ids.len()), (2, 2));
        assert_eq!(parse_list(""), Ok(Images::default()));
        assert!(parse_list("WARNING: no swap limit\nsha256:aa app:latest\n").is_err());
        assert!(parse_list("sha256:aa").is_err());
    }

    #[test]
    fn sizes_are_read_in_the_units_of_docker() {
        let text = "sha256:aa app:1.2 1.24GB\nsha256:bb <none>:<none> 512kB\n";
        let rows = parse_sizes(text).unwrap();
        assert_eq!(rows[0], ("sha256:aa".to_owned(), "app:1.2".to_owned(), 1_240_000_000));
        assert_eq!(rows[1].2, 512_000);
        assert!(parse_sizes("sha256:aa app:1.2").is_err() && parse_sizes("a b:c much").is_err());
        assert_eq!(parse_build_cache("Images=1.2GB (20%)\nBuild Cache=12.5MB\n").ok(), Some(12_500_000));
        assert!(parse_build_cache("Images=0B (0%)\n").is_err());
    }

    #[test]
    fn a_question_cannot_change_anything() {
        let input = Input::bytes("a.sql", "SELECT 1");
        assert_eq!(
            question("db", "me", "mine", input).to_string(),
            "docker exec --interactive '--env=PGOPTIONS=-c default_transaction_read_only=on -c timezone=UTC -c \
             statement_timeout=2s -c lock_timeout=1s' db psql --no-psqlrc --quiet --tuples-only --no-align \
             --set=ON_ERROR_STOP=1 --username=me --dbname=mine < a.sql"
        );
        assert_eq!(psql("db", "me", "mine", "SELECT 1").text(), "docker exec db psql -U me -d mine -Atc 'SELECT 1'");
    }

    #[test]
    fn an_archive_tells_what_its_images_are_called() {
        let text = "Loaded image: app:latest\nLoaded image ID: sha256:aa\nLoaded image: app:previous\n";
        assert_eq!(parse_loaded(text), ["app:latest", "app:previous"]);
        assert_eq!(parse_loaded("Loaded image ID: sha256:aa\n"), Vec::<String>::new());
    }

    #[test]
    fn containers_are_made_anew_without_touching_what_they_need() {
        assert_eq!(
            up(None, "/srv/x/compose.yml", Some("/srv/x/.env"), "infra", &["web", "worker"]).to_string(),
            "docker compose --progress=quiet --env-file=/srv/x/.env --project-name=infra --file=/srv/x/compose.yml up --detach \
             --no-deps --no-build --pull=never web worker"
        );
        let input = Input::bytes("007.sql", "select 1");
        assert_eq!(
            apply("db", "me", "mine", input).to_string(),
            "docker exec --interactive db psql --no-psqlrc --quiet --single-transaction --set=ON_ERROR_STOP=1 --username=me \
             --dbname=mine --file=- < 007.sql"
        );
    }
}
