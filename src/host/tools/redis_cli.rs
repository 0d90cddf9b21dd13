//! `redis-cli` in the container of a server that publishes no port.

use super::Argv;

/// Asks a server what it says of itself: the command that [`crate::host::protocol::redis_info::SECTIONS`] is.
pub fn info(container: &str) -> Argv {
    Argv::new("docker", ["exec", container, "redis-cli", "INFO"])
}

/// Whether an image is that of Redis or of what took its place: `redis:7`, `registry.example/valkey/valkey@sha256:…`.
pub fn is_server(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    matches!(name.split(':').next(), Some("redis" | "valkey"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_by_their_image() {
        for image in
            ["redis", "redis:7", "docker.io/library/redis:7-alpine", "valkey/valkey:8", "x:5000/redis@sha256:0"]
        {
            assert!(is_server(image), "{image}");
        }
        for image in ["", "redis-exporter:1", "redis/redisinsight:2", "postgres:16", "redis-stack"] {
            assert!(!is_server(image), "{image}");
        }
        assert_eq!(info("c").to_string(), "docker exec c redis-cli INFO");
    }
}
