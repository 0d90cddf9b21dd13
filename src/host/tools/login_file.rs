//! Files in which a program keeps its login as JSON: until when it is valid, and whether it can be renewed. No token of it is kept.

use jiff::Timestamp;
use serde_json::Value;

/// What is known of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Login {
    /// Until when it is valid; `None` where the file does not say.
    pub until: Option<Timestamp>,
    /// Whether the file holds something that it can be renewed with.
    pub renewable: bool,
}

/// Reads it, at these paths of keys joined by dots; the time is in milliseconds since 1970. `None` for what is no JSON.
pub fn parse(bytes: &[u8], until: &str, renewal: &str) -> Option<Login> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let at = |path: &str| path.split('.').try_fold(&value, |value, key| value.get(key));
    let milliseconds = at(until).and_then(|found| match found {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    });
    let renewable = at(renewal).and_then(Value::as_str).is_some_and(|token| !token.trim().is_empty());
    Some(Login { until: milliseconds.and_then(|ms| Timestamp::from_millisecond(ms).ok()), renewable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_when_a_login_is_valid_and_whether_it_can_be_renewed() {
        let read = |text: &str| parse(text.as_bytes(), "claudeAiOauth.expiresAt", "claudeAiOauth.refreshToken");
        let until = Timestamp::from_second(1_700_000_000).ok();
        let alone = r#"{"claudeAiOauth":{"accessToken":"hunter2","expiresAt":1700000000000}}"#;
        assert_eq!(read(alone), Some(Login { until, renewable: false }));
        let both = r#"{"claudeAiOauth":{"expiresAt":"1700000000000","refreshToken":"hunter2"}}"#;
        assert_eq!(read(both), Some(Login { until, renewable: true }));
        let empty = r#"{"claudeAiOauth":{"expiresAt":1700000000000,"refreshToken":""}}"#;
        assert_eq!(read(empty), Some(Login { until, renewable: false }));
        for silent in ["{}", "[]", r#"{"claudeAiOauth":5}"#, r#"{"claudeAiOauth":{"expiresAt":9e99}}"#] {
            assert_eq!(read(silent), Some(Login::default()), "{silent}");
        }
        assert_eq!((read(""), read("{"), read("token")), (None, None, None));
        for cut in 0..both.len() {
            let _ = read(&both[..cut]);
        }
    }
}
