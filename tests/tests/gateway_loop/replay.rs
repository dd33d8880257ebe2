//! What the daemon says of a capture, and the capture as a mirror port with timestamps brings it.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use tagout_core::LinkType;
use tagout_core::engine::Policy;
use tagout_firmware::{Tables, judge};
use tagout_tests::case::Case;
use tagout_tests::generate::{Capture, Captured};
use tagout_tests::plant::{Lan, Protocol};
use tagout_tests::{binary, corpus};

/// Twice as long as anything waits.
const LATER_US: u64 = 2 * 3_600 * 1_000_000;
/// The longest recorded capture that is judged, in bytes.
const RECORDED_MAX: u64 = 64 * 1024;
/// Frames that a mirror port with timestamps can send, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 14..=1_514;

/// A case of the disturbances as a capture, with a frame behind it that comes so much later that everything is closed.
pub(crate) fn capture(case: &str, protocol: Protocol) -> Capture {
    let (_, case) = Case::all().into_iter().find(|(name, _)| name == case).expect("the case is there");
    closed(case.build(protocol, Lan::Ipv4).capture)
}

fn closed(mut capture: Capture) -> Capture {
    capture.add_frame(LATER_US, nothing());
    capture
}

/// Each case of the disturbances with each of its protocols.
pub(crate) fn captures() -> impl Iterator<Item = (String, Capture)> {
    let cases = Case::all().into_iter();
    let of_all = cases.flat_map(|(name, case)| Protocol::ALL.map(|protocol| (name.clone(), case.clone(), protocol)));
    of_all.filter_map(|(name, case, protocol)| case_of(&name, &case, protocol))
}

/// Captures that others recorded which a mirror port could bring: of Ethernet, with whole frames.
pub(crate) fn recorded() -> impl Iterator<Item = (String, Capture)> {
    let folder = corpus::directory();
    let mut files: Vec<_> = folder.map(fs::read_dir).into_iter().flatten().flatten().flatten().collect();
    files.sort_by_key(fs::DirEntry::file_name);
    let short = |file: &fs::DirEntry| file.metadata().is_ok_and(|about| about.is_file() && about.len() < RECORDED_MAX);
    files.into_iter().filter(short).filter_map(|file| {
        let bytes = fs::read(file.path()).expect("a capture can be read");
        let (mut frames, mut capture) = (Vec::new(), Capture::default());
        for frame in tagout_firmware::Capture::new(&bytes)? {
            let is_whole = frame.bytes.len() == frame.wire_len as usize && LENGTHS.contains(&frame.bytes.len());
            (is_whole && frame.link == LinkType::Ethernet).then_some(())?;
            frames.push((frame.time.0 / 1_000, frame.bytes.to_vec()));
        }
        let name = file.file_name().display().to_string();
        (!frames.is_empty()).then(|| capture.add_frames(frames)).map(|()| (name, capture))
    })
}

/// Captures put behind each other, so far apart that everything of one is over before the next.
pub(crate) struct Series {
    names: Vec<String>,
    /// The place of the first frame of each.
    starts: Vec<usize>,
    capture: Capture,
}

impl Series {
    pub(crate) fn of(captures: impl Iterator<Item = (String, Capture)>) -> Self {
        let (mut names, mut starts, mut frames, mut now_us) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for (name, of_one) in captures {
            let of_one = of_one.frames();
            let since_first = |frame: &Captured| (frame.time_ns - of_one[0].time_ns) / 1_000;
            names.push(name);
            starts.push(frames.len());
            frames.extend(of_one.iter().map(|frame| (now_us + since_first(frame), frame.bytes.clone())));
            now_us += of_one.last().map_or(0, since_first) + LATER_US;
            frames.push((now_us, nothing()));
            now_us += LATER_US;
        }
        let mut capture = Capture::default();
        capture.add_frames(frames);
        Self { names, starts, capture }
    }

    /// All of them.
    pub(crate) const fn capture(&self) -> &Capture {
        &self.capture
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    /// The frames of each.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[Captured]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.capture.frames().len()]);
        self.starts.iter().zip(ends).map(|(from, to)| &self.capture.frames()[*from..to])
    }

    /// Alerts by the capture that they are of, as their times say.
    pub(crate) fn by_part(&self, alerts: Vec<String>) -> Vec<Vec<String>> {
        let mut parts = vec![Vec::new(); self.starts.len()];
        for alert in alerts {
            let (_, time) = alert.split_once("|rt=").expect("a time");
            let time_ms: u64 = time.split(' ').next().and_then(|ms| ms.parse().ok()).expect("milliseconds");
            let has_begun = |at: &&usize| self.capture.frames()[**at].time_ns / 1_000_000 <= time_ms;
            let begun = self.starts.iter().filter(has_begun).count();
            parts[begun - 1].push(alert);
        }
        parts
    }
}

/// A frame of a protocol for experiments (IEEE 802, 9.2.3).
fn nothing() -> Vec<u8> {
    let mut frame = vec![0; 60];
    frame[12..14].copy_from_slice(&[0x88, 0xb5]);
    frame
}

/// A case that a mirror port could bring: on the protocol's own port, with whole frames.
fn case_of(name: &str, case: &Case, protocol: Protocol) -> Option<(String, Capture)> {
    let usual = |case: &&Case| case.protocols.contains(&protocol);
    let scene = Some(case).filter(usual)?.build(protocol, Lan::Ipv4);
    let whole = scene.capture.frames().iter().all(|frame| frame.bytes.len() == frame.wire_len as usize);
    let named = || (format!("{name}::{}", protocol.name()), closed(scene.capture));
    (whole && scene.port == protocol.default_port()).then(named)
}

/// The image of the disturbances' policy.
pub(crate) fn image() -> Vec<u8> {
    image_of(&policy())
}

/// The image of a policy, with the packs that the daemon adds.
pub(crate) fn image_of(policy: &Path) -> Vec<u8> {
    let image = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a file to write to");
    let mut command = Command::new(binary::tagout());
    let output = command.arg("compile").arg(policy).arg("--output").arg(image.path()).output();
    assert!(output.expect("tagout can be run").status.success());
    fs::read(image.path()).expect("the image was written")
}

/// What the daemon says of the alerts that it raises by the disturbances' policy, in order: CEF.
pub(crate) fn alerts(capture: &Capture) -> Vec<String> {
    alerts_by(&policy(), capture)
}

/// The same by another policy.
pub(crate) fn alerts_by(policy: &Path, capture: &Capture) -> Vec<String> {
    let file = tempfile::Builder::new().suffix(".pcap").tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    fs::write(file.path(), capture.pcap()).expect("a capture to judge");
    let mut command = Command::new(binary::tagout());
    command
        .arg("replay")
        .arg(file.path())
        .arg("--policy")
        .arg(policy)
        .args(["--quiet", "--format", "cef", "--alerts", "-"]);
    let output = command.output().expect("tagout can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("records are text");
    text.lines().map(str::to_owned).collect()
}

/// What a sensor with a board's tables says on this machine of the alerts that it raises by the disturbances' policy.
pub(crate) fn host_alerts(capture: &Capture) -> Vec<String> {
    let (image, bytes) = (image(), capture.pcap());
    let policy = Policy::load(&image).expect("what the compiler made loads");
    let (mut tables, mut said) = (Box::new(Tables::new()), Vec::new());
    let capture = tagout_firmware::Capture::new(&bytes).expect("a capture");
    judge(policy, capture, &mut tables, |line| said.push(line.to_owned()));
    said.retain(|line| line.starts_with("CEF:"));
    said
}

pub(crate) fn policy() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances/policy.toml")
}

/// A frame as Arista's switches send it on: with the time of its capture behind the addresses.
pub(crate) fn timestamped(frame: &Captured) -> Vec<u8> {
    let seconds = (frame.time_ns / 1_000_000_000) as u32;
    let ns = (frame.time_ns % 1_000_000_000) as u32;
    let header = [&[0xd2, 0x8b, 0, 1, 1, 0x10][..], &seconds.to_be_bytes(), &ns.to_be_bytes()].concat();
    [&frame.bytes[..12], &header, &frame.bytes[12..]].concat()
}
