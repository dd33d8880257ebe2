//! What goes over the emulated gateway's tap.

use std::path::Path;
use std::time::Duration;

use tagout::capture::CaptureFile;
use tagout_core::LinkType;
use tagout_tests::case::Case;
use tagout_tests::corpus;
use tagout_tests::generate::Capture;
use tagout_tests::plant::{Lan, Protocol};

/// Frames that are taken of a recorded capture at most; larger captures are left out.
const MOST: usize = 200;
/// Every so many of the recorded captures are taken.
const STEP: usize = 9;
/// From one of them to the next: longer than an alert waits for an answer.
const PAUSE_US: u64 = 1_200_000;

/// What generators say over every network, and some recorded captures where there are any: one after the other, with gaps between
/// frames of at most `longest`.
pub(super) fn capture(longest: Duration) -> Capture {
    let mut sequence = Sequence { capture: Capture::default(), now_us: 0, longest_us: longest.as_micros() as u64 };
    for lan in Lan::ALL {
        for protocol in Protocol::ALL {
            let case = Case::parse("about = \"a dangerous command after others\"").expect("a case");
            sequence.add(
                case.build(protocol, lan).capture.frames().iter().map(|frame| (frame.time_ns, frame.bytes.clone())),
            );
        }
    }
    let cases = corpus::directory().map(|directory| corpus::cases(&directory)).unwrap_or_default();
    for case in cases.iter().step_by(STEP) {
        sequence.add(recorded(&case.capture));
    }
    sequence.add([(0, foreign())]);
    sequence.capture
}

struct Sequence {
    capture: Capture,
    now_us: u64,
    longest_us: u64,
}

impl Sequence {
    fn add(&mut self, frames: impl IntoIterator<Item = (u64, Vec<u8>)>) {
        let mut before = None;
        for (time_ns, bytes) in frames {
            let gap_us = |before| (time_ns.saturating_sub(before) / 1_000).min(self.longest_us);
            self.now_us += before.map_or(PAUSE_US, gap_us);
            self.capture.add_frame(self.now_us, bytes);
            before = Some(time_ns);
        }
    }
}

/// A frame that is neither IP nor ARP: time passes, and nothing is said.
fn foreign() -> Vec<u8> {
    let mut frame = vec![0; 60];
    frame[12..14].copy_from_slice(&[0x88, 0xb5]);
    frame
}

/// The frames of a recorded capture, if they are whole frames of Ethernet and not too many.
fn recorded(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut file = CaptureFile::open(path).expect("a capture");
    let mut frames = Vec::new();
    while let Some(frame) = file.next().expect("a capture that is whole") {
        if frame.link != LinkType::Ethernet || frame.bytes.len() != frame.wire_len as usize || frames.len() == MOST {
            return Vec::new();
        }
        frames.push((frame.time.0, frame.bytes.to_vec()));
    }
    frames
}
