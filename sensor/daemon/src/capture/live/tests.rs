use std::collections::VecDeque;
use std::io::pipe;
use std::os::fd::{BorrowedFd, OwnedFd};

use tagout_core::LinkType;

use super::*;
use crate::capture::interfaces;

/// An interface that gives frames of these times.
struct Fake {
    times: VecDeque<u64>,
    fd: OwnedFd,
}

impl AsFd for Fake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Source for Fake {
    fn next(&mut self, number: u64) -> Result<Option<Frame<'_>>, Failure> {
        let frame =
            |time| Frame { number, time: Timestamp(time), link: LinkType::Ethernet, bytes: b"frame", wire_len: 5 };
        Ok(self.times.pop_front().map(frame))
    }

    fn losses(&mut self) -> Losses {
        Losses::default()
    }
}

fn live(times: &[&[u64]], merge_ms: u32) -> Live {
    let port = |times: &&[u64]| {
        let fd = OwnedFd::from(pipe().expect("a pipe").0);
        let source = Fake { times: times.iter().copied().collect(), fd };
        Port::open(interfaces::ANY, Box::new(source), &config::Capture::default())
    };
    let ports = times.iter().map(port).collect();
    Live { ports, frames: 0, merge_ms, silence: None, checked: Instant::now(), clock: Clock::new() }
}

/// Numbers and times of the frames that are reported at once.
fn read(live: &mut Live) -> Vec<(u64, u64)> {
    let mut seen = Vec::new();
    let count = live.read(&mut |event| {
        if let Event::Frame(frame) = event {
            assert_eq!(frame.bytes, b"frame");
            seen.push((frame.number, frame.time.0));
        }
        Ok(())
    });
    assert_eq!(count.expect("nothing fails"), seen.len());
    seen
}

#[test]
fn frames_of_several_interfaces_come_in_the_order_of_their_times() {
    let mut live = live(&[&[1, 4, 5, 9], &[2, 3, 8], &[7]], 10);
    let seen = read(&mut live);
    assert_eq!(seen, (1..).zip([1, 2, 3, 4, 5, 7, 8, 9]).collect::<Vec<_>>());
}

#[test]
fn a_frame_waits_for_an_earlier_one_of_another_interface_but_not_longer_than_it_may() {
    let now = Stamp::now().0.0;
    let [old, new] = [now - 20_000_000_000, now];
    let mut live = live(&[&[old, new], &[]], 10_000);
    assert_eq!(read(&mut live), [(1, old)]);
    assert_eq!(read(&mut live), []);
    live.merge_ms = 0;
    assert_eq!(read(&mut live), [(2, new)]);
}

#[test]
fn a_frame_of_the_future_waits_for_nothing() {
    let later = Stamp::now().0.0 + 3_600_000_000_000;
    assert_eq!(read(&mut live(&[&[later], &[]], 10)), [(1, later)]);
}

#[test]
fn a_single_interface_waits_for_nothing() {
    let now = Stamp::now().0.0;
    assert_eq!(read(&mut live(&[&[now, now - 1]], 10_000)), [(1, now), (2, now - 1)]);
}
