//! How v-edfinance's new versions go live.

use super::super::release::*;
use super::services::*;

/// Images come from elsewhere and must be on the host already (`pull_policy: never`).
pub static RELEASE: Release = Release::new(&[&API, &WEB])
    .source(&["/root/v-edfinance"])
    .branch("main")
    .images(&[
        Image::new("luahoa/v-edfinance-api:staging", &API).previous("luahoa/v-edfinance-api:previous"),
        Image::new("luahoa/v-edfinance-web:staging", &WEB).previous("luahoa/v-edfinance-web:previous"),
    ])
    .switch(Switch::compose("v-edfinance").file("docker-compose.yml").services(&["api", "web"]))
    .free_bytes(2 << 30)
    .stays("the database: prisma migrate resolve edits only history")
    .note(
        "images come with --load FILE or --pull; if Dokploy deploys the application, redeploy there, or Dokploy \
         deploys its own version again; run migrations separately: docker exec vedfinance-api npx prisma migrate \
         deploy",
    );
