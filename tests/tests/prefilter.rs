//! What the kernel filters before the sensor changes nothing of what the sensor tells.

use std::path::Path;

use tagout::capture::CaptureFile;
use tagout::capture::live::Prefilter;
use tagout::config::Config;
use tagout::memory::{Limits, Memory};
use tagout_compiler::{compile, packs};
use tagout_core::engine::Policy;
use tagout_core::{Frame, LinkType, Sensor, Timestamp};
use tagout_tests::case::Case;
use tagout_tests::observe::Told;
use tagout_tests::plant::{self, Lan};
use tagout_tests::{bpf, corpus, workers};

const ETHERNET: u32 = 14;

fn prefilter() -> Prefilter {
    Config::default().prefilter().expect("it is on unless told otherwise")
}

/// Whether the kernel would hand a frame over.
fn passes(frame: &Frame<'_>) -> bool {
    let seen = bpf::untagged(frame.bytes).filter(|_| frame.link == LinkType::Ethernet);
    seen.is_none_or(|(protocol, packet)| bpf::run(&prefilter().program(ETHERNET), protocol, &packet) > 0)
}

/// A capture with and without the filter; how many frames there are, and how many of them the kernel drops.
struct Both<'p> {
    sensors: [Sensor<'p>; 2],
    told: [Told<'p>; 2],
    frames: usize,
    dropped: usize,
}

impl<'p> Both<'p> {
    fn new(policy: Policy<'p>, memories: &'p mut [Memory; 2]) -> Self {
        let config = Config::default().sensor().expect("a configuration");
        let sensors = memories.each_mut().map(|memory| Sensor::new(config.clone(), policy, memory.lend()));
        Self { sensors, told: [Told::new(policy), Told::new(policy)], frames: 0, dropped: 0 }
    }

    fn take(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        self.sensors[0].frame(frame, &mut self.told[0]);
        if passes(frame) {
            self.sensors[1].frame(frame, &mut self.told[1]);
        } else {
            // Time passes all the same: the daemon tells of it when no frame comes.
            self.sensors[1].advance(frame.time, &mut self.told[1]);
            self.dropped += 1;
        }
    }

    fn finish(mut self, name: &str) -> [usize; 2] {
        for (sensor, told) in self.sensors.iter_mut().zip(&mut self.told) {
            sensor.finish(told);
            told.lines.sort();
        }
        let [all, passed] = &self.told;
        let differs = |of: &Told<'_>, than: &Told<'_>| {
            of.lines.iter().find(|line| than.lines.binary_search(line).is_err()).cloned()
        };
        assert_eq!([differs(all, passed), differs(passed, all)], [None, None], "{name}");
        [self.frames, self.dropped]
    }
}

fn memories(policy: Policy<'_>) -> [Memory; 2] {
    [(); 2].map(|()| Memory::new(&Limits { recent_bytes: 1 << 20, ..Limits::default() }, policy))
}

#[test]
fn no_packet_of_a_plant_protocol_is_dropped_however_it_comes() {
    let compiled = plant::policy();
    let policy = Policy::load(&compiled.image).expect("the policy loads");
    let mut frames = 0;
    for (name, case) in Case::all().into_iter().filter(|(_, case)| case.dialogue.port.is_none()) {
        for protocol in case.protocols.clone() {
            for lan in Lan::ALL {
                let scene = case.build(protocol, lan);
                for (number, captured) in (1..).zip(scene.capture.frames()) {
                    let (link, bytes) = (LinkType::Ethernet, captured.bytes.as_slice());
                    let time = Timestamp(captured.time_ns);
                    let frame = Frame { number, time, link, bytes, wire_len: captured.wire_len };
                    assert!(passes(&frame), "{name}, {protocol:?}, {lan:?}: frame {number}");
                    frames += 1;
                }
            }
        }
    }
    assert!(frames > 10_000 && policy.device_count() > 0, "{frames} frames");
}

#[test]
fn real_captures_are_told_the_same() {
    let Some(directory) = corpus::directory() else {
        println!("skipped: no captures at ../shared/captures (TAGOUT_CAPTURES names another place)");
        return;
    };
    let compiled = compile(&packs()).expect("the packs compile");
    let policy = Policy::load(&compiled.image).expect("the image loads");
    let counts = workers::each(&corpus::cases(&directory), |case| told_the_same(&directory, &case.name, policy));
    let [frames, dropped] = [0, 1].map(|what| counts.iter().map(|counts| counts[what]).sum::<usize>());
    println!("{dropped} of {frames} frames are dropped");
    assert!(dropped > 0, "there are other packets in captures");
}

/// Looks whether a capture is told the same; how many frames it has, and how many of them the kernel drops.
fn told_the_same(directory: &Path, name: &str, policy: Policy<'_>) -> [usize; 2] {
    let mut memories = memories(policy);
    let mut both = Both::new(policy, &mut memories);
    let Ok(mut file) = CaptureFile::open(&directory.join(name)) else { return [0; 2] };
    // Captures that were put together run backwards; interfaces do not.
    let mut now = Timestamp::default();
    while let Ok(Some(frame)) = file.next() {
        now = now.max(frame.time);
        both.take(&Frame { time: now, ..frame });
    }
    both.finish(name)
}
