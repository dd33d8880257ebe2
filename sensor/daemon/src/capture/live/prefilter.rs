//! What the kernel need not hand over: a filter in classic BPF, made of the ports that carry plant protocols.
//!
//! It drops one kind of packet, and what is not surely of that kind passes: IPv4 or IPv6 right behind the link header, no
//! fragment, TCP or UDP right behind that, and neither port one of those. So ARP and neighbour discovery pass, and VLAN tags that the
//! kernel leaves, fragments, extension headers, other protocols, whatever is too short, and all that is no IP.

use libc::{
    BPF_ABS, BPF_ADD, BPF_ALU, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX,
    BPF_LEN, BPF_MISC, BPF_MSH, BPF_RET, BPF_TAX, BPF_TXA, BPF_W, BPF_X, ETH_P_IP, ETH_P_IPV6, SKF_AD_OFF,
    SKF_AD_PROTOCOL, sock_filter,
};

const TCP: u32 = 6;
const UDP: u32 = 17;
/// More fragments, and the offset of this one (RFC 791, section 3.1).
const IS_FRAGMENT: u32 = 0x3fff;
/// Least lengths of the headers, with the two ports behind them.
const IPV4: u32 = 20;
const IPV6_AND_PORTS: u32 = 44;
const PORTS: u32 = 4;

/// The packets of some ports, and everything that may be one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefilter {
    ports: Vec<u16>,
}

/// Where an instruction leads.
#[derive(Clone, Copy)]
enum To {
    Next,
    /// Behind the next.
    Over,
    /// To the part for IPv6.
    Six,
    Drop,
    Pass,
}

/// An instruction: what to do, with what, and where to go if that holds and if not.
struct Step(u32, u32, To, To);

impl Prefilter {
    /// A filter for packets from or to these ports.
    pub const fn new(ports: Vec<u16>) -> Self {
        Self { ports }
    }

    /// The filter as the kernel runs it on packets whose IP header stands behind `header` bytes.
    pub fn program(&self, header: u32) -> Vec<sock_filter> {
        let protocol = (SKF_AD_OFF + SKF_AD_PROTOCOL).cast_unsigned();
        let mut steps = vec![
            Step(BPF_LD | BPF_W | BPF_ABS, protocol, To::Next, To::Next),
            jump(BPF_JEQ, ETH_P_IPV6.cast_unsigned(), To::Six, To::Next),
            jump(BPF_JEQ, ETH_P_IP.cast_unsigned(), To::Next, To::Pass),
        ];
        steps.extend(self.ipv4(header));
        let six = steps.len();
        steps.extend(self.ipv6(header));
        let end = steps.len();
        let place = |to, at| match to {
            To::Next => at + 1,
            To::Over => at + 2,
            To::Six => six,
            To::Drop => end,
            To::Pass => end + 1,
        };
        let distance = |to, at| u8::try_from(place(to, at) - at - 1).unwrap_or(u8::MAX);
        let instruction = |(at, Step(code, k, yes, no)): (usize, &Step)| sock_filter {
            code: *code as u16,
            jt: distance(*yes, at),
            jf: distance(*no, at),
            k: *k,
        };
        let body = steps.iter().enumerate().map(instruction);
        body.chain([give(0), give(u32::MAX)]).collect()
    }

    fn ipv4(&self, header: u32) -> Vec<Step> {
        let header_len = || Step(BPF_LDX | BPF_B | BPF_MSH, header, To::Next, To::Next);
        let mut steps = vec![
            length(),
            jump(BPF_JGE, header + IPV4, To::Next, To::Pass),
            load(BPF_H | BPF_ABS, header + 6),
            jump(BPF_JSET, IS_FRAGMENT, To::Pass, To::Next),
            load(BPF_B | BPF_ABS, header + 9),
            jump(BPF_JEQ, TCP, To::Over, To::Next),
            jump(BPF_JEQ, UDP, To::Next, To::Pass),
            header_len(),
            Step(BPF_MISC | BPF_TXA, 0, To::Next, To::Next),
            Step(BPF_ALU | BPF_ADD | BPF_K, header + PORTS, To::Next, To::Next),
            Step(BPF_MISC | BPF_TAX, 0, To::Next, To::Next),
            length(),
            Step(BPF_JMP | BPF_JGE | BPF_X, 0, To::Next, To::Pass),
            header_len(),
        ];
        for port in [0, 2] {
            steps.push(load(BPF_H | BPF_IND, header + port));
            steps.extend(self.pass_ports());
        }
        steps.push(jump(BPF_JEQ, 0, To::Drop, To::Drop));
        steps
    }

    fn ipv6(&self, header: u32) -> Vec<Step> {
        let mut steps = vec![
            length(),
            jump(BPF_JGE, header + IPV6_AND_PORTS, To::Next, To::Pass),
            load(BPF_B | BPF_ABS, header + 6),
            jump(BPF_JEQ, TCP, To::Over, To::Next),
            jump(BPF_JEQ, UDP, To::Next, To::Pass),
        ];
        for port in [40, 42] {
            steps.push(load(BPF_H | BPF_ABS, header + port));
            steps.extend(self.pass_ports());
        }
        steps
    }

    /// Passes what has one of the ports loaded.
    fn pass_ports(&self) -> impl Iterator<Item = Step> {
        self.ports.iter().map(|port| jump(BPF_JEQ, (*port).into(), To::Pass, To::Next))
    }
}

/// Loads how long the packet is.
const fn length() -> Step {
    Step(BPF_LD | BPF_W | BPF_LEN, 0, To::Next, To::Next)
}

const fn load(how: u32, at: u32) -> Step {
    Step(BPF_LD | how, at, To::Next, To::Next)
}

const fn jump(condition: u32, with: u32, yes: To, no: To) -> Step {
    Step(BPF_JMP | condition | BPF_K, with, yes, no)
}

/// Takes so many bytes of the packet.
const fn give(bytes: u32) -> sock_filter {
    sock_filter { code: (BPF_RET | BPF_K) as u16, jt: 0, jf: 0, k: bytes }
}
