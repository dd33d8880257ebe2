//! Who did what to what.

use core::fmt;
use core::net::IpAddr;

use tagout_engine::{Action, AnomalyKind};

use super::Subject;
use super::address::Address;
use super::measure::Measured;
use crate::record::{Host, Transport};

/// A name from the policy, or where it is that the policy has no name for.
pub(super) struct Named<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) place: Place,
    pub(super) station: Option<u16>,
}

/// Where a host is.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Address(IpAddr),
    /// The number of a serial line, which has no addresses.
    Line(u16),
}

impl Place {
    pub(super) fn of(host: Host, transport: Transport) -> Self {
        if transport == Transport::Serial { Self::Line(host.port) } else { Self::Address(host.ip) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ip) => write!(f, "{}", Address(*ip)),
            Self::Line(number) => write!(f, "line {number}"),
        }
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.station) {
            (Some(name), _) => f.write_str(name),
            (None, Some(station)) => write!(f, "{}/{station}", self.place),
            (None, None) => write!(f, "{}", self.place),
        }
    }
}

/// Device and point with the value, as in `plc1.pump_speed = 95 %`.
pub(super) struct What<'a>(pub(super) &'a Subject<'a>);

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.whom())?;
        match (self.0.point, self.0.place) {
            (Some(point), _) => write!(f, ".{}", point.name)?,
            (None, Some((space, address))) => write!(f, " {} {address}", space.name())?,
            (None, None) => {}
        }
        if let Some(value) = self.0.value {
            write!(f, " = {}", Measured { value, unit: self.0.unit_of_measure() })?;
        }
        match self.0.further {
            0 => Ok(()),
            further => write!(f, " and {further} more"),
        }
    }
}

/// Who did what, as in `ai-agent optimizer wrote plc1.pump_speed = 95 %`.
pub(super) struct Deed<'a>(pub(super) &'a Subject<'a>);

impl fmt::Display for Deed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(actor) = self.0.actor.filter(|_| self.0.from_client) {
            write!(f, "{} ", actor.kind.name())?;
        }
        let did = self.0.action.map(did).or(self.0.anomaly.map(sent)).unwrap_or("did not keep its cadence with");
        write!(f, "{} {did} {}", self.0.who(), self.0.what())
    }
}

/// The action as something done to a device or a point.
const fn did(action: Action) -> &'static str {
    match action {
        Action::Read => "read",
        Action::Write => "wrote",
        Action::Select => "selected",
        Action::Operate => "operated",
        Action::DirectOperate => "directly operated",
        Action::Restart => "restarted",
        Action::EnableUnsolicited => "enabled unsolicited reports of",
        Action::DisableUnsolicited => "disabled unsolicited reports of",
        Action::ListenOnly => "forced listen-only mode on",
        Action::TimeSync => "synchronised the time of",
        Action::File => "accessed files of",
        Action::Configure => "configured",
        Action::Diagnostics => "diagnosed",
        Action::Identify => "asked for the identity of",
        Action::Confirm => "confirmed a message of",
        Action::Other => "sent an unknown function to",
    }
}

/// The anomaly as something sent to somebody.
const fn sent(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::IpFragmentConflict => "sent overlapping IP fragments with different bytes to",
        AnomalyKind::TcpOverlapConflict => "sent overlapping TCP segments with different bytes to",
        AnomalyKind::TcpGap => "sent TCP bytes that never reached the sensor to",
        AnomalyKind::TcpOutOfWindow => "sent a TCP segment far outside the window to",
        AnomalyKind::ModbusStrayBytes => "sent bytes that start no Modbus message to",
        AnomalyKind::ModbusProtocolId => "sent an MBAP header of another protocol than Modbus to",
        AnomalyKind::ModbusLength => "sent an MBAP header with an impossible length to",
        AnomalyKind::ModbusMalformed => "sent a Modbus message that contradicts itself to",
        AnomalyKind::Dnp3StrayBytes => "sent bytes that start no DNP3 link frame to",
        AnomalyKind::Dnp3HeaderCrc => "sent a DNP3 link header with a wrong CRC to",
        AnomalyKind::Dnp3DataCrc => "sent a DNP3 data block with a wrong CRC to",
        AnomalyKind::Dnp3Length => "sent a DNP3 link header with an impossible length to",
        AnomalyKind::Dnp3Transport => "sent a DNP3 transport segment out of order to",
        AnomalyKind::Dnp3Malformed => "sent a DNP3 fragment that contradicts itself to",
        AnomalyKind::UnmatchedResponse => "sent a response to no request seen to",
        AnomalyKind::ModbusRtuCrc => "sent a Modbus RTU frame with a wrong CRC to",
        AnomalyKind::ModbusAsciiLrc => "sent a Modbus ASCII frame with a wrong LRC to",
        AnomalyKind::ModbusFramingChange => "sent a Modbus message in another framing than before to",
        AnomalyKind::ModbusContradiction => "sent a Modbus response that contradicts its request to",
        AnomalyKind::ModbusTransactionReused => "sent a Modbus request under a transaction id that was in use to",
        AnomalyKind::ForeignProtocol => "sent another protocol than the port's to",
        AnomalyKind::IpTtlDropped => "sent a packet that may not arrive, with a much lower TTL than usual, to",
        AnomalyKind::TcpBadChecksum => "sent a TCP segment with a wrong checksum to",
        AnomalyKind::TcpUrgent => "sent TCP urgent data to",
        AnomalyKind::Dnp3LinkFunction => "sent a DNP3 link frame with a function or flag that cannot be to",
        AnomalyKind::IpMacChanged => "was at another MAC address than before when it spoke to",
        AnomalyKind::MacIpMoved => "used the MAC address of another IP address when it spoke to",
        AnomalyKind::SecondResponse => "sent a second and different response to one request of",
        AnomalyKind::SequenceContradiction => "sent a DNP3 response whose sequence number is out of turn to",
        AnomalyKind::LinkAddressMoved => "used the link address of another DNP3 master towards",
        AnomalyKind::DeviceRestarted => "said that it restarted to",
        AnomalyKind::EventBufferOverflow => "said that it lost events to",
        AnomalyKind::ConfigurationCorrupt => "said that its configuration is corrupt to",
        AnomalyKind::ReservedIin => "set a reserved internal indication in a response to",
        AnomalyKind::DeviceSilent => "left several requests in a row unanswered of",
        AnomalyKind::DeviceIdentityChanged => "named another identity than before to",
        AnomalyKind::Dnp3FrameCount => "repeated the frame count bit of a DNP3 frame with other bytes to",
    }
}
