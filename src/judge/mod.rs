//! PURE. What was seen, judged: how healthy it is, which failure it is, and where registry and host differ.

pub mod diagnosis;
pub mod drift;
pub mod freshness;
pub mod health;
