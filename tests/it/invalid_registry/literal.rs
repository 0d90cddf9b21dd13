//! Types can get more fields: other crates make them by their constructors.

use opsctl::registry::Level;

static DOWN: Level =
    Level { id: "down", criterion: "c", response: "now", response_seconds: None, action: "a", mttr: None };

fn main() {}
