//! MongoDB: `hello`, which needs no login (<https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>).

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The command succeeded.
    pub ok: bool,
    /// It takes writes.
    pub writable_primary: bool,
}

const OP_MSG: u32 = 2013;

/// `{ hello: 1, $db: "admin" }` as one message.
pub fn hello() -> Vec<u8> {
    let document = b"\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut message = size(16 + 4 + 1 + 4 + document.len()).to_vec();
    for field in [1, 0, OP_MSG, 0] {
        message.extend_from_slice(&u32::to_le_bytes(field)); // request id, response to, operation, flags
    }
    message.push(0); // a section with one document
    message.extend_from_slice(&size(4 + document.len()));
    message.extend_from_slice(document);
    message
}

/// The server's answer, once it is complete.
pub fn answer(received: &[u8]) -> Option<Result<Hello, String>> {
    let length = number(received, 0)? as usize;
    if !(26..1 << 20).contains(&length) {
        return Some(Err("not a MongoDB server".to_owned()));
    }
    let message = received.get(..length)?;
    if number(message, 12) != Some(OP_MSG) || message[20] != 0 {
        return Some(Err("not a MongoDB server".to_owned()));
    }
    Some(document(&message[21..]).ok_or_else(|| "cannot read its answer".to_owned()))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Walks the top level of a BSON document.
fn document(bytes: &[u8]) -> Option<Hello> {
    let mut found = Hello { ok: false, writable_primary: false };
    let mut at = 4;
    loop {
        let kind = *bytes.get(at)?;
        if kind == 0 {
            return Some(found);
        }
        let name_end = at + 1 + bytes.get(at + 1..)?.iter().position(|byte| *byte == 0)?;
        let name = &bytes[at + 1..name_end];
        let value = name_end + 1;
        let size = match kind {
            0x01 | 0x09 | 0x11 | 0x12 => 8,
            0x02 => (number(bytes, value)? as usize).checked_add(4)?,
            0x03 | 0x04 => number(bytes, value)? as usize,
            0x05 => (number(bytes, value)? as usize).checked_add(5)?,
            0x07 => 12,
            0x08 => 1,
            0x0a => 0,
            0x10 => 4,
            _ => return None,
        };
        let content = bytes.get(value..value.checked_add(size)?)?;
        match (name, kind) {
            (b"ok", 0x01) => found.ok = content == 1.0_f64.to_le_bytes(),
            (b"ok", 0x10) => found.ok = number(content, 0) == Some(1),
            (b"isWritablePrimary" | b"ismaster", 0x08) => found.writable_primary = content == [1],
            _ => {}
        }
        at = value.checked_add(size)?;
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation)]
mod tests {
    use super::*;

    fn reply(document: &[u8]) -> Vec<u8> {
        let mut message = ((16 + 4 + 1 + 4 + document.len() + 1) as u32).to_le_bytes().to_vec();
        for field in [7, 1, OP_MSG, 0] {
            message.extend_from_slice(&u32::to_le_bytes(field));
        }
        message.push(0);
        message.extend_from_slice(&(document.len() as u32 + 5).to_le_bytes());
        message.extend_from_slice(document);
        message.push(0);
        message
    }

    #[test]
    fn the_question_says_its_length() {
        let message = hello();
        assert_eq!(number(&message, 0), Some(message.len() as u32));
        assert_eq!(number(&message, 21), Some(message.len() as u32 - 21));
    }

    #[test]
    fn a_primary_and_a_secondary() {
        let mut body = b"\x08isWritablePrimary\0\x01\x02setName\0\x03\0\0\0rs\0\x01ok\0".to_vec();
        body.extend_from_slice(&1.0_f64.to_le_bytes());
        let whole = reply(&body);
        assert_eq!(answer(&whole), Some(Ok(Hello { ok: true, writable_primary: true })));
        for end in 0..whole.len() {
            assert_eq!(answer(&whole[..end]), None, "cut at {end}");
        }
        let secondary = reply(b"\x08isWritablePrimary\0\0\x10ok\0\x01\0\0\0");
        assert_eq!(answer(&secondary), Some(Ok(Hello { ok: true, writable_primary: false })));
    }

    #[test]
    fn others_are_told_apart() {
        assert!(matches!(answer(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Some(Err(_))));
        assert!(matches!(answer(&reply(b"\x55what\0")), Some(Err(_))));
        for kind in [0x02, 0x03, 0x04, 0x05] {
            for length in [0, 1, 4, 0x7fff_ffff, 0x8000_0000, 0xffff_fffb, 0xffff_ffff_u32] {
                let mut body = vec![kind, b'a', 0];
                body.extend_from_slice(&length.to_le_bytes());
                let _ = answer(&reply(&body)).expect("it is whole");
            }
        }
        for length in [0, 25, 1 << 20, 0x7fff_ffff, 0xffff_ffff_u32] {
            assert!(matches!(answer(&length.to_le_bytes()), Some(Err(_))), "{length}");
        }
    }
}
