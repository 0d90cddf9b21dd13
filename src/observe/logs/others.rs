//! The last lines of units and containers that no service of the registry is: few, and only where something is wrong with them.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::destinations::Destinations;
use super::line::Said;
use super::source::{Kind, Source};
use super::{Finish, Quiet, Wanted, World, merge, start};
use crate::host::system::System;
use crate::host::tools::Argv;
use crate::host::trouble::Trouble;
use crate::registry::Deployment;

/// What is not a service of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Other {
    /// A unit of systemd.
    Unit(String),
    /// A container.
    Container(String),
}

impl Other {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Other::Unit(name) | Other::Container(name) => name,
        }
    }
}

/// Its newest lines, oldest first, without secrets and in short.
///
/// # Errors
/// Why there are none to be had within `limit`.
pub fn last_lines(
    system: &System,
    trace: Option<fn(&Argv)>,
    deployment: &'static Deployment,
    other: &Other,
    count: u64,
    limit: Duration,
) -> Result<Vec<Said>, Trouble> {
    let source = match other {
        Other::Unit(name) => {
            let kind = Kind::Journal { units: vec![name.clone()], namespaced: false };
            Source::without_service(format!("journal:{name}"), kind)
        }
        Other::Container(name) => Source::without_service(format!("container:{name}"), Kind::Container),
    };
    let here = Destinations { sources: vec![source], ..Destinations::default() };
    let wanted = Wanted { tail: Some(count), brief: true, ..Wanted::default() };
    let (world, _notes) = World::new(system, trace, deployment, here, wanted, limit);
    let (said, heard) = channel();
    let said = Mutex::new(said);
    let finish: Finish = Arc::new(move |_, line, _| {
        if let Ok(said) = said.lock() {
            // Nobody listens only when the time is over.
            let _ = said.send(Said::of(line));
        }
    });
    start(&world, &finish);
    drop(finish);
    let watch = Quiet::of(&world);
    // Nothing is printed, so nothing can fail to be.
    let ending = merge::merge(&world.board, &mut std::io::sink(), &watch, Some(Instant::now() + limit));
    let late = ending.is_ok_and(|ending| !ending.unfinished.is_empty());
    let lines: Vec<Said> = heard.try_iter().collect();
    match (lines.is_empty(), watch.first_trouble()) {
        (true, Some(trouble)) => Err(trouble),
        (true, None) if late => Err(Trouble::TimedOut(limit)),
        (_, _) => Ok(lines),
    }
}
