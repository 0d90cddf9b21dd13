//! A program of the host's, which reads this program's own document on its standard input.

use super::{Message, Unfit, webhook};
use crate::host::tools::{Argv, Input};

pub(super) fn argv(argv: &'static [&'static str], message: &Message) -> Result<Argv, Unfit> {
    let (program, args) = argv.split_first().ok_or_else(|| Unfit::Malformed("its command is empty".to_owned()))?;
    let document = serde_json::to_string(&webhook::document(message)).unwrap_or_default();
    Ok(Argv { input: Some(Input::bytes("the document", document)), ..Argv::new(program, args.iter().copied()) })
}
