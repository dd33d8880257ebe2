//! Frames by the thousand that say nothing.

/// Sends so many frames at once.
pub(crate) fn send(count: u64, interface: &str) {
    let port = pcap::Capture::from_device(interface).and_then(pcap::Capture::open);
    let mut port = port.expect("who may add namespaces may send");
    let mut frame = [0xff; 60];
    frame[6..14].copy_from_slice(&[2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
    for _ in 0..count {
        port.sendpacket(&frame[..]).expect("the port is up");
    }
}
