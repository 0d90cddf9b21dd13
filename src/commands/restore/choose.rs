//! Which copy a restore takes: by itself the newest that this host made, another only where it is named.

use super::{Args, At};
use crate::backup::catalogue::{Backup, Stock};
use crate::commands::backup::look::View;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::program;

/// Chooses a copy of a set: by itself one that this host made, another only where it is named and accepted.
pub(super) fn choose<'s>(
    args: &Args,
    context: &Context<'_>,
    view: &View<'_>,
    stock: &'s Stock,
) -> Result<&'s Backup, Error> {
    let name = stock.set.name;
    let found = match &args.at {
        None => stock.newest(),
        Some(At::Id(id)) => stock.find(*id),
        Some(At::Time(moment)) => {
            let time = moment.at(context.system.now(), &context.system.zone());
            stock.backups.iter().find(|backup| backup.is_verified() && time.is_some_and(|time| backup.id.time <= time))
        }
    };
    if let Some(gap) = view.gap.filter(|_| !matches!(args.at, Some(At::Id(_)))) {
        let message = format!("{}: the newest copy is unknown; nothing was changed", gap.words());
        let hint = format!("name one: {} restore {name} --at ID", program::name());
        return Err(Error::refused(Code::Gap, message).hint(hint));
    }
    let shown: Vec<String> = stock.ours().take(5).map(|backup| backup.id.to_string()).collect();
    let listed = match (shown.is_empty(), stock.backups.is_empty()) {
        (false, _) => format!("known: {}", shown.join(", ")),
        (true, true) => "no copy on the remote".to_owned(),
        (true, false) => format!("only unsigned copies: {} backup list {name}", program::name()),
    };
    let backup = found.ok_or_else(|| {
        Error::usage(Code::UnknownBackup, format!("no verified copy of {name} fits; nothing was changed")).hint(listed)
    })?;
    let refused = |code, why: &str, hint: std::fmt::Arguments<'_>| {
        Error::refused(code, format!("{name}/{}: {why}; nothing was changed", backup.id)).hint(program::command(hint))
    };
    match (&backup.trouble, &backup.unsigned) {
        (Some(trouble), _) => Err(refused(Code::BadCopy, trouble, format_args!("backup list {name}"))),
        (None, Some(why)) if !args.accept_unsigned => {
            let hint = format_args!("restore {name} --at {} --accept-unsigned", backup.id);
            Err(refused(Code::Unsigned, why, hint))
        }
        (None, _) => Ok(backup),
    }
}
