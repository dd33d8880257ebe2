//! Other protocols on the ports of Modbus and DNP3, known by how their messages begin.

use tagout_engine::AnomalyKind;

use crate::dnp3;
use crate::finding::{Finding, Term};
use crate::modbus::mbap;
use crate::record::Protocol;
use crate::scan::Scan;

/// The beginning of a message, byte by byte; `None` for one that may be anything.
type Beginning = &'static [Option<u8>];

macro_rules! text {
    ($($byte:literal)+) => { &[$(Some($byte)),+] };
}

/// Over TCP. What is longer, or more certain, comes first.
const OVER_TCP: &[(&str, Beginning)] = &[
    ("HTTP", text!(b'G' b'E' b'T' b' ')),
    ("HTTP", text!(b'P' b'O' b'S' b'T' b' ')),
    ("HTTP", text!(b'P' b'U' b'T' b' ')),
    ("HTTP", text!(b'H' b'E' b'A' b'D' b' ')),
    ("HTTP", text!(b'O' b'P' b'T' b'I' b'O' b'N' b'S' b' ')),
    ("HTTP", text!(b'D' b'E' b'L' b'E' b'T' b'E' b' ')),
    ("HTTP", text!(b'C' b'O' b'N' b'N' b'E' b'C' b'T' b' ')),
    ("HTTP", text!(b'H' b'T' b'T' b'P' b'/' b'1' b'.')),
    ("HTTP/2", text!(b'P' b'R' b'I' b' ' b'*' b' ' b'H' b'T' b'T' b'P')),
    ("RTSP or SIP", text!(b'O' b'P' b'T' b'I' b'O' b'N' b'S' b' ' b's' b'i' b'p')),
    ("SSH", text!(b'S' b'S' b'H' b'-')),
    ("RFB (VNC)", text!(b'R' b'F' b'B' b' ' b'0')),
    ("SMB", &[None, None, None, None, Some(0xFE), Some(b'S'), Some(b'M'), Some(b'B')]),
    ("SMB", &[None, None, None, None, Some(0xFF), Some(b'S'), Some(b'M'), Some(b'B')]),
    ("OPC UA", text!(b'H' b'E' b'L' b'F')),
    ("OPC UA", text!(b'A' b'C' b'K' b'F')),
    ("OPC UA", text!(b'O' b'P' b'N' b'F')),
    ("OPC UA", text!(b'M' b'S' b'G' b'F')),
    ("MQTT", &[Some(0x10), None, Some(0x00), Some(0x04), Some(b'M'), Some(b'Q'), Some(b'T'), Some(b'T')]),
    ("FTP or SMTP", text!(b'2' b'2' b'0' b' ')),
    ("Telnet", &[Some(0xFF), Some(0xFB)]),
    ("Telnet", &[Some(0xFF), Some(0xFD)]),
    ("TLS", &[Some(0x16), Some(0x03), None, None, None, Some(0x01)]),
    ("TLS", &[Some(0x16), Some(0x03), None, None, None, Some(0x02)]),
    ("TLS", &[Some(0x15), Some(0x03), None, Some(0x00), Some(0x02)]),
    ("TLS", &[Some(0x17), Some(0x03), Some(0x03)]),
    ("TPKT (S7comm, RDP, IEC 61850)", &[Some(0x03), Some(0x00), None, None, None, Some(0xE0)]),
    ("TPKT (S7comm, RDP, IEC 61850)", &[Some(0x03), Some(0x00), None, None, Some(0x02), Some(0xF0)]),
    ("EtherNet/IP", &[Some(0x65), Some(0x00), Some(0x04), Some(0x00)]),
    ("IEC 60870-5-104", &[Some(0x68), Some(0x04), None, Some(0x00), Some(0x00), Some(0x00)]),
];

/// Over UDP.
const OVER_UDP: &[(&str, Beginning)] = &[
    ("QUIC", &[Some(0xC0), Some(0x00), Some(0x00), Some(0x00), Some(0x01)]),
    ("SIP", text!(b'S' b'I' b'P' b'/' b'2' b'.' b'0')),
    ("SSDP", text!(b'M' b'-' b'S' b'E' b'A' b'R' b'C' b'H')),
    ("BACnet/IP", &[Some(0x81), Some(0x0A)]),
];

/// The finding that names another protocol at the start of bytes that are no unit, if it is a known one.
pub(super) fn named(kind: AnomalyKind, over_tcp: bool, bytes: &[u8]) -> Option<Finding> {
    let nothing_fits = matches!(
        kind,
        AnomalyKind::ModbusStrayBytes
            | AnomalyKind::ModbusProtocolId
            | AnomalyKind::ModbusLength
            | AnomalyKind::Dnp3StrayBytes
    );
    let expected = if kind == AnomalyKind::Dnp3StrayBytes { Protocol::Dnp3 } else { Protocol::Modbus };
    let name = if nothing_fits { sibling(expected, bytes).or_else(|| known(over_tcp, bytes))? } else { return None };
    let finding = Finding::new(AnomalyKind::ForeignProtocol, bytes.len());
    Some(finding.because(Term::Words(name_of(expected)), Term::Words(name)))
}

/// The other plant protocol, if the bytes are that.
fn sibling(expected: Protocol, bytes: &[u8]) -> Option<&'static str> {
    let is_sibling = match expected {
        Protocol::Modbus => matches!(dnp3::link::scan(bytes), Scan::Unit { .. }),
        Protocol::Dnp3 => mbap::fills(bytes),
    };
    let sibling = if expected == Protocol::Modbus { Protocol::Dnp3 } else { Protocol::Modbus };
    is_sibling.then_some(name_of(sibling))
}

const fn name_of(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Modbus => "Modbus",
        Protocol::Dnp3 => "DNP3",
    }
}

fn known(over_tcp: bool, bytes: &[u8]) -> Option<&'static str> {
    let known = if over_tcp { OVER_TCP } else { OVER_UDP };
    known.iter().find(|(_, beginning)| begins(bytes, beginning)).map(|(name, _)| *name)
}

fn begins(bytes: &[u8], beginning: Beginning) -> bool {
    bytes.len() >= beginning.len()
        && bytes.iter().zip(beginning).all(|(byte, wanted)| wanted.is_none_or(|wanted| wanted == *byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(kind: AnomalyKind, over_tcp: bool, bytes: &[u8]) -> Option<Term> {
        named(kind, over_tcp, bytes).map(|finding| finding.found)
    }

    #[test]
    fn well_known_beginnings_are_named() {
        let cases: [(&[u8], bool, &str); 6] = [
            (b"GET /index.html HTTP/1.1\r\n", true, "HTTP"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", true, "TLS"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", true, "SSH"),
            (b"\x03\x00\x00\x16\x11\xe0\x00\x00", true, "TPKT (S7comm, RDP, IEC 61850)"),
            (b"\xc0\x00\x00\x00\x01\x08", false, "QUIC"),
            (&[0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x00, 0x04, 0xe9, 0x21], true, "DNP3"),
        ];
        for (bytes, over_tcp, expected) in cases {
            assert_eq!(name(AnomalyKind::ModbusProtocolId, over_tcp, bytes), Some(Term::Words(expected)));
        }
    }

    #[test]
    fn the_other_plant_protocol_is_named() {
        let modbus = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1];
        assert_eq!(name(AnomalyKind::Dnp3StrayBytes, true, &modbus), Some(Term::Words("Modbus")));
        assert_eq!(name(AnomalyKind::ModbusStrayBytes, true, &[0x05, 0x64, 0x12, 0x34]), None);
    }

    #[test]
    fn damage_within_the_protocol_is_not_renamed() {
        assert_eq!(name(AnomalyKind::Dnp3DataCrc, true, b"GET / HTTP/1.1"), None);
        assert_eq!(name(AnomalyKind::ModbusStrayBytes, true, b"\x00\x01\x02"), None);
        assert_eq!(name(AnomalyKind::ModbusStrayBytes, true, b"GET"), None);
    }
}
