//! How plugspace's new versions go live.

use super::super::release::*;
use super::services::*;
use crate::registry::Service;

static SERVICES: &[&Service] = &[&API, &VOICE, &WORKER, &FRONTEND, &STUDIO, &ADMIN];

/// The schema is MongoDB's, so it is pushed, not migrated; after the build, so that a failed one has changed nothing.
pub static RELEASE: Release = Release::new(SERVICES)
    .source(&["/home/plugspace/plugspace", "/home/plugspace/app", "/var/www/plugspace"])
    .branch("main")
    .build(&[
        Task::new("install dependencies")
            .program("npm")
            .args(&["--prefix", "{source}", "ci", "--no-audit", "--no-fund"])
            .deadline_seconds(900),
        Task::new("build").program("npm").args(&["--prefix", "{source}", "run", "build"]).deadline_seconds(1200),
    ])
    .schema(Schema::Push(
        Task::new("push the schema to MongoDB")
            .program("npm")
            .args(&["--prefix", "{source}", "run", "db:push"])
            .deadline_seconds(300),
    ))
    .switch(Switch::Reload)
    .free_bytes(3 << 30)
    .backups(&["/home/plugspace/backups"])
    .stays("the database: pushed schema changes, and all data")
    .note("four applications never send the ready signal that pm2 waits for, so each reload lasts its whole timeout");
