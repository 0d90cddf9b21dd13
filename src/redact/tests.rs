//! What is taken out, what stays, and that JSON stays JSON.

use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

static STRANGER: LazyLock<Redactor> = LazyLock::new(|| Redactor::new([]));
static INITIATE: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(["123456", "canary\\", "ncanary\"", "canary\""]));

fn clean(text: &str) -> String {
    STRANGER.clean(text).into_owned()
}

#[test]
fn secrets_are_taken_out() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    for (text, expected) in [
        // Key and value in running text.
        ("password=hunter2 user=bob", "password=# user=bob"),
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=#"),
        ("Password: hunter2, next", "Password: #, next"),
        ("passphrase := 'a b c' ok", "passphrase := '#' ok"),
        ("pwd=\"a \\\" b\" ok", "pwd=\"#\" ok"),
        ("password='unclosed and cut", "password='#"),
        ("password=\"unclosed and cut", "password=\"#"),
        ("Server=x;Password=abc;Database=y", "Server=x;Password=#;Database=y"),
        ("GET /?api_key=abc&x=1", "GET /?api_key=#&x=1"),
        ("user[password]=abc&x=1", "user[password]=#&x=1"),
        ("(secret=abc)", "(secret=#)"),
        ("{ password: 'abc', apiKey: `x y` }", "{ password: '#', apiKey: `#` }"),
        ("{'password': b'abc', 'a': 1}", "{'password': b'#', 'a': 1}"),
        ("User { password: Some(Secret(\"abc\")) }", "User { password: Some(Secret(\"#\")) }"),
        ("credentials: { user: 'a', pass: 'b' } end", "credentials: # end"),
        (":password=>\"abc\"", ":password=>\"#\""),
        ("ALTER USER x PASSWORD 'abc';", "ALTER USER x PASSWORD '#';"),
        ("mysql --password abc -h x", "mysql --password # -h x"),
        ("encryption_key=abc signing-key: abc deploykey=abc", "encryption_key=# signing-key: # deploykey=#"),
        ("access_token=abc", "access_token=#"),
        ("token: abcd1234", "token: #"),
        ("token=Bearer abc x", "token=# x"),
        ("password=p\u{e4}ss ok", "password=# ok"),
        // Headers.
        ("Authorization: Digest a=\"b\"", "Authorization: #\"b\""),
        ("Authorization: Bearer abc", "Authorization: #"),
        ("curl -H 'Authorization: Basic abc' x", "curl -H 'Authorization: #' x"),
        ("Set-Cookie: a=1; Path=/; HttpOnly", "Set-Cookie: #"),
        (r#"{"raw":"Cookie: a=1; b=2\r\nHost: x"}"#, r#"{"raw":"Cookie: #\r\nHost: x"}"#),
        ("sent Bearer abc123 to x", "sent Bearer # to x"),
        ("Basic dXNlcjpwYXNz.", "Basic #."),
        // JSON.
        (r#"{"password":"a\"b","x":1}"#, r##"{"password":"#","x":1}"##),
        (r#"{"password" : 1234567}"#, r##"{"password" : "#"}"##),
        (r#"{"set-cookie":["a=1","b]"],"x":[]}"#, r##"{"set-cookie":"#","x":[]}"##),
        (r#"{"credentials":{"a":{"b":"}"}},"x":1}"#, r##"{"credentials":"#","x":1}"##),
        (r#"{"token":"abc"}"#, r##"{"token":"#"}"##),
        (r#"{"body":"{\"password\":\"a\\\"b\",\"x\":1}"}"#, r##"{"body":"{\"password\":\"#\",\"x\":1}"}"##),
        (r#"{"body":"{\"secret\":123456}"}"#, r##"{"body":"{\"secret\":\"#\"}"}"##),
        (r#"{"body":"{\"secret\":[\"a\"]}"}"#, r##"{"body":"{\"secret\":\"#\"}"}"##),
        (r#"{"msg":"password=abc","x":1}"#, r#"{"msg":"password=#","x":1}"#),
        (r#"{"msg":"password='abc","x":"it's"}"#, r#"{"msg":"password='#'s"}"#),
        (r#"{"password":"cut he"#, r##"{"password":"#"##),
        (r#"{"cookies":["cut"#, r##"{"cookies":"#""##),
        // URLs.
        ("postgres://u:p@h/d", "postgres://u:#@h/d"),
        ("redis://:p@h:6379", "redis://:#@h:6379"),
        ("postgres://u:p/s@h/d x@y", "postgres://u:#@h/d x@y"),
        ("amqp://u:p@h1,amqp://u:q@h2", "amqp://u:#@h1,amqp://u:#@h2"),
        ("mongodb://u:p@h1:27017,h2:27017/d", "mongodb://u:#@h1:27017,h2:27017/d"),
        (r#"{"u":"postgres:\/\/u:p@h\/d"}"#, r#"{"u":"postgres:\/\/u:#@h\/d"}"#),
        // Known by how they begin.
        (&format!("got {jwt} here"), "got # here"),
        ("sk_live_abc123 sk_test_abc", "# #"),
        ("ghp_0123456789abcdefghij", "#"),
        ("https://x:ghs_0123456789abcdefghij@github.com", "https://x:#@github.com"),
        ("AKIAIOSFODNN7EXAMPLE", "#"),
        ("xoxb-1-abc", "#"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY----- ok", "# ok"),
        (r#"{"k":"-----BEGIN PRIVATE KEY-----\nMII","x":1}"#, r##"{"k":"#","x":1}"##),
    ] {
        let expected = expected.replace('#', MARK);
        assert_eq!(clean(text), expected, "{text}");
        assert_eq!(clean(&expected), expected, "a second time: {text}");
    }
}

#[test]
fn what_is_no_secret_stays_and_is_borrowed() {
    for text in [
        "",
        "plain text – ✓",
        "password=",
        "password= ",
        "Enter password:",
        "password=null secret: true",
        "password authentication failed for user \"u\"",
        r#"{"password":null,"secret":true,"token":1234,"cookies":[],"credentials":{},"api_key":""}"#,
        r#"{"msg":"enter password:","x":1}"#,
        r#"{"msg":"enter password:\nthen","x":1}"#,
        r#"{"max_tokens":4096000,"tokenId":"abc","token_type":"x"}"#,
        "max_tokens=4096 tokenId=abc",
        "invalid token: expired",
        "Unexpected token: '<'",
        "Unexpected token '<' in JSON",
        "msg=\"no password=\" user=x",
        "basic authentication, Bearer authentication required",
        "WWW-Authenticate: Bearer error=\"invalid_token\"",
        "WWW-Authenticate: Basic realm=\"Restricted\"",
        "COMMAND PWD=/home/bob ; OLDPWD=/",
        "opsctl::secret::vault ready",
        "/reset-password?x=1",
        "http://host:8080/path?email=a@b.c",
        "http://[::1]:80/a@b",
        "https://git@host/x and a@b",
        "redis://:@h",
        "eyJ is how they begin, eyJhbGciOiJIUzI1NiJ9",
        "task-0123456789012345678901234 skill sk-short",
        "public_key=abc monkey: x",
        "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----",
    ] {
        let redactor = Redactor::new(["", "short", "redact"]);
        assert!(matches!(redactor.clean(text), Cow::Borrowed(same) if same == text), "{text} → {}", clean(text));
    }
}

#[test]
fn known_values_are_found_in_every_form() {
    let canary = "C&n/a \"r\\y+\u{e9}";
    let redactor = Redactor::new([canary, "postgres://u:hunter22@h/d", "redis://localhost:6379", "abcdef", "abcdefgh"]);
    for (text, expected) in [
        (canary.to_owned(), "#"),
        (format!("<{canary}>"), "<#>"),
        (serde_json::to_string(&[canary]).unwrap(), "[\"#\"]"),
        (serde_json::to_string(&serde_json::to_string(&[canary]).unwrap()).unwrap(), "\"[\\\"#\\\"]\""),
        ("C%26n%2Fa%20%22r%5Cy%2B%C3%A9".to_owned(), "#"),
        ("C%26n/a+%22r%5cy%2b%c3%a9".to_owned(), "#"),
        (r#"["C\u0026n\/a \"r\\y+\u00E9"]"#.to_owned(), r##"["#"]"##),
        ("it is hunter22 and redis://localhost:6379".to_owned(), "it is # and redis://localhost:6379"),
        ("HUNTER22".to_owned(), "HUNTER22"),
        ("abcdefghi abcdefx".to_owned(), "#i #x"),
        // base64 of "hunter22", "u:hunter22", "us:hunter22 x", and URL-safe.
        ("aHVudGVyMjI=".to_owned(), "#"),
        ("dTpodW50ZXIyMg==".to_owned(), "dTp#"),
        ("dXM6aHVudGVyMjIgeA==".to_owned(), "dXM6#"),
        ("xx eDpodW50ZXIyMjp5 yy".to_owned(), "xx eDp# yy"),
        ("Ozpy OmFodW50ZXIyMg==".to_owned(), "Ozpy OmF#"),
    ] {
        assert_eq!(redactor.clean(&text), expected.replace('#', MARK), "{text}");
    }
}

#[test]
fn json_stays_json_whatever_is_known() {
    for (secret, text, expected) in [
        ("1234567", r#"{"id":1234567,"x":"1234567"}"#, r##"{"id":"#","x":"#"}"##),
        ("234567", r#"web | {"id":1234567.5}"#, r##"web | {"id":"#"}"##),
        ("nfoobar", r#"{"a":"x\nfoobar"}"#, "\"#\""),
        ("foobar\\", r#"{"a":"foobar\"x"}"#, "\"#\""),
        ("x\",\"b\":", r#"{"a":"x","b":1}"#, "\"#\""),
        ("1234567", r#"{"id":1234567,"secret":{"a":"b"},"token":12}"#, r##"{"id":"#","secret":"#","token":12}"##),
    ] {
        let redactor = Redactor::new([secret]);
        assert_eq!(redactor.clean(text), expected.replace('#', MARK), "{secret} in {text}");
    }
}

#[test]
fn names_of_secrets() {
    for name in [
        "PASSWORD",
        "DB_PASSWORD",
        "POSTGRES_PASSWORD",
        "jwt_secret",
        "GITHUB_TOKEN",
        "OPENAI_API_KEY",
        "PRIVATE_KEY",
        "INTERNAL_KEY",
        "AWS_CREDENTIALS",
        "SENTRY_DSN",
        "ENCRYPTION_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "MONGODB_URI",
        "SMTP_PASS",
        "TEST_DATABASE_URL",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in [
        "PORT",
        "PWD",
        "OLDPWD",
        "STRIPE_PUBLIC_KEY",
        "STRIPE_PUBLISHABLE_KEY",
        "NEXT_PUBLIC_API_URL",
        "NODE_ENV",
        "PASSWORD_FILE",
        "SSH_KEY_PATH",
        "MONKEY",
        "HOME",
        "",
        "é",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
}

#[test]
fn a_text_cut_at_any_byte_never_tells() {
    let text = r#"{"a":"é","password":"hunter2\"hunter2","body":"{\"secret\":[\"hunter2\"]}","u":"x://u:hunter2@h"}"#;
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let cleaned = clean(&text[..end]);
        // Of a URL that has been cut nobody knows whether a password or a host stands there.
        let told = cleaned.split("x://").next().unwrap_or_default().to_owned();
        assert!(!told.contains("hunter"), "{cleaned}");
    }
}

/// JSON values with keys and texts that look like secrets.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        "\\PC{0,12}",
        "(password|token|secret)[=: \"'\\\\\\[{(]{0,4}[a-z0-9\"'\\\\,;&}\n ]{0,12}",
        "(http|x)://[a-z:@/\\\\\"]{0,12}",
        "(Cookie|Authorization): [a-z \"'\\\\\n]{0,12}",
        "(Bearer|Basic) [a-zA-Z0-9\"]{0,12}",
        "-----BEGIN PRIVATE KEY-----[a-z\"\\\\\n]{0,9}",
        "[0-9a-f\"\\\\n]{0,9}canary[\"\\\\]",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        Just(serde_json::Value::from(12_345_678)),
        text.clone().prop_map(Into::into),
        // JSON in a string of JSON.
        text.clone().prop_map(|text| serde_json::json!({ "password": text }).to_string().into()),
    ];
    let key = prop_oneof![text, "[a-z]{1,3}", "(api_key|password|tokens?|cookies|credentials)"];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map(key.clone(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_stays_json(value in json(), prefix in "(web  \\| )?", known in any::<bool>()) {
        let redactor = if known { &INITIATE } else { &STRANGER };
        if value.is_object() {
            let text = format!("{prefix}{value}");
            let cleaned = redactor.clean(&text);
            prop_assert!(is_json(&cleaned[prefix.len()..]), "{text} → {cleaned}");
        }
    }

    #[test]
    fn a_known_value_never_passes(secret in "\\PC{6,20}", before in "\\PC{0,8}", after in "\\PC{0,8}") {
        let redactor = Redactor::new([&*secret]);
        // What is trimmed from a value, or belongs to a URL, is no part of the secret.
        prop_assume!(secret.trim() == secret && !secret.contains("://") && !MARK.contains(&secret));
        for text in [format!("{before} {secret} {after}"), serde_json::json!({ &before: &secret }).to_string()] {
            let cleaned = redactor.clean(&text);
            prop_assert!(matches!(cleaned, Cow::Owned(_)), "{text} → {cleaned}");
            prop_assert!(!format!("{before}{after}").contains(&secret) && !cleaned.contains(&secret), "{cleaned}");
        }
    }

    #[test]
    fn nothing_panics(text in "\\PC*|.*|((\"|'|\\\\|password|token|cookie|=|: |://|@|\\[|\\{|é|Bearer |x){0,20})") {
        let cleaned = clean(&text);
        let _ = clean(&cleaned);
    }
}
