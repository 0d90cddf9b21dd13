//! Redis: `AUTH` and `PING` (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).

/// No answer that is asked for is longer, bytes: one that says so is not waited for.
const LARGEST: usize = 1 << 20;

/// `PING`, after `AUTH` when there is a password.
pub fn ping(password: Option<&str>) -> Vec<u8> {
    let mut request = Vec::new();
    if let Some(password) = password {
        request.extend_from_slice(format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n", password.len()).as_bytes());
    }
    request.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
    request
}

/// These commands, after `AUTH` when there is a password.
pub fn request(password: Option<&str>, commands: &[&[&str]]) -> Vec<u8> {
    let login = password.map(|password| ["AUTH", password]);
    let login: Option<&[&str]> = login.as_ref().map(|words| &words[..]);
    let mut request = String::new();
    for words in login.into_iter().chain(commands.iter().copied()) {
        let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        request.extend([format!("*{}\r\n", words.len())].into_iter().chain(words));
    }
    request.into_bytes()
}

/// What these commands are answered, once all of it has come: text as it is, a number as `COMMAND: NUMBER`. The first error
/// ends it, because what was refused says nothing.
pub fn answers(received: &[u8], with_password: bool, commands: &[&[&str]]) -> Option<Result<String, String>> {
    let mut rest = received;
    let mut told = String::new();
    let login: Option<&[&str]> = with_password.then_some(&["AUTH"]);
    for words in login.into_iter().chain(commands.iter().copied()) {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 2..];
        let (kind, value) = line.split_at_checked(1).unwrap_or_default();
        match kind {
            "+" => {}
            ":" => told.extend([&words.join(" "), ": ", value, "\n"]),
            "-" => return Some(Err(value.to_owned())),
            "$" => {
                let Ok(length) = value.parse::<usize>() else {
                    return Some(Err("an answer without a value".to_owned()));
                };
                if length > LARGEST {
                    return Some(Err(format!("an answer of {length} bytes")));
                }
                let text = rest.get(..length)?;
                rest = rest.get(length.saturating_add(2)..)?;
                told.push_str(&String::from_utf8_lossy(text).replace("\r\n", "\n"));
            }
            _ => return Some(Err("an answer of another type".to_owned())),
        }
    }
    Some(Ok(told))
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
    fn questions_and_their_answers() {
        let commands: &[&[&str]] = &[&["INFO"], &["LLEN", "a:b"]];
        let sent = request(Some("pw"), commands);
        assert_eq!(sent, b"*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*1\r\n$4\r\nINFO\r\n*2\r\n$4\r\nLLEN\r\n$3\r\na:b\r\n");
        let whole = b"+OK\r\n$18\r\n# Memory\r\nused:3\r\n\r\n:140\r\n";
        assert_eq!(answers(whole, true, commands), Some(Ok("# Memory\nused:3\nLLEN a:b: 140\n".to_owned())));
        for cut in 0..whole.len() {
            assert_eq!(answers(&whole[..cut], true, commands), None, "{cut}");
        }
        assert_eq!(answers(b"-NOAUTH needed\r\n", false, commands), Some(Err("NOAUTH needed".to_owned())));
        assert_eq!(answers(b"$-1\r\n:1\r\n", false, commands), Some(Err("an answer without a value".to_owned())));
        let huge = "$18446744073709551615\r\n";
        assert_eq!(
            answers(huge.as_bytes(), false, commands),
            Some(Err("an answer of 18446744073709551615 bytes".to_owned()))
        );
        assert!(answers(b"$18446744073709551616\r\n", false, commands).unwrap().is_err());
        assert_eq!(answers(b"*0\r\n", false, commands), Some(Err("an answer of another type".to_owned())));
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
