//! Work with a database in a thread of its own that is waited for as long as its deadline says. SQLite opens by path what may have
//! become a FIFO since it was looked at, or is on a file system that hangs: then the thread stays behind, and the run goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, InterruptHandle};

use crate::host::shortage::Shortage;
use crate::host::threads;
use crate::program;

/// How long it may take beside the time that its bytes take.
const WORK: Duration = Duration::from_mins(1);
/// The slowest that is waited for, bytes a second.
const SLOWEST: u64 = 2 << 20;
/// How long it is waited for what was told to stop.
const GRACE: Duration = Duration::from_millis(500);

/// How long work with so many bytes may take; never longer than `left`.
pub(super) fn limit(bytes: u64, left: Option<Duration>) -> Duration {
    let limit = WORK.saturating_add(Duration::from_secs(bytes / SLOWEST));
    left.map_or(limit, |left| limit.min(left))
}

/// What the one who waits and the one who works know of each other.
#[derive(Default)]
pub(super) struct Watch {
    given_up: AtomicBool,
    database: Mutex<Option<InterruptHandle>>,
}

impl Watch {
    /// What is asked of this database is ended at the deadline.
    pub(super) fn over(&self, database: &Connection) -> Result<(), String> {
        *self.database.lock().unwrap_or_else(PoisonError::into_inner) = Some(database.get_interrupt_handle());
        self.goes_on()
    }

    /// Whether somebody still waits.
    pub(super) fn goes_on(&self) -> Result<(), String> {
        if self.given_up.load(Ordering::SeqCst) { Err("its caller no longer waits".to_owned()) } else { Ok(()) }
    }

    fn give_up(&self) {
        self.given_up.store(true, Ordering::SeqCst);
        if let Some(database) = &*self.database.lock().unwrap_or_else(PoisonError::into_inner) {
            database.interrupt();
        }
    }
}

/// Does it, and waits so long for what comes of it.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce(&Watch) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let watch = Arc::new(Watch::default());
    let (tell, told) = sync_channel(1);
    let own = Arc::clone(&watch);
    let started = threads::start(move || {
        // Where nobody waits any more, nobody is told.
        let _ = tell.send(work(&own));
    });
    started.map_err(|error| {
        let shortage = Shortage::of_start(&error).map(|shortage| shortage.to_string());
        shortage.unwrap_or_else(|| format!("no thread could be started for it: {error}"))
    })?;
    match told.recv_timeout(limit) {
        Ok(done) => done,
        Err(RecvTimeoutError::Disconnected) => Err(format!("{} has a bug there", program::name())),
        Err(RecvTimeoutError::Timeout) => {
            watch.give_up();
            // What can be ended has ended before its files are cleared away.
            let _ = told.recv_timeout(GRACE);
            Err(format!("it did not end within {:.1} s", limit.as_secs_f64()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn work_that_does_not_end_is_given_up_and_a_question_is_ended() {
        assert_eq!(within(Duration::from_mins(1), |_| Ok(7)), Ok(7));
        let begun = Instant::now();
        let hangs = within(Duration::from_millis(100), |_| {
            std::thread::sleep(Duration::from_secs(20));
            Ok(())
        });
        assert_eq!(hangs, Err("it did not end within 0.1 s".to_owned()));
        let (tell, ended) = sync_channel(1);
        let endless = within(Duration::from_millis(100), move |watch| {
            let database = Connection::open_in_memory().map_err(|error| error.to_string())?;
            watch.over(&database)?;
            let query = "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) SELECT count(*) FROM n";
            let asked = database.query_row(query, [], |row| row.get::<_, i64>(0)).map_err(|error| error.to_string());
            tell.send(asked.clone()).unwrap();
            asked
        });
        assert!(endless.is_err());
        assert_eq!(ended.recv_timeout(Duration::from_secs(10)), Ok(Err("interrupted".to_owned())));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert!(within::<()>(Duration::from_mins(1), |_| panic!("on purpose")).is_err());
    }

    #[test]
    fn a_deadline_follows_the_bytes_and_never_what_is_left() {
        assert_eq!(limit(0, None), WORK);
        assert!(limit(u64::MAX, None) > WORK && limit(10 << 30, None) > limit(1 << 30, None));
        assert_eq!(limit(u64::MAX, Some(Duration::from_secs(3))), Duration::from_secs(3));
    }
}
