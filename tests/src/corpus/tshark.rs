use std::path::Path;
use std::process::{Command, Stdio};

use super::account::Account;
use super::dissection::{self, Node};
use super::message::{Kind, Message, Protocol};
use super::{dnp3, modbus};

const FILTER: &str = "modbus || dnp3";
const LAYERS: &str = "frame tcp udp mbtcp mbudp mbrtu modbus dnp3";

/// What tshark says of a capture.
#[derive(Debug, Default)]
pub struct Witness {
    /// Of every message.
    pub accounts: Vec<Account>,
    /// Of messages in segments that it calls retransmissions itself, and dissects all the same.
    pub repeated: Vec<Account>,
}

/// Whether this machine has tshark.
pub fn available() -> bool {
    let output = Command::new("tshark").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    output.is_ok_and(|status| status.success())
}

/// Lets tshark dissect a capture. `options` are further ones of its own, such as `-d tcp.port==20001,dnp3`.
///
/// # Panics
/// If tshark fails or writes something unexpected.
pub fn witness(capture: &Path, options: &[String]) -> Witness {
    let output = Command::new("tshark")
        .args(["-n", "-T", "json", "-J", LAYERS, "-Y", FILTER, "-r"])
        .arg(capture)
        .args(options)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .expect("tshark can be run");
    let mut witness = Witness::default();
    let read = dissection::read_frames(&output.stdout, &mut |layers| witness.hear(&layers));
    let errors = || String::from_utf8_lossy(&output.stderr);
    read.unwrap_or_else(|error| panic!("tshark on {}: {error}\n{}", capture.display(), errors()));
    witness
}

impl Witness {
    fn hear(&mut self, layers: &[Node]) {
        let frame = Frame::of(layers);
        let list = if frame.repeated { &mut self.repeated } else { &mut self.accounts };
        let mut header = None;
        for layer in layers {
            match layer.name.as_str() {
                "mbtcp" | "mbudp" | "mbrtu" => header = Some(layer),
                "modbus" => list.extend(modbus::of_dissection(&frame, header, layer)),
                "dnp3" => list.extend(dnp3::of_dissection(frame.number, layer)),
                _ => {}
            }
        }
    }
}

/// What the layers below say of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    number: u64,
    from_server: bool,
    repeated: bool,
}

impl Frame {
    pub(super) fn of(layers: &[Node]) -> Self {
        let first = |name: &str| layers.iter().find_map(|layer| layer.number(name));
        let port = first("tcp.srcport").or_else(|| first("udp.srcport"));
        let notes = ["tcp.analysis.retransmission", "tcp.analysis.fast_retransmission"];
        let tcp = layers.iter().find(|layer| layer.name == "tcp");
        Self {
            number: first("frame.number").expect("every frame has a number"),
            from_server: port == Some(502),
            repeated: tcp.is_some_and(|tcp| notes.iter().any(|note| tcp.values(note).next().is_some())),
        }
    }

    /// The message of a Modbus PDU in this frame.
    pub(super) fn modbus(&self, function: u8, exception: bool) -> Message {
        let kind = match (exception, self.from_server) {
            (true, _) => Kind::Exception,
            (false, true) => Kind::Response,
            (false, false) => Kind::Request,
        };
        Message { frame: self.number, protocol: Protocol::Modbus, kind, function }
    }
}
