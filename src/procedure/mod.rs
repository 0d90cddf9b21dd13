//! Procedures of a runbook: `values` and `invocation` make commands of what was given, `plan` (PURE) says what would be done, `assess`
//! checks what must hold, `run` does one step after the other, `journal` keeps how far that came, `undo` goes back; `secrets` holds what is
//! never shown, `keys` (of files) what they become.

pub mod address;
pub mod assess;
pub mod invocation;
pub mod journal;
pub mod keys;
pub mod plan;
pub mod reclaim;
pub mod run;
pub mod secrets;
pub mod step;
pub mod stop;
pub mod truth;
pub mod undo;
pub mod values;

#[cfg(test)]
mod tests;
