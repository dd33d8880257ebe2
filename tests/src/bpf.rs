//! Classic BPF as the kernel runs it, after "BPF: the BSD packet filter" (McCanne and Jacobson, 1993): the instructions that a
//! filter for packets needs.

use libc::sock_filter;

/// What a filter gives of a packet whose protocol the kernel knows: how many bytes. Loads beyond the packet end with 0.
///
/// # Panics
/// On an instruction that is not known here, and where a program does not end.
pub fn run(program: &[sock_filter], protocol: u16, packet: &[u8]) -> u32 {
    let (mut a, mut x, mut at) = (0_u32, 0_u32, 0);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        let branch = |holds: bool| usize::from(if holds { jt } else { jf });
        match code {
            // ret
            0x06 => return k,
            // ld, of the packet's protocol or absolute; ldh, ldb
            0x20 if k == PROTOCOL => a = protocol.into(),
            0x20 | 0x28 | 0x30 => match load(packet, k, code) {
                Some(value) => a = value,
                None => return 0,
            },
            // ldh [x + k]
            0x48 => match load(packet, x.wrapping_add(k), 0x28) {
                Some(value) => a = value,
                None => return 0,
            },
            // ld len
            0x80 => a = packet.len() as u32,
            // ldxb 4 * ([k] & 0xf)
            0xb1 => match load(packet, k, 0x30) {
                Some(value) => x = 4 * (value & 0xf),
                None => return 0,
            },
            // add, txa, tax
            0x04 => a = a.wrapping_add(k),
            0x87 => a = x,
            0x07 => x = a,
            // jeq, jset, jge; jge x
            0x15 => at += branch(a == k),
            0x45 => at += branch(a & k != 0),
            0x35 => at += branch(a >= k),
            0x3d => at += branch(a >= x),
            _ => panic!("an instruction that is not known here: {code:#x}"),
        }
    }
}

/// `SKF_AD_OFF + SKF_AD_PROTOCOL`.
const PROTOCOL: u32 = 0xffff_f000;

fn load(packet: &[u8], at: u32, code: u16) -> Option<u32> {
    let size = match code {
        0x20 => 4,
        0x28 => 2,
        _ => 1,
    };
    let start = usize::try_from(at).ok()?;
    let bytes = packet.get(start..start.checked_add(size)?)?;
    Some(bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

/// An Ethernet frame as a packet socket's filter sees it: the kernel takes the first VLAN tag off, and tells what is behind it.
pub fn untagged(frame: &[u8]) -> Option<(u16, Vec<u8>)> {
    let ethertype = |at: usize| Some(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?]));
    match ethertype(12)? {
        0x8100 | 0x88a8 => Some((ethertype(16)?, [&frame[..12], &frame[16..]].concat())),
        other => Some((other, frame.to_vec())),
    }
}
