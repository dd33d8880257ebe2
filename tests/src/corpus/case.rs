use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::message::{Kind, Message, Protocol};

/// A capture with what tshark says of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the file, without its folder.
    pub name: String,
    /// The capture.
    pub capture: PathBuf,
    /// What tshark found in it.
    pub truth: Vec<Message>,
    /// What tshark dissected again in segments that it calls retransmissions itself.
    pub repeated: Vec<Message>,
    /// Everything in it that asks for something: Modbus requests, and DNP3 link frames to an outstation.
    pub requests: Vec<Sent>,
    /// What tshark was told beyond its defaults, such as `-d tcp.port==20001,dnp3`.
    pub tshark_options: Vec<String>,
}

/// When something was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    /// 1-based number of the frame that carries its last byte.
    pub frame: u64,
    /// Seconds since the Unix epoch.
    pub time_s: f64,
}

/// Where the captures are: `TAGOUT_CAPTURES`, else beside the workspace. `None` if there are none.
pub fn directory() -> Option<PathBuf> {
    let beside = || crate::binary::workspace().join("../shared/captures");
    let directory = std::env::var_os("TAGOUT_CAPTURES").map_or_else(beside, PathBuf::from);
    directory.join("truth").is_dir().then_some(directory)
}

/// Every capture of the directory that has a truth, in order of name.
///
/// # Panics
/// If a truth file is not as its documentation says.
pub fn cases(directory: &Path) -> Vec<Case> {
    let entries = fs::read_dir(directory).expect("the captures can be listed");
    let files = entries.flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).collect();
    names.sort();
    names.into_iter().filter_map(|name| Case::read(directory, name)).collect()
}

impl Case {
    /// tagout's options for the DNP3 ports that tshark was told of.
    pub fn tagout_options(&self) -> Vec<String> {
        let port = |option: &String| Some(option.strip_prefix("tcp.port==")?.strip_suffix(",dnp3")?.to_owned());
        let ports = self.tshark_options.iter().filter_map(port);
        ports.flat_map(|port| ["--dnp3-port".to_owned(), port]).collect()
    }

    /// Reads what is known of the capture of this name; `None` if that is nothing.
    ///
    /// # Panics
    /// If its truth is not as its documentation says.
    pub fn read(directory: &Path, name: String) -> Option<Self> {
        let truth = directory.join("truth");
        let events = fs::File::open(truth.join(format!("{name}.events.csv.gz"))).ok()?;
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(events).read_to_string(&mut text).expect("a gzip file of text");
        let (repeated, first): (Vec<_>, Vec<_>) = rows(&text).partition(|row| row.tcp_note == "retx");
        let summary = fs::read_to_string(truth.join(format!("{name}.json"))).expect("a summary beside each truth");
        Some(Self {
            capture: directory.join(&name),
            name,
            truth: first.iter().filter_map(Row::message).collect(),
            repeated: repeated.iter().filter_map(Row::message).collect(),
            requests: first.iter().filter_map(Row::request).collect(),
            tshark_options: tshark_options(&summary),
        })
    }
}

/// The columns of a truth file that are compared.
struct Row<'a> {
    frame: u64,
    time_s: f64,
    protocol: &'a str,
    tcp_note: &'a str,
    direction: &'a str,
    function: &'a str,
    exception: &'a str,
}

const HEADER: &str = "frame,time_epoch,proto,l4,src,dst,sport,dport,tcp_stream,eth_src,tcp_note,dir,func,exception,";

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    assert!(header.starts_with(HEADER), "unknown columns: {header}");
    lines.map(|line| {
        let columns: Vec<&str> = line.split(',').collect();
        Row {
            frame: columns[0].parse().expect("a frame number"),
            time_s: columns[1].parse().expect("seconds since the Unix epoch"),
            protocol: columns[2],
            tcp_note: columns[10],
            direction: columns[11],
            function: columns[12],
            exception: columns[13],
        }
    })
}

impl Row<'_> {
    /// `None` for DNP3 link frames that end no application fragment.
    fn message(&self) -> Option<Message> {
        let function = self.function.parse().ok()?;
        Some(match self.protocol {
            "dnp3" => Message::dnp3(self.frame, function),
            _ => Message { frame: self.frame, protocol: Protocol::Modbus, kind: self.modbus_kind(), function },
        })
    }

    fn request(&self) -> Option<Sent> {
        ["req", "m2o"].contains(&self.direction).then_some(Sent { frame: self.frame, time_s: self.time_s })
    }

    fn modbus_kind(&self) -> Kind {
        match (self.direction, self.exception) {
            ("req", _) => Kind::Request,
            (_, "") => Kind::Response,
            _ => Kind::Exception,
        }
    }
}

fn tshark_options(summary: &str) -> Vec<String> {
    let summary: serde_json::Value = serde_json::from_str(summary).expect("a JSON summary");
    let options = summary["args"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    options.map(str::to_owned).collect()
}
