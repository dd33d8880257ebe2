//! Words about what cannot be taken at face value.

vocabulary! {
    /// What was wrong with traffic that could not be taken at face value.
    AnomalyKind {
        /// IP fragments of one datagram overlap with different bytes; the first to arrive is used.
        IpFragmentConflict = 0, "ip-fragment-conflict";
        /// TCP segments overlap with different bytes; the first to arrive is used, the other judged aside.
        TcpOverlapConflict = 1, "tcp-overlap-conflict";
        /// Bytes of a TCP stream never reached the sensor.
        TcpGap = 2, "tcp-gap";
        /// A segment far outside the window; the stream goes on from it.
        TcpOutOfWindow = 3, "tcp-out-of-window";
        /// Bytes on a Modbus port that start no MBAP header.
        ModbusStrayBytes = 4, "modbus-stray-bytes";
        /// MBAP protocol identifier other than 0.
        ModbusProtocolId = 5, "modbus-protocol-id";
        /// MBAP length that is outside 2 to 254, or that contradicts the function's own length.
        ModbusLength = 6, "modbus-length";
        /// A PDU whose fields contradict each other or the function's limits.
        ModbusMalformed = 7, "modbus-malformed";
        /// Bytes on a DNP3 port that start no link frame.
        Dnp3StrayBytes = 8, "dnp3-stray-bytes";
        /// DNP3 link header whose CRC is wrong.
        Dnp3HeaderCrc = 9, "dnp3-header-crc";
        /// DNP3 data block whose CRC is wrong.
        Dnp3DataCrc = 10, "dnp3-data-crc";
        /// DNP3 link length below 5.
        Dnp3Length = 11, "dnp3-length";
        /// DNP3 transport segment out of order, without a start, or beyond the fragment limit.
        Dnp3Transport = 12, "dnp3-transport";
        /// DNP3 application fragment whose headers or objects exceed or contradict its bytes.
        Dnp3Malformed = 13, "dnp3-malformed";
        /// A response that answers no request seen.
        UnmatchedResponse = 14, "unmatched-response";
        /// Modbus RTU frame whose CRC is wrong.
        ModbusRtuCrc = 15, "modbus-rtu-crc";
        /// Modbus ASCII frame whose LRC is wrong.
        ModbusAsciiLrc = 16, "modbus-ascii-lrc";
        /// A whole Modbus unit in another framing than the flow's; it is judged in its own.
        ModbusFramingChange = 17, "modbus-framing-change";
        /// A Modbus response that contradicts its request.
        ModbusContradiction = 18, "modbus-contradiction";
        /// A Modbus request under the transaction id of another one that waits for its response.
        ModbusTransactionReused = 19, "modbus-transaction-reused";
        /// Another protocol on a port of Modbus or DNP3.
        ForeignProtocol = 20, "foreign-protocol";
        /// An IP packet with a much lower TTL than its flow's; it is judged, but may not reach the device.
        IpTtlDropped = 21, "ip-ttl-dropped";
        /// A wrong TCP checksum in a direction that had right ones; the segment is judged, but a receiver drops it.
        TcpBadChecksum = 22, "tcp-bad-checksum";
        /// DNP3 link function that is reserved, or whose FCV bit is wrong for it.
        Dnp3LinkFunction = 23, "dnp3-link-function";
        /// DNP3 confirmed frame that repeats the frame count bit of the one before with other bytes; both are judged.
        Dnp3FrameCount = 24, "dnp3-frame-count";
        /// An IP address used by another MAC address than before.
        IpMacChanged = 25, "ip-mac-changed";
        /// A MAC address that gave up its IPv4 address and uses another.
        MacIpMoved = 26, "mac-ip-moved";
        /// Another response to a request that was answered already, with other bytes.
        SecondResponse = 27, "second-response";
        /// A DNP3 sequence number that no open request has while one is open, or that stands for two unsolicited responses.
        SequenceContradiction = 28, "sequence-contradiction";
        /// A DNP3 master's link address used by another IP address than before.
        LinkAddressMoved = 29, "link-address-moved";
        /// DNP3 IIN1.7: an outstation restarted.
        DeviceRestarted = 30, "device-restarted";
        /// DNP3 IIN2.3: an outstation lost events.
        EventBufferOverflow = 31, "event-buffer-overflow";
        /// DNP3 IIN2.5: the configuration of an outstation is corrupt.
        ConfigurationCorrupt = 32, "configuration-corrupt";
        /// DNP3 IIN2.6 or IIN2.7, which are reserved and 0.
        ReservedIin = 33, "reserved-iin";
        /// A device that answered before leaves several requests in a row unanswered.
        DeviceSilent = 34, "device-silent";
        /// A device names another vendor, product, serial number or revision than before.
        DeviceIdentityChanged = 35, "device-identity-changed";
        /// TCP urgent data: receivers differ in whether its last byte is part of the stream; both readings are judged.
        TcpUrgent = 36, "tcp-urgent";
    }
}

vocabulary! {
    /// The layer whose rules traffic broke.
    Layer {
        /// Internet Protocol.
        Ip = 0, "ip";
        /// Transmission Control Protocol.
        Tcp = 1, "tcp";
        /// Modbus application data unit: MBAP, RTU or ASCII.
        ModbusAdu = 2, "modbus-adu";
        /// Modbus protocol data unit.
        ModbusPdu = 3, "modbus-pdu";
        /// DNP3 link layer.
        Dnp3Link = 4, "dnp3-link";
        /// DNP3 transport function.
        Dnp3Transport = 5, "dnp3-transport";
        /// DNP3 application layer.
        Dnp3Application = 6, "dnp3-application";
        /// The dialogue of requests and responses.
        Exchange = 7, "exchange";
        /// What TCP or UDP carries, whatever it is.
        Payload = 8, "payload";
        /// Addresses on the link: Ethernet, ARP, IPv6 neighbour discovery.
        Link = 9, "link";
    }
}

impl AnomalyKind {
    /// The layer whose rules it breaks.
    pub const fn layer(self) -> Layer {
        match self {
            Self::IpFragmentConflict | Self::IpTtlDropped => Layer::Ip,
            Self::TcpOverlapConflict | Self::TcpGap | Self::TcpOutOfWindow | Self::TcpBadChecksum | Self::TcpUrgent => {
                Layer::Tcp
            }
            Self::ModbusStrayBytes
            | Self::ModbusProtocolId
            | Self::ModbusLength
            | Self::ModbusRtuCrc
            | Self::ModbusAsciiLrc
            | Self::ModbusFramingChange => Layer::ModbusAdu,
            Self::ModbusMalformed => Layer::ModbusPdu,
            Self::Dnp3StrayBytes
            | Self::Dnp3HeaderCrc
            | Self::Dnp3DataCrc
            | Self::Dnp3Length
            | Self::Dnp3LinkFunction
            | Self::Dnp3FrameCount
            | Self::LinkAddressMoved => Layer::Dnp3Link,
            Self::Dnp3Transport => Layer::Dnp3Transport,
            Self::Dnp3Malformed
            | Self::DeviceRestarted
            | Self::EventBufferOverflow
            | Self::ConfigurationCorrupt
            | Self::ReservedIin => Layer::Dnp3Application,
            Self::UnmatchedResponse
            | Self::ModbusContradiction
            | Self::ModbusTransactionReused
            | Self::SecondResponse
            | Self::SequenceContradiction
            | Self::DeviceSilent
            | Self::DeviceIdentityChanged => Layer::Exchange,
            Self::ForeignProtocol => Layer::Payload,
            Self::IpMacChanged | Self::MacIpMoved => Layer::Link,
        }
    }

    /// This kind's bit in a set of kinds.
    pub const fn bit(self) -> u64 {
        1_u64.wrapping_shl(self as u32)
    }
}
