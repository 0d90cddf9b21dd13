//! Names of settings whose values are secret.

/// Whether the value of a variable of this name is a secret.
pub fn is_secret_name(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
        "INTERNAL_KEY",
        "CREDENTIAL",
        "DSN",
    ];
    // Addresses that usually hold a user and a password.
    const STORES: &[&str] = &[
        "DATABASE",
        "DB",
        "POSTGRES",
        "POSTGRESQL",
        "PG",
        "MYSQL",
        "MARIADB",
        "MONGO",
        "MONGODB",
        "REDIS",
        "VALKEY",
        "AMQP",
        "RABBITMQ",
        "BROKER",
        "CACHE",
        "QUEUE",
        "SMTP",
        "MAILER",
        "CLICKHOUSE",
        "ELASTICSEARCH",
    ];
    let name = name.to_ascii_uppercase();
    // The name of a file is no secret.
    if name.ends_with("_FILE") || name.ends_with("_PATH") {
        return false;
    }
    let address = ["_URL", "_URI"].iter().find_map(|end| name.strip_suffix(end));
    let store = address.is_some_and(|address| address.split('_').any(|word| STORES.contains(&word)));
    let key = (name.ends_with("_KEY") || name == "KEY") && !name.contains("PUBLIC") && !name.contains("PUBLISHABLE");
    let pass = ["_PASS", "_PWD", "_SALT"].iter().any(|end| name.ends_with(end)) || name == "PASS";
    store || key || pass || PARTS.iter().any(|part| name.contains(part))
}
