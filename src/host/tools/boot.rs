//! `systemctl`: what starts a unit at boot, and which timers run.

use super::{Argv, Malformed};

/// What else than being enabled may start these units.
pub fn wanted<'a>(units: impl IntoIterator<Item = &'a str>) -> Argv {
    const PROPERTIES: &str =
        "Id,LoadState,ActiveState,UnitFileState,ConditionResult,WantedBy,RequiredBy,UpheldBy,BoundBy,TriggeredBy";
    Argv::new("systemctl", ["show", "--no-pager", "--property", PROPERTIES, "--"]).with(units)
}

/// The state of every timer that is loaded.
pub fn timers() -> Argv {
    Argv::new("systemctl", ["list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager", "--type=timer"])
}

/// What may start a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub id: String,
    pub load: String,
    pub active: String,
    /// `enabled`, `disabled`, `masked`, `static` and so on.
    pub file_state: String,
    /// Whether its conditions held when it was last started; without a start not.
    pub condition: bool,
    /// Units that start it.
    pub by: Vec<String>,
    /// Sockets, timers and paths that do so when something happens.
    pub triggered_by: Vec<String>,
}

/// Parses the output of [`wanted`].
///
/// # Errors
/// When there is no unit, or one without its states.
pub fn parse(text: &str) -> Result<Vec<Wanted>, Malformed> {
    let one = |block: &str| {
        let get = |key: &str| block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let names = |keys: &[&str]| -> Vec<String> {
            keys.iter().filter_map(|key| get(key)).flat_map(str::split_whitespace).map(str::to_owned).collect()
        };
        Some(Wanted {
            id: get("Id")?.to_owned(),
            load: get("LoadState")?.to_owned(),
            active: get("ActiveState")?.to_owned(),
            file_state: get("UnitFileState").unwrap_or_default().to_owned(),
            condition: get("ConditionResult") == Some("yes"),
            by: names(&["WantedBy", "RequiredBy", "UpheldBy", "BoundBy"]),
            triggered_by: names(&["TriggeredBy"]),
        })
    };
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
    let found: Option<Vec<Wanted>> = blocks.map(one).collect();
    found.filter(|found| !found.is_empty()).ok_or_else(|| Malformed::new("units and what wants them", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wants_a_unit_is_read() {
        let text = "Id=a.timer\nRequiredBy=\nWantedBy=timers.target\nTriggeredBy=\nLoadState=loaded\nActiveState=active\n\
            UnitFileState=enabled\nConditionResult=yes\n\nId=b.service\nWantedBy=\nLoadState=loaded\nActiveState=inactive\n\
            UnitFileState=disabled\nConditionResult=no\n";
        let found = parse(text).unwrap_or_default();
        let seen: Vec<_> =
            found.iter().map(|u| (u.id.as_str(), u.file_state.as_str(), u.condition, u.by.len())).collect();
        assert_eq!(seen, [("a.timer", "enabled", true, 1), ("b.service", "disabled", false, 0)]);
        assert!(parse("").is_err() && parse("Id=a\n").is_err());
    }
}
