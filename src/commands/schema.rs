//! `opsctl schema`: the JSON Schema of each document.

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::report::schemas;
use crate::ui::Ui;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Document to describe [default: list their names]
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete_documents))]
    name: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let schemas = schemas();
    let Some(name) = &args.name else {
        let names: Vec<&str> = schemas.iter().map(|(name, _)| *name).collect();
        Ui::raw(format!("{}\n", names.join("\n")).as_bytes())?;
        return Ok(Exit::Success);
    };
    let found = schemas.iter().find(|(known, _)| known == name);
    let names = schemas.iter().map(|(name, _)| *name);
    let (_, schema) = found.ok_or_else(|| Error::no_such(Code::UnknownSchema, "document", name, names))?;
    Ui::raw(format!("{:#}\n", schema.as_value()).as_bytes())?;
    Ok(Exit::Success)
}

fn complete_documents() -> Vec<CompletionCandidate> {
    schemas().into_iter().map(|(name, _)| CompletionCandidate::new(name)).collect()
}
