//! What is seen: what services answer, what they wrote, and what else decides between causes. Nothing here judges.

pub mod clues;
pub mod logs;
pub mod probe;
