//! How ai-fsm's new versions go live.

use super::super::release::*;
use super::services::*;

/// Images are built on the Pi and can be pulled from nowhere, so those before are kept under another tag.
pub static RELEASE: Release = Release::new(&[&WEB, &WORKER])
    .source(&["/home/pi/ai-fsm", "/home/nick/ai-fsm", "/opt/ai-fsm", "/srv/ai-fsm"])
    .branch("main")
    .images(&[
        Image::new("ai-fsm-web:local", &WEB).previous("ai-fsm-web:previous"),
        Image::new("ai-fsm-worker:local", &WORKER).previous("ai-fsm-worker:previous"),
    ])
    .build(&[Task::new("build the images of web and worker")
        .program("docker")
        .args(&[
            "compose",
            "--env-file={source}/.env",
            "--project-name=infra",
            "--file={source}/infra/compose.pi.yml",
            "build",
            "--quiet",
            "web",
            "worker",
        ])
        .deadline_seconds(1800)])
    // Role and database are the container's own.
    .schema(Schema::migrations("db/migrations").except("seed").container("ai-fsm-postgres"))
    .switch(Switch::compose("infra").env_file(".env").file("infra/compose.pi.yml").services(&["web", "worker"]))
    .free_bytes(2 << 30)
    .backups(&["/home/pi/backups", "/home/nick/backups"])
    .stays("migrations: only a restore undoes them");
