//! Refusals that say which record, which field and what is wrong with it: `service shop: env: etc/shop.env does not begin with /`.

/// A record, by its kind and its name.
#[derive(Clone, Copy)]
pub(super) struct Record<'r> {
    kind: &'r str,
    name: &'r str,
}

impl<'r> Record<'r> {
    pub(super) const fn new(kind: &'r str, name: &'r str) -> Self {
        Record { kind, name }
    }

    pub(super) const fn refuse(self, field: &str, problem: &str) -> ! {
        Message::of(self, field).add(problem).refuse()
    }

    const fn refuse_value(self, field: &str, value: &str, problem: &str) -> ! {
        if value.is_empty() {
            self.refuse(field, "is empty");
        }
        Message::of(self, field).add(value).add(problem).refuse()
    }

    /// A text must not be empty.
    pub(super) const fn text(self, field: &str, value: &str) {
        if value.is_empty() {
            self.refuse(field, "is empty");
        }
    }

    /// A path must be absolute.
    pub(super) const fn path(self, field: &str, path: &str) {
        if path.is_empty() || path.as_bytes()[0] != b'/' {
            self.refuse_value(field, path, " does not begin with /");
        }
    }

    /// All of these must be.
    pub(super) const fn paths(self, field: &str, all: &[&str]) {
        let mut i = 0;
        while i < all.len() {
            self.path(field, all[i]);
            i += 1;
        }
    }

    /// A path below a directory that is named elsewhere.
    pub(super) const fn below(self, field: &str, path: &str) {
        if path.is_empty() || path.as_bytes()[0] == b'/' {
            self.refuse_value(field, path, " is not below its source");
        }
    }

    /// A word that is handed to a tool must not look like an option or an expression.
    pub(super) const fn word(self, field: &str, value: &str) {
        self.made_of(field, value, b"-_.@", " is not a word of letters, digits and -_.@");
    }

    /// A unit's name is handed to tools as well; systemd has escapes in it: `srv-my\x2dshop.service`.
    pub(super) const fn unit(self, field: &str, value: &str) {
        self.made_of(field, value, b"-_.@:+\\", " is not a unit's name");
        if !has(value.as_bytes(), b'.') {
            self.refuse_value(field, value, " lacks its suffix (.service)");
        }
    }

    const fn made_of(self, field: &str, value: &str, besides: &[u8], problem: &str) {
        let bytes = value.as_bytes();
        if bytes.is_empty() || !bytes[0].is_ascii_alphanumeric() {
            self.refuse_value(field, value, problem);
        }
        let mut i = 0;
        while i < bytes.len() {
            if !bytes[i].is_ascii_alphanumeric() && !has(besides, bytes[i]) {
                self.refuse_value(field, value, problem);
            }
            i += 1;
        }
    }

    /// Its own name must be one for the command line.
    pub(super) const fn name(self) {
        let bytes = self.name.as_bytes();
        if bytes.is_empty() || !bytes[0].is_ascii_lowercase() {
            self.refuse_name();
        }
        let mut i = 0;
        while i < bytes.len() {
            if !(bytes[i].is_ascii_lowercase() || bytes[i].is_ascii_digit() || bytes[i] == b'-') {
                self.refuse_name();
            }
            i += 1;
        }
    }

    const fn refuse_name(self) -> ! {
        self.refuse("name", "must be lower-case letters, digits and dashes, a letter first")
    }
}

pub(super) const fn has(bytes: &[u8], byte: u8) -> bool {
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == byte {
            return true;
        }
        i += 1;
    }
    false
}

/// `panic!` in a `const` takes one string, so it is put together by hand.
pub(super) struct Message {
    bytes: [u8; 512],
    end: usize,
}

impl Message {
    pub(super) const fn of(record: Record<'_>, field: &str) -> Self {
        let name = if record.name.is_empty() { "\"\"" } else { record.name };
        let begin = Message { bytes: [b' '; 512], end: 0 };
        begin.add(record.kind).add(" ").add(name).add(": ").add(field).add(": ")
    }

    pub(super) const fn add(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() && self.end < self.bytes.len() {
            self.bytes[self.end] = text[i];
            self.end += 1;
            i += 1;
        }
        self
    }

    pub(super) const fn number(self, number: u16) -> Self {
        let more = if number < 10 { self } else { self.number(number / 10) };
        let digit = [b'0' + (number % 10) as u8];
        match std::str::from_utf8(&digit) {
            Ok(digit) => more.add(digit),
            Err(_) => more,
        }
    }

    pub(super) const fn refuse(self) -> ! {
        match std::str::from_utf8(self.bytes.split_at(self.end).0) {
            Ok(message) => panic!("{}", message),
            Err(_) => panic!("invalid registry"),
        }
    }
}
