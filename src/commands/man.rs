//! `opsctl man`: manual pages from the definitions of the command line.

use clap::CommandFactory;

use super::Cli;
use crate::error::Error;
use crate::exit::Exit;
use crate::ui::Ui;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The verb whose page is wanted; opsctl's own when left out.
    #[arg(value_name = "VERB")]
    verb: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let pages = pages()?;
    let wanted = args.verb.as_ref().map_or_else(|| "opsctl".to_owned(), |verb| format!("opsctl-{verb}"));
    let verbs = pages.iter().filter_map(|(name, _)| name.strip_prefix("opsctl-"));
    let page = pages.iter().find(|(name, _)| *name == wanted);
    let (_, page) =
        page.ok_or_else(|| Error::no_such("unknown_verb", "verb", args.verb.as_deref().unwrap_or_default(), verbs))?;
    Ui::raw(page)?;
    Ok(Exit::Success)
}

/// All pages in troff, by name: `opsctl` and one for each verb.
///
/// # Errors
/// Never in practice: writing into memory does not fail.
pub fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = vec![("opsctl".to_owned(), page(command.clone())?)];
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("opsctl-{}", verb.get_name());
        let named = verb.clone().name(name.clone()).bin_name(format!("opsctl {}", verb.get_name()));
        pages.push((name, page(named)?));
    }
    Ok(pages)
}

fn page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    clap_mangen::Man::new(command)
        .section("1")
        .source(concat!("opsctl ", env!("CARGO_PKG_VERSION")))
        .manual("opsctl manual")
        .render(&mut out)?;
    Ok(out)
}
