//! Capture files made by hand, octet by octet.

use std::io::{Cursor, Read, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tagout_core::LinkType;

use super::{CaptureError, CaptureFile, CutOff};

/// What a test compares of a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    number: u64,
    nanos: u64,
    link: LinkType,
    bytes: Vec<u8>,
    wire_len: u32,
}

type Outcome = (Vec<Seen>, Result<Option<CutOff>, CaptureError>);

fn read_from(stream: impl Read + Send + 'static) -> Outcome {
    let mut seen = Vec::new();
    let end = CaptureFile::from_stream(stream).and_then(|mut file| {
        while let Some(frame) = file.next()? {
            let bytes = frame.bytes.to_vec();
            seen.push(Seen {
                number: frame.number,
                nanos: frame.time.0,
                link: frame.link,
                bytes,
                wire_len: frame.wire_len,
            });
        }
        Ok(file.cut_off())
    });
    (seen, end)
}

fn read(bytes: &[u8]) -> Outcome {
    read_from(Cursor::new(bytes.to_vec()))
}

fn read_whole(bytes: &[u8]) -> Vec<Seen> {
    let (seen, end) = read(bytes);
    assert_eq!(end.expect("a sound capture"), None);
    seen
}

/// Writes numbers in one byte order.
#[derive(Clone, Copy, Debug)]
struct Order {
    big: bool,
}

const LITTLE: Order = Order { big: false };
const BIG: Order = Order { big: true };

impl Order {
    fn u16(self, number: u16) -> [u8; 2] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32s(self, numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| self.u32(*number)).collect()
    }

    fn i64(self, number: i64) -> [u8; 8] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }
}

fn classic(order: Order, magic: u32, link: u32, records: &[(u32, u32, &[u8], u32)]) -> Vec<u8> {
    let mut file = order.u32(magic).to_vec();
    file.extend([order.u16(2), order.u16(4)].concat());
    file.extend(order.u32s(&[0, 0, 65_535, link]));
    for (seconds, fraction, bytes, wire_len) in records {
        file.extend(order.u32s(&[*seconds, *fraction, bytes.len() as u32, *wire_len]));
        file.extend(*bytes);
    }
    file
}

const MICROS: u32 = 0xA1B2_C3D4;
const NANOS: u32 = 0xA1B2_3C4D;

#[test]
fn all_four_classic_formats_are_read() {
    for order in [LITTLE, BIG] {
        for (magic, nanos) in [(MICROS, 7_000_000_005_000), (NANOS, 7_000_000_000_005)] {
            let seen = read_whole(&classic(order, magic, 1, &[(7_000, 5, b"abc", 60), (7_001, 0, b"", 0)]));
            let first = Seen { number: 1, nanos, link: LinkType::Ethernet, bytes: b"abc".into(), wire_len: 60 };
            assert_eq!(seen.len(), 2);
            assert_eq!(seen[0], first);
            assert_eq!(seen[1].number, 2);
        }
    }
}

#[test]
fn the_upper_bits_of_the_link_type_tell_of_the_checksum() {
    let seen = read_whole(&classic(LITTLE, MICROS, 0x2400_0071, &[(0, 0, b"x", 1)]));
    assert_eq!(seen[0].link, LinkType::LinuxCooked);
}

#[test]
fn a_classic_file_cut_off_anywhere_gives_what_was_whole() {
    let file = classic(LITTLE, MICROS, 1, &[(1, 0, b"first", 5), (2, 0, b"second", 6)]);
    let ends = [24, 24 + 16 + 5, file.len()];
    for len in 24..=file.len() {
        let (seen, end) = read(&file[..len]);
        assert_eq!(seen.len(), ends.iter().filter(|end| **end <= len).count() - 1, "{len} bytes");
        let cut_off = end.expect("a cut-off file is read");
        assert_eq!(cut_off.is_some(), !ends.contains(&len), "{len} bytes");
        if let Some(cut_off) = cut_off {
            assert_eq!(cut_off.frame, seen.len() as u64 + 1);
        }
    }
}

#[test]
fn what_is_no_capture_is_told_so() {
    let said = |bytes: &[u8]| read(bytes).1.unwrap_err().to_string();
    assert_eq!(said(b""), "it is empty");
    assert_eq!(said(b"\xD4\xC3"), "it ends after 2 bytes, within the file header");
    assert_eq!(said(&classic(BIG, NANOS, 1, &[])[..23]), "it ends after 23 bytes, within the file header");
    assert_eq!(
        said(b"PK\x03\x04 and more"),
        "it is no capture: it starts with 504b0304, a pcap file with d4c3b2a1, a pcapng file with 0a0d0d0a"
    );
}

#[test]
fn an_impossible_length_is_damage_and_what_was_before_counts() {
    let mut file = classic(LITTLE, MICROS, 1, &[(1, 0, b"first", 5), (2, 0, b"second", 6)]);
    file[45 + 8..45 + 12].copy_from_slice(&[0xFF; 4]);
    let (seen, end) = read(&file);
    assert_eq!(seen.len(), 1);
    assert_eq!(
        end.unwrap_err().to_string(),
        "damaged after frame 1, at byte 45: a packet record claims more than 16 MiB"
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_are_read_also_in_several_members() {
    let file = classic(LITTLE, NANOS, 1, &[(1, 2, b"first", 5), (2, 3, b"second", 6)]);
    assert_eq!(read_whole(&gzip(&file)), read_whole(&file));
    let (head, tail) = file.split_at(50);
    assert_eq!(read_whole(&[gzip(head), gzip(tail)].concat()), read_whole(&file));
}

#[test]
fn a_compressed_file_cut_off_gives_what_could_be_decompressed() {
    let noise: Vec<u8> = (0..3_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let records: Vec<_> = noise.chunks(100).map(|bytes| (1, 0, bytes, 100)).collect();
    let compressed = gzip(&classic(LITTLE, MICROS, 1, &records));
    let (seen, end) = read(&compressed[..compressed.len() - 200]);
    assert!((20..30).contains(&seen.len()), "{} frames", seen.len());
    assert!(end.unwrap().is_some());
}

/// A stream that gives one byte at a time.
struct Drip(Cursor<Vec<u8>>);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}

#[test]
fn a_stream_that_drips_is_read_like_any_other() {
    let file = classic(LITTLE, MICROS, 1, &[(1, 0, b"first", 5), (2, 0, b"second", 6)]);
    assert_eq!(read_from(Drip(Cursor::new(file.clone()))).0, read_whole(&file));
}

#[test]
fn a_packet_larger_than_the_window_is_read() {
    let large = vec![7; 1 << 20];
    let seen = read_whole(&classic(BIG, MICROS, 1, &[(1, 0, b"a", 1), (2, 0, &large, 1 << 20), (3, 0, b"z", 1)]));
    assert_eq!(seen[1].bytes, large);
    assert_eq!(seen[2].bytes, b"z");
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = order.u32(body.len() as u32 + 12);
    [order.u32(kind).as_slice(), &len, &body, &len].concat()
}

fn section(order: Order) -> Vec<u8> {
    let versions = [order.u16(1), order.u16(0)].concat();
    block(order, 0x0A0D_0D0A, &[order.u32(0x1A2B_3C4D).as_slice(), &versions, &[0xFF; 8]].concat())
}

fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let mut option = [order.u16(code), order.u16(value.len() as u16)].concat();
    option.extend(value);
    option.resize(option.len().next_multiple_of(4), 0);
    option
}

fn interface(order: Order, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = [order.u16(link), order.u16(0)].concat();
    body.extend(order.u32(snaplen));
    options.iter().for_each(|(code, value)| body.extend(option(order, *code, value)));
    if !options.is_empty() {
        body.extend(option(order, 0, b""));
    }
    block(order, 1, &body)
}

fn enhanced(order: Order, interface: u32, ticks: u64, bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len() as u32;
    let fields = order.u32s(&[interface, (ticks >> 32) as u32, ticks as u32, len, len + 1]);
    let mut body = [fields.as_slice(), bytes].concat();
    body.resize(body.len().next_multiple_of(4), 0);
    // epb_flags
    body.extend(option(order, 2, &order.u32(1)));
    body.extend(option(order, 0, b""));
    block(order, 6, &body)
}

const SECOND: u64 = 1_700_000_000;

#[test]
fn interfaces_of_one_file_have_links_and_clocks_of_their_own() {
    for order in [LITTLE, BIG] {
        let offset = order.i64(-100);
        let file = [
            section(order),
            interface(order, 1, 0, &[]),
            interface(order, 101, 0, &[(9, &[9])]),
            interface(order, 113, 0, &[(9, &[0x80 | 10]), (14, &offset)]),
            interface(order, 228, 0, &[(2, b"eth0"), (9, &[3])]),
            enhanced(order, 0, SECOND * 1_000_000 + 5, b"micro"),
            enhanced(order, 1, SECOND * 1_000_000_000 + 5, b"nano"),
            enhanced(order, 2, (SECOND << 10) + 512, b"binary"),
            enhanced(order, 3, SECOND * 1_000 + 5, b"milli"),
        ]
        .concat();
        let seen = read_whole(&file);
        let found: Vec<_> = seen.iter().map(|frame| (frame.link, frame.nanos, frame.bytes.as_slice())).collect();
        let nanos = |seconds: u64, fraction: u64| seconds * 1_000_000_000 + fraction;
        assert_eq!(
            found,
            [
                (LinkType::Ethernet, nanos(SECOND, 5_000), b"micro".as_slice()),
                (LinkType::RawIp, nanos(SECOND, 5), b"nano"),
                (LinkType::LinuxCooked, nanos(SECOND - 100, 500_000_000), b"binary"),
                (LinkType::RawIp, nanos(SECOND, 5_000_000), b"milli"),
            ]
        );
        assert_eq!(seen[0].wire_len, 6);
    }
}

#[test]
fn sections_start_over_and_may_change_the_byte_order() {
    let file = [
        section(LITTLE),
        interface(LITTLE, 1, 0, &[]),
        enhanced(LITTLE, 0, 1, b"one"),
        section(BIG),
        interface(BIG, 101, 0, &[(9, &[9])]),
        enhanced(BIG, 0, 2, b"two"),
        enhanced(BIG, 1, 2, b"nobody's"),
    ]
    .concat();
    let seen = read_whole(&file);
    assert_eq!(seen[1].link, LinkType::RawIp);
    assert_eq!((seen[1].number, seen[1].nanos), (2, 2));
    assert_eq!(seen[2].link, LinkType::Unknown(u32::MAX), "its interface is not described");
}

#[test]
fn simple_packets_take_the_last_time_and_the_snap_length() {
    let file = [
        section(LITTLE),
        interface(LITTLE, 1, 4, &[]),
        enhanced(LITTLE, 0, 9, b"full"),
        block(LITTLE, 3, &[LITTLE.u32(60).as_slice(), b"part"].concat()),
        block(LITTLE, 3, &[LITTLE.u32(3).as_slice(), b"all"].concat()),
    ]
    .concat();
    let seen = read_whole(&file);
    assert_eq!((seen[1].bytes.as_slice(), seen[1].wire_len, seen[1].nanos), (b"part".as_slice(), 60, 9_000));
    assert_eq!((seen[2].bytes.as_slice(), seen[2].wire_len), (b"all".as_slice(), 3));
}

#[test]
fn the_obsolete_packet_block_is_read() {
    for order in [LITTLE, BIG] {
        let ids = [order.u16(0), order.u16(9)].concat();
        let body = [ids.as_slice(), &order.u32s(&[0, 7, 3, 5]), b"old"].concat();
        let seen = read_whole(&[section(order), interface(order, 1, 0, &[]), block(order, 2, &body)].concat());
        assert_eq!((seen[0].bytes.as_slice(), seen[0].wire_len, seen[0].nanos), (b"old".as_slice(), 5, 7_000));
        assert_eq!(seen[0].link, LinkType::Ethernet);
    }
}

#[test]
fn blocks_without_packets_are_passed_over_whatever_their_size() {
    let file = [
        section(LITTLE),
        block(LITTLE, 5, b"statistics"),
        interface(LITTLE, 1, 0, &[]),
        block(LITTLE, 0x0BAD, &vec![0; 1 << 20]),
        enhanced(LITTLE, 0, 1, b"packet"),
    ]
    .concat();
    assert_eq!(read_whole(&file)[0].bytes, b"packet");
}

#[test]
fn a_pcapng_file_cut_off_anywhere_gives_what_was_whole() {
    let head = [section(LITTLE), interface(LITTLE, 1, 0, &[])].concat();
    let file = [head.clone(), enhanced(LITTLE, 0, 1, b"one"), enhanced(LITTLE, 0, 2, b"two")].concat();
    for len in head.len()..file.len() {
        let (seen, end) = read(&file[..len]);
        let at_a_block = (len - head.len()).is_multiple_of((file.len() - head.len()) / 2);
        assert_eq!(seen.len(), usize::from(len - head.len() >= (file.len() - head.len()) / 2), "{len} bytes");
        assert_eq!(end.unwrap().is_none(), at_a_block, "{len} bytes");
    }
}

#[test]
fn damaged_pcapng_files_are_told_so() {
    let head = [section(LITTLE), interface(LITTLE, 1, 0, &[]), enhanced(LITTLE, 0, 1, b"one")].concat();
    let said = |tail: &[u8]| {
        let (seen, end) = read(&[head.as_slice(), tail].concat());
        assert_eq!(seen.len(), 1);
        end.unwrap_err().to_string()
    };
    let at = head.len();
    let short = LITTLE.u32s(&[6, 8, 8, 8]);
    assert_eq!(
        said(&short),
        format!("damaged after frame 1, at byte {at}: a block length is below 12 or no multiple of 4")
    );
    let mut packet = enhanced(LITTLE, 0, 1, b"two");
    packet[20..24].copy_from_slice(&LITTLE.u32(5_000));
    assert!(said(&packet).contains("contradicts its own length"));
    let mut header = section(LITTLE);
    header[8..12].fill(0);
    assert!(said(&header).contains("byte-order magic"));
    let huge = [LITTLE.u32s(&[6, 1 << 30]), vec![0; 64]].concat();
    assert!(said(&huge).contains("more than 16 MiB"));
}

proptest! {
    #[test]
    fn any_bytes_behind_any_header_end_without_panic(
        tail in proptest::collection::vec(any::<u8>(), 0..600),
        which in 0..4_usize,
    ) {
        let heads = [
            classic(LITTLE, MICROS, 1, &[]),
            classic(BIG, NANOS, 1, &[]),
            [section(LITTLE), interface(LITTLE, 1, 0, &[])].concat(),
            [section(BIG), interface(BIG, 1, 0, &[])].concat(),
        ];
        let _ = read(&[heads[which].as_slice(), &tail].concat());
    }

    #[test]
    fn any_damage_to_a_pcapng_file_ends_without_panic(at in 0..300_usize, to in any::<u8>()) {
        let offset = LITTLE.i64(9);
        let mut file = [
            section(LITTLE),
            interface(LITTLE, 1, 0, &[(9, &[9]), (14, &offset)]),
            enhanced(LITTLE, 0, 1, b"one"),
            block(LITTLE, 3, &[LITTLE.u32(4).as_slice(), b"part"].concat()),
            enhanced(LITTLE, 0, 2, b"two"),
        ]
        .concat();
        let at = at % file.len();
        file[at] = to;
        let _ = read(&file);
    }
}
