//! Names in braces, and the secrets and parameters that they must be.

use super::super::record::{Message, Record};
use super::super::release::is;
use crate::registry::*;

pub(super) const fn secrets(p: &Procedure) {
    let mut i = 0;
    while i < p.secrets.len() {
        let secret = &p.secrets[i];
        let me = Record::new("secret", secret.name);
        me.name();
        if is_parameter(p.parameters, secret.name.as_bytes(), 0, secret.name.len()) {
            me.refuse("name", "is that of a parameter");
        }
        let mut j = 0;
        while j < i {
            if is(secret.name, p.secrets[j].name) {
                me.refuse("name", "is that of another secret");
            }
            j += 1;
        }
        match &secret.source {
            SecretSource::Generated => {}
            SecretSource::Stored(stored) => {
                me.path("file", stored.file);
                me.word("key", stored.key);
            }
            SecretSource::Given(parameter) => known(parameter, p, me, "parameter"),
        }
        i += 1;
    }
}

pub(super) const fn key_edit(edit: &KeyEdit, p: &Procedure, me: Record<'_>) {
    if edit.files.is_empty() {
        me.refuse("files", "there is none");
    }
    let mut i = 0;
    while i < edit.files.len() {
        me.path("files", edit.files[i]);
        i += 1;
    }
    me.word("key", edit.key);
    me.text("value", edit.value);
    confidential(me, "value", edit.value, p);
}

pub(super) const fn known(name: &str, p: &Procedure, me: Record<'_>, field: &str) {
    if !is_parameter(p.parameters, name.as_bytes(), 0, name.len()) {
        Message::of(me, field).add(name).add(" is no parameter of the procedure").refuse();
    }
}

/// Names in braces must be parameters; other braces, as in regular expressions and JSON, are what they are.
pub(super) const fn texts(me: Record<'_>, field: &str, text: &str, p: &Procedure) {
    braces(me, field, text, p, false);
}

/// The same where secrets may stand as well: on the standard input, and in the value of a key.
pub(super) const fn confidential(me: Record<'_>, field: &str, text: &str, p: &Procedure) {
    braces(me, field, text, p, true);
}

const fn braces(me: Record<'_>, field: &str, text: &str, p: &Procedure, may_be_secret: bool) {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'{' {
            let mut end = i + 1;
            while end < bytes.len() && (bytes[end].is_ascii_lowercase() || bytes[end] == b'-') {
                end += 1;
            }
            let is_name = end < bytes.len() && (bytes[end] == b'}' || bytes[end] == b'.') && end > i + 1;
            if is_name && !is_parameter(p.parameters, bytes, i + 1, end) {
                let is_secret = is_secret(p.secrets, bytes, i + 1, end);
                if is_secret && !may_be_secret {
                    Message::of(me, field).add(text).add(" has a secret in it").refuse();
                }
                if !is_secret {
                    Message::of(me, field).add(text).add(" has braces around what is no parameter").refuse();
                }
            }
        }
        i += 1;
    }
}

const fn is_secret(secrets: &[SecretValue], bytes: &[u8], from: usize, to: usize) -> bool {
    let mut i = 0;
    while i < secrets.len() {
        if is_slice(secrets[i].name, bytes, from, to) {
            return true;
        }
        i += 1;
    }
    false
}

pub(super) const fn is_parameter(parameters: &[Parameter], bytes: &[u8], from: usize, to: usize) -> bool {
    let mut i = 0;
    while i < parameters.len() {
        if is_slice(parameters[i].name, bytes, from, to) {
            return true;
        }
        i += 1;
    }
    false
}

/// Whether these bytes are that name.
const fn is_slice(name: &str, bytes: &[u8], from: usize, to: usize) -> bool {
    let name = name.as_bytes();
    if name.len() != to - from {
        return false;
    }
    let mut k = 0;
    while k < name.len() {
        if name[k] != bytes[from + k] {
            return false;
        }
        k += 1;
    }
    true
}
