//! Packets per second of `tagout replay` against a bare libpcap read loop over the same file: without outputs, under a policy of
//! a whole plant, and with an event for each exchange; and peak memory as the file grows.
//!
//! Without arguments the captures are generated; otherwise each argument names a capture to measure on.

mod measure;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use measure::Measurement;
use tagout_tests::workload::{POLICY, Permitted, Plant, Workload, policy};

/// Packets in the smaller of the two captures of each kind.
const PACKETS: usize = 250_000;
const GROWTH: usize = 8;
/// The aim of the project.
const GREATEST_RATIO: f64 = 4.0;

fn main() -> io::Result<()> {
    let tagout = tagout_tests::binary::tagout();
    let captures: Vec<PathBuf> =
        env::args_os().skip(1).filter(|argument| argument != "--bench").map(PathBuf::from).collect();
    println!(
        "{:<20} {:>9} {:>11} {:>12} {:>12} {:>7} {:>9}",
        "", "packets", "bytes", "libpcap", "tagout", "ratio", "peak"
    );
    println!("{:<20} {:>9} {:>11} {:>12} {:>12} {:>7} {:>9}", "capture", "", "", "packets/s", "packets/s", "", "KiB");
    if captures.is_empty() {
        return generated(tagout);
    }
    for capture in captures {
        let name = capture.file_name().unwrap_or_default().to_string_lossy();
        show(&name, &Measurement::of(tagout, &capture, &[])?);
    }
    Ok(())
}

fn generated(tagout: &Path) -> io::Result<()> {
    let directory = env::temp_dir().join(format!("tagout-bench-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let result = [Workload::Modbus, Workload::Dnp3].into_iter().try_for_each(|workload| {
        grown(tagout, workload, &directory)?;
        permitted(tagout, workload, &directory)
    });
    fs::remove_dir_all(&directory)?;
    result
}

fn grown(tagout: &Path, workload: Workload, directory: &Path) -> io::Result<()> {
    let capture = directory.join("capture.pcap");
    let measure = |packets| {
        workload.write(&capture, packets, Plant::Growing)?;
        let measurement = Measurement::of(tagout, &capture, &[])?;
        show(workload.name(), &measurement);
        io::Result::Ok(measurement)
    };
    let small = measure(PACKETS)?;
    let large = measure(PACKETS * GROWTH)?;
    let growth = large.peak_kib as f64 / small.peak_kib as f64;
    println!("{}: {GROWTH} times the packets take {growth:.2} times the memory", workload.name());
    let verdict = if large.ratio() <= GREATEST_RATIO { "within" } else { "ABOVE" };
    println!("{}: {verdict} {GREATEST_RATIO} times the cost of the bare loop", workload.name());
    Ok(())
}

/// Of the same devices again and again, under a policy that names them all.
fn permitted(tagout: &Path, workload: Workload, directory: &Path) -> io::Result<()> {
    let (capture, file) = (directory.join("capture.pcap"), directory.join("policy.toml"));
    workload.write(&capture, PACKETS * GROWTH, Plant::Fixed)?;
    fs::write(&file, policy(&[workload], Permitted::Everything))?;
    // Whatever is not permitted costs more than what is, and has no place here.
    let permits = ["--fail-on-alert=medium".as_ref(), "--policy".as_ref(), file.as_os_str()];
    let events = ["--events", "/dev/null"].map(OsStr::new);
    println!("{}: {}", workload.name(), POLICY);
    show("  alerts alone", &Measurement::of(tagout, &capture, &permits)?);
    show("  with events", &Measurement::of(tagout, &capture, &[&permits[..], &events].concat())?);
    workload.write(&capture, PACKETS, Plant::Wide)?;
    show("10,000 sessions", &Measurement::of(tagout, &capture, &[])?);
    Ok(())
}

fn show(name: &str, measurement: &Measurement) {
    let Measurement { packets, bytes, peak_kib, .. } = measurement;
    let (libpcap, tagout) = (measurement.libpcap_rate(), measurement.tagout_rate());
    let ratio = measurement.ratio();
    println!("{name:<20} {packets:>9} {bytes:>11} {libpcap:>12.0} {tagout:>12.0} {ratio:>7.2} {peak_kib:>9}");
}
