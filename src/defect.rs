//! A defect of opsctl itself. It is told by its place and never by its message, which may hold what was read from the host.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use crate::error::{Code, Error};
use crate::program;

/// Where the first one was found.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Does it; a panic in it, also in a thread that it joins, is an error like others.
pub fn guarded<T>(act: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", short(place.file()), place.line()));
        let mut first = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        *first = first.take().or(place);
    }));
    // Nothing that it worked on is looked at again.
    panic::catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(Error::failed(
            Code::Defect,
            format!(
                "{} has a bug at {}; please report this location",
                program::name(),
                place.as_deref().unwrap_or("an unknown location")
            ),
        )
        .hint(program::command("lock status"))
        .into())
    })
}

/// The end of a path, which is the same wherever it was built.
fn short(file: &str) -> String {
    let mut words: Vec<&str> = file.rsplit('/').take(3).collect();
    words.reverse();
    words.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_told_without_its_words() {
        let usual = panic::take_hook();
        let result = guarded(|| -> anyhow::Result<()> { panic!("password hunter2") });
        panic::set_hook(usual);
        let error = result.unwrap_err().downcast::<Error>().unwrap();
        assert!(error.message.starts_with("opsctl has a bug at src/defect.rs:"), "{}", error.message);
        assert_eq!(error.exit, crate::exit::Exit::Failure);
        assert_eq!(short("/home/x/.cargo/registry/src/y/jiff-0.2.43/src/tz.rs"), "jiff-0.2.43/src/tz.rs");
    }
}
