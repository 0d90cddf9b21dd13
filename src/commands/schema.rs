//! `opsctl schema`: the JSON Schema of each document.

use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::report::schemas;
use crate::ui::Ui;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of a document; all names are listed when it is left out.
    #[arg(value_name = "NAME")]
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
