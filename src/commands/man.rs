//! `opsctl man`: manual pages from the definitions of the command line.

use super::command;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::ui::Ui;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The verb whose page is wanted; the program's own when left out.
    #[arg(value_name = "VERB")]
    verb: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let (name, pages) = (program::name(), pages()?);
    let wanted = args.verb.as_ref().map_or_else(|| name.to_owned(), |verb| format!("{name}-{verb}"));
    let verbs = pages.iter().filter_map(|(page, _)| page.strip_prefix(name)?.strip_prefix('-'));
    let page = pages.iter().find(|(page, _)| *page == wanted);
    let (_, page) =
        page.ok_or_else(|| Error::no_such(Code::UnknownVerb, "verb", args.verb.as_deref().unwrap_or_default(), verbs))?;
    Ui::raw(page)?;
    Ok(Exit::Success)
}

/// All pages in troff, by name: `opsctl` and one for each verb.
///
/// # Errors
/// Never in practice: writing into memory does not fail.
pub fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command().disable_help_subcommand(true);
    command.build();
    let mut pages = vec![(program::name().to_owned(), page(command.clone())?)];
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("{}-{}", program::name(), verb.get_name());
        let named = verb.clone().name(name.clone()).bin_name(program::command(verb.get_name()));
        pages.push((name, page(named)?));
    }
    Ok(pages)
}

fn page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    clap_mangen::Man::new(command)
        .section("1")
        .source(format!("{} {}", program::name(), program::version()))
        .manual(format!("{} manual", program::name()))
        .render(&mut out)?;
    Ok(out)
}
