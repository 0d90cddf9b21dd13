//! PostgreSQL: the start-up packet, as `pg_isready` sends it
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

/// What a server makes of a start-up packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Greeting {
    /// It goes on to authentication.
    Authenticating,
    /// It turns the client away: SQLSTATE and message.
    Refusing {
        /// `57P03`: starting up or shutting down; `53300`: too many clients.
        code: String,
        /// In the server's words.
        message: String,
    },
}

/// A start-up packet for protocol 3.0.
pub fn startup(user: &str) -> Vec<u8> {
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for word in ["user", user, "database", "postgres", "application_name", "opsctl"] {
        body.extend_from_slice(word.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    let mut packet = length.to_be_bytes().to_vec();
    packet.append(&mut body);
    packet
}

/// The server's first message, once it is complete.
pub fn greeting(received: &[u8]) -> Option<Result<Greeting, String>> {
    let (kind, rest) = received.split_first()?;
    let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
    match kind {
        b'R' => Some(Ok(Greeting::Authenticating)),
        b'E' if (5..65_536).contains(&length) => {
            let body = rest.get(4..length)?;
            let field = |code: u8| {
                let all = body.split(|byte| *byte == 0);
                let found = all.filter(|field| field.first() == Some(&code)).map(|field| &field[1..]).next();
                String::from_utf8_lossy(found.unwrap_or_default()).into_owned()
            };
            Some(Ok(Greeting::Refusing { code: field(b'C'), message: field(b'M') }))
        }
        _ => Some(Err("not a PostgreSQL server".to_owned())),
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> Vec<u8> {
        let body = format!("SFATAL\0C{code}\0M{message}\0\0");
        let mut packet = vec![b'E'];
        packet.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        packet.extend_from_slice(body.as_bytes());
        packet
    }

    #[test]
    fn the_packet_says_its_length() {
        let packet = startup("postgres");
        assert_eq!(u32::from_be_bytes(packet[..4].try_into().unwrap()) as usize, packet.len());
    }

    #[test]
    fn greetings() {
        assert_eq!(greeting(b"R\0\0\0\x17\0\0\0\x0a"), Some(Ok(Greeting::Authenticating)));
        let refusal = error("57P03", "the database system is starting up");
        assert_eq!(
            greeting(&refusal),
            Some(Ok(Greeting::Refusing { code: "57P03".into(), message: "the database system is starting up".into() }))
        );
        for end in 0..refusal.len() {
            assert_eq!(greeting(&refusal[..end]), None, "cut at {end}");
        }
        assert!(matches!(greeting(b"HTTP/1.1 400"), Some(Err(_))));
    }
}
