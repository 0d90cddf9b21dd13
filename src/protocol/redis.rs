//! Redis: `AUTH` and `PING` (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).

/// `PING`, after `AUTH` when there is a password.
pub fn ping(password: Option<&str>) -> Vec<u8> {
    let mut request = Vec::new();
    if let Some(password) = password {
        request.extend_from_slice(format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n", password.len()).as_bytes());
    }
    request.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
    request
}

/// The line that answers `PING`, once all answers to [`ping`] have come: the last, or the first that is an error.
pub fn answer(received: &[u8], with_password: bool) -> Option<String> {
    let expected = if with_password { 2 } else { 1 };
    let text = String::from_utf8_lossy(received);
    let complete = text.split_inclusive("\r\n").filter(|line| line.ends_with("\r\n")).map(str::trim_end);
    for (index, line) in complete.enumerate() {
        if line.starts_with('-') || index + 1 == expected {
            return Some(line.to_owned());
        }
    }
    None
}

/// The password in a setting: the setting itself, or what stands between `:` and `@` when it is a URL.
pub fn password(setting: &str) -> &str {
    let Some((_, rest)) = setting.split_once("://") else { return setting };
    let Some((userinfo, _)) = rest.rsplit_once('@') else { return "" };
    userinfo.split_once(':').map_or(userinfo, |(_, password)| password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question() {
        assert_eq!(ping(None), b"*1\r\n$4\r\nPING\r\n");
        assert_eq!(ping(Some("pw")), b"*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*1\r\n$4\r\nPING\r\n");
    }

    #[test]
    fn the_answer() {
        assert_eq!(answer(b"+PONG\r\n", false).as_deref(), Some("+PONG"));
        assert_eq!(answer(b"+OK\r\n", true), None);
        assert_eq!(answer(b"+OK\r\n+PONG\r\n", true).as_deref(), Some("+PONG"));
        assert_eq!(answer(b"-WRONGPASS no\r\n-NOAUTH x\r\n", true).as_deref(), Some("-WRONGPASS no"));
        assert_eq!(answer(b"+PON", false), None);
    }

    #[test]
    fn the_password_of_a_url() {
        assert_eq!(password("plain"), "plain");
        assert_eq!(password("redis://:p@ss@127.0.0.1:6379/0"), "p@ss");
        assert_eq!(password("redis://user:pw@h"), "pw");
        assert_eq!(password("redis://h"), "");
    }
}
