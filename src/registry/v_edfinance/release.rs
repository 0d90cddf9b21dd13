//! How v-edfinance's new versions go live (sheet §6).

use super::super::release::*;
use super::services::*;

/// Images come from elsewhere and must be on the host already (`pull_policy: never`).
pub static RELEASE: Release = Release {
    images: &[
        Image { service: &API, tag: "luahoa/v-edfinance-api:staging", previous: "luahoa/v-edfinance-api:previous" },
        Image { service: &WEB, tag: "luahoa/v-edfinance-web:staging", previous: "luahoa/v-edfinance-web:previous" },
    ],
    switch: Switch::Compose {
        env_file: None,
        file: "docker-compose.yml",
        project: "v-edfinance",
        services: &["api", "web"],
    },
    free_bytes: 2 << 30,
    note: Some(
        "images come with --load FILE or --pull; where Dokploy deploys the application, redeploy there, or it puts its own version \
         back; migrations are run apart: docker exec vedfinance-api npx prisma migrate deploy",
    ),
    ..Release::new(
        &["/root/v-edfinance"],
        "main",
        &[&API, &WEB],
        "the database: prisma migrate resolve edits only history",
    )
};
