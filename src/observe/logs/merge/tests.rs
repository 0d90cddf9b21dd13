//! Lanes of every length and speed, in order and whole.

use super::*;
use proptest::prelude::*;
use std::sync::Mutex;
use std::thread;

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Watch for Heard {
    fn abandoned(&self) -> bool {
        false
    }
    fn now(&self) -> i64 {
        jiff::Timestamp::now().as_microsecond()
    }
    fn late(&self, name: &str) {
        self.0.lock().unwrap().push(format!("{name} is late"));
    }
    fn trouble(&self, name: &str, trouble: &Trouble) -> bool {
        self.0.lock().unwrap().push(format!("{name}: {trouble}"));
        true
    }
}

fn write(pen: &mut Pen, time: i64) {
    pen.line(time, |out| out.extend_from_slice(format!("{time}\n").as_bytes()));
}

fn numbers(out: &[u8]) -> Vec<i64> {
    std::str::from_utf8(out).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

proptest! {
    #[test]
    fn whatever_the_lanes_hold_comes_out_sorted_and_whole(
        lanes in proptest::collection::vec(proptest::collection::vec(0_i64..1000, 0..200), 0..8)
    ) {
        let board = Arc::new(Board::default());
        let mut wanted: Vec<i64> = lanes.iter().flatten().copied().collect();
        wanted.sort_unstable();
        let threads: Vec<_> = lanes
            .into_iter()
            .enumerate()
            .map(|(index, mut times)| {
                times.sort_unstable();
                let mut pen = board.lane(&index.to_string(), false);
                thread::spawn(move || {
                    for time in times {
                        write(&mut pen, time);
                        if time % 7 == 0 {
                            pen.reached(time);
                        }
                    }
                })
            })
            .collect();
        let mut out = Vec::new();
        let ending = merge(&board, &mut out, &Heard::default(), None).unwrap();
        for thread in threads {
            thread.join().unwrap();
        }
        prop_assert_eq!(numbers(&out), wanted.clone());
        prop_assert_eq!(ending, Ending { timed_out: false, troubles: 0, any: !wanted.is_empty(), unfinished: Vec::new() });
    }
}

#[test]
fn a_lane_that_hangs_is_named_and_the_others_go_on() {
    let board = Arc::new(Board::default());
    let hung = board.lane("hung", false);
    let mut other = board.lane("other", false);
    write(&mut other, 1);
    drop(other);
    let heard = Heard::default();
    let mut out = Vec::new();
    let deadline = Some(Instant::now() + LAG + Duration::from_millis(500));
    let ending = merge(&board, &mut out, &heard, deadline).unwrap();
    assert_eq!((numbers(&out), ending.timed_out, ending.troubles, ending.any), (vec![1], true, 0, true));
    assert_eq!(ending.unfinished, ["hung"]);
    assert_eq!(*heard.0.lock().unwrap(), ["hung is late"]);
    drop(hung);
}

#[test]
fn a_lane_that_is_ahead_waits_and_stops_when_nobody_wants_more() {
    let board = Arc::new(Board::default());
    let mut pen = board.lane("endless", false);
    let thread = thread::spawn(move || {
        let mut count = 0_u64;
        while pen.line(1, |out| out.extend_from_slice(&[b'x'; 1000])) {
            count += 1;
        }
        count
    });
    thread::sleep(Duration::from_millis(50));
    assert!(board.state().lanes[0].ahead <= AHEAD + BATCH + 1000);
    board.state().closed = true;
    board.changed.notify_all();
    assert!(thread.join().unwrap() < 300);
}

#[test]
fn followed_lines_wait_a_moment_for_earlier_ones() {
    let board = Arc::new(Board::default());
    let (mut one, mut two) = (board.lane("one", true), board.lane("two", true));
    // Ahead of the clock, so that the second has time to come on a machine that is busy.
    let now = jiff::Timestamp::now().as_microsecond() + 500_000;
    let thread = thread::spawn(move || {
        write(&mut one, now + 10_000);
        one.flush();
        thread::sleep(Duration::from_millis(20));
        write(&mut two, now);
    });
    let mut out = Vec::new();
    merge(&board, &mut out, &Heard::default(), None).unwrap();
    thread.join().unwrap();
    assert_eq!(numbers(&out), [now, now + 10_000]);
}
