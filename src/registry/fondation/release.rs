//! How fondation's new versions go live: the image is built elsewhere, and loaded or pulled here.

use super::super::release::*;
use super::services::*;

/// The runbook's rollback needs a tag `previous` that nobody makes: here it is made before each switch.
pub static RELEASE: Release = Release::new(&[&WORKER])
    .source(&[])
    .branch("")
    .images(&[Image::new("fondation-worker:latest", &WORKER).previous("fondation-worker:previous")])
    .free_bytes(2 << 30)
    .stays("Convex functions and schema, which are deployed separately; jobs that were active")
    .note("the new image comes with --load FILE or --pull=IMAGE; Convex functions are deployed separately");
