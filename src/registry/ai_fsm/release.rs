//! How ai-fsm's new versions go live (sheet §6).

use super::super::release::*;
use super::services::*;

/// Images are built on the Pi and can be pulled from nowhere (D16), so those before are kept under another tag.
pub static RELEASE: Release = Release {
    images: &[
        Image { service: &WEB, tag: "ai-fsm-web:local", previous: "ai-fsm-web:previous" },
        Image { service: &WORKER, tag: "ai-fsm-worker:local", previous: "ai-fsm-worker:previous" },
    ],
    build: &[Task {
        title: "build the images of web and worker",
        program: "docker",
        args: &[
            "compose",
            "--env-file={source}/.env",
            "--project-name=infra",
            "--file={source}/infra/compose.pi.yml",
            "build",
            "--quiet",
            "web",
            "worker",
        ],
        deadline_seconds: 1800,
    }],
    // Role and database are the container's own (D2).
    schema: Some(Schema::Migrations { directory: "db/migrations", except: "seed", container: "ai-fsm-postgres" }),
    switch: Switch::Compose {
        env_file: Some(".env"),
        file: "infra/compose.pi.yml",
        project: "infra",
        services: &["web", "worker"],
    },
    free_bytes: 2 << 30,
    backups: &["/home/pi/backups", "/home/nick/backups"],
    ..Release::new(
        &["/home/pi/ai-fsm", "/home/nick/ai-fsm", "/opt/ai-fsm", "/srv/ai-fsm"],
        "main",
        &[&WEB, &WORKER],
        "migrations: there is no way down but a restore",
    )
};
