//! What fits another variant than the one it is called on is refused, not ignored.

use opsctl::registry::{Probe, Secret};

static PROBE: Probe = Probe::mongo(27017).password(Secret::in_file("/srv/shop/.env").key("PASSWORD"));

fn main() {}
