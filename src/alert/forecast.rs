//! PURE. When a file system will be full at the rate of the last hours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a file system will be full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    /// Where it is mounted.
    pub mounted_on: String,
    /// In how many seconds it will be full.
    pub full_in_seconds: u64,
    /// How fast it fills up, bytes an hour.
    pub bytes_per_hour: u64,
    /// From how many seconds of measurements.
    pub measured_seconds: u64,
}
