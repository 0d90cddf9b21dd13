//! `opsctl history`: what was changed, when, by whom, and how it ended.

use crate::action::audit;
use crate::action::lock::{self, Holder};
use crate::alert::store;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::Verdict;
use crate::report::Head;
use crate::report::history::{History, StateFacts};

/// Arguments of `history`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print this many of the newest changes [default: 20]
    #[arg(short = 'n', long, value_name = "CHANGES", default_value_t = 20, hide_default_value = true)]
    tail: usize,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let (entries, torn) = audit::read(context.system).map_err(|error| {
        Error::unknown(Code::AuditUnreadable, format!("{} cannot be read: {error}", audit::FILE))
            .hint_if((!context.system.is_root()).then(|| program::again_as_root("history")))
    })?;
    if torn > 0 {
        let lines = match torn {
            1 => format!("1 line of {} is", audit::FILE),
            _ => format!("{torn} lines of {} are", audit::FILE),
        };
        context.ui.note(&format!("{lines} damaged and left out"));
    }
    let journal = audit::read_journal(context.system, &context.processes(), context.patience()?);
    let (journal, incomplete) = match journal {
        Ok(journal) => (journal, None),
        Err(trouble) => {
            let why = format!("entries that only the journal has are missing: {trouble}");
            if entries.is_empty() {
                return Err(Error::unknown(Code::NoHistory, format!("{} has nothing, and {why}", audit::FILE))
                    .hint("journalctl -t opsctl-audit _UID=0")
                    .into());
            }
            context.ui.note(&why);
            (Vec::new(), Some(why))
        }
    };
    let running = match lock::holder(context.system, deployment) {
        Holder::Held(note) if !note.by_hand => Some(note.pid),
        _ => None,
    };
    let head = Head::of(context.system, "opsctl/history/v1", deployment, Verdict::Pass, Exit::Success);
    let states = match store::read(context.system, deployment) {
        Ok(record) => record.state.changes,
        Err(error) => {
            context.ui.note(&format!("the record of checks cannot be read: {error}"));
            Vec::new()
        }
    };
    let states = states.iter().map(StateFacts::from).collect();
    let history = History::new(head, audit::merge(entries, journal), incomplete, running, args.tail);
    context.ui.report(&history.with_states(states, args.tail))?;
    Ok(Exit::Success)
}
