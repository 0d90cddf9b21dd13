//! Things that are asked at the same time. All run in threads of one kind: a kind of its own for each would take some
//! kilobytes of the binary apiece.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};

/// What is being asked.
pub(super) struct Aside<'scope, T> {
    thread: ScopedJoinHandle<'scope, ()>,
    answer: Arc<Mutex<Option<T>>>,
}

/// Begins to ask.
pub(super) fn aside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    ask: impl FnOnce() -> T + Send + 'scope,
) -> Aside<'scope, T> {
    let answer = Arc::new(Mutex::new(None));
    let own = Arc::clone(&answer);
    let run: Box<dyn FnOnce() + Send + 'scope> = Box::new(move || {
        let given = ask();
        *own.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
    });
    Aside { thread: scope.spawn(run), answer }
}

/// Waits for the answer. A panic on the way to it is one here too.
pub(super) fn join<T>(aside: Aside<'_, T>) -> T {
    let ended = aside.thread.join();
    match (ended, aside.answer.lock().unwrap_or_else(PoisonError::into_inner).take()) {
        (Ok(()), Some(answer)) => answer,
        (Err(panic), _) => resume_unwind(panic),
        (Ok(()), None) => resume_unwind(Box::new("an answer is missing")),
    }
}
