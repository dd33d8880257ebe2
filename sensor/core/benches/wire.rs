//! What it costs to decode a plain frame, against `etherparse`: `cargo bench -p tagout-core --bench wire`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use etherparse::{LaxNetSlice, LaxSlicedPacket, PacketBuilder, TransportSlice};
use tagout_core::{LinkType, wire};

const ROUNDS: u32 = 200;
const FRAMES_A_ROUND: u32 = 100_000;

fn ours(frame: &[u8]) -> Option<usize> {
    let Ok(datagram) = &wire::decode(LinkType::Ethernet, frame, frame.len() as u32) else { return None };
    let segment = wire::tcp(datagram.payload, datagram.missing)?;
    black_box((datagram, &segment));
    Some(segment.payload.len())
}

fn etherparse(frame: &[u8]) -> Option<usize> {
    let packet = LaxSlicedPacket::from_ethernet(frame).ok()?;
    black_box(packet.vlan_ids().last());
    match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => _ = black_box((ip.header().source_addr(), ip.header().destination_addr())),
        LaxNetSlice::Ipv6(ip) => _ = black_box((ip.header().source_addr(), ip.header().destination_addr())),
        LaxNetSlice::Arp(_) => return None,
    }
    let Some(TransportSlice::Tcp(segment)) = &packet.transport else { return None };
    black_box((segment.source_port(), segment.destination_port(), segment.sequence_number()));
    black_box((segment.acknowledgment_number(), segment.syn(), segment.fin(), segment.rst(), segment.ack()));
    Some(segment.payload().len())
}

/// The quickest round, in nanoseconds a frame: the one that nothing else on the machine disturbed.
fn measure(decode: impl Fn(&[u8]) -> Option<usize>, frame: &[u8]) -> f64 {
    let round = || {
        let start = Instant::now();
        for _ in 0..FRAMES_A_ROUND {
            black_box(decode(black_box(frame)));
        }
        start.elapsed()
    };
    let quickest = (0..ROUNDS).map(|_| round()).min().unwrap_or(Duration::ZERO);
    quickest.as_secs_f64() * 1e9 / f64::from(FRAMES_A_ROUND)
}

fn main() {
    let ethernet = || PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let (v4, v6) = (([192, 0, 2, 1], [192, 0, 2, 2]), ([0x20; 16], [0x21; 16]));
    let vlan = || ethernet().single_vlan(7u16.try_into().unwrap_or_default());
    let frames = [
        ("Ethernet, IPv4, TCP", ethernet().ipv4(v4.0, v4.1, 64)),
        ("Ethernet, VLAN, IPv4, TCP", vlan().ipv4(v4.0, v4.1, 64)),
        ("Ethernet, IPv6, TCP", ethernet().ipv6(v6.0, v6.1, 64)),
    ];
    for (name, ip) in frames {
        let mut frame = Vec::new();
        ip.tcp(49152, 502, 1, 1024).ack(1).write(&mut frame, &[0; 12]).unwrap_or_default();
        assert_eq!((ours(&frame), etherparse(&frame)), (Some(12), Some(12)));
        println!("{name}: {:.1} ns, etherparse {:.1} ns", measure(ours, &frame), measure(etherparse, &frame));
    }
}
