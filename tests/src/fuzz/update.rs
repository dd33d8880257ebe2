use tagout_compiler::{SourceFile, compile};
use tagout_firmware::protocol::{Answer, Assembly, FRAME, Request};
use tagout_firmware::{Progress, Settings, Signed, Slots, Update};

use crate::flash::SimulatedFlash;
use crate::package::{identity, key, package, requests};

type Flash = SimulatedFlash<32, 512>;

/// The octets of connections to a gateway, in pieces: the first octet of the input says how long they are, and each piece
/// that begins with 0xff ends the connection.
///
/// Whatever comes, every answer is a frame of the protocol, the package in force stays so until the next start, and what a
/// start then finds in force is the same or what was committed.
pub fn update(input: &[u8]) {
    let (piece, input) = input.split_first().map_or((1, input), |(piece, rest)| (usize::from(*piece).max(1), rest));
    let identity = identity([0; 6]);
    let [mut first, mut second] = [Flash::new(8), Flash::new(8)];
    let mut committed = None;
    {
        let mut slots = Slots::open(&mut first, &mut second, &identity);
        let mut update = Update::default();
        for octets in input.chunks(piece) {
            let mut answer: heapless::Vec<u8, FRAME> = heapless::Vec::new();
            match update.take(octets, &mut slots, &mut answer) {
                Progress::Committed(version) => committed = Some(version),
                Progress::Refused(_) | Progress::Waiting => {}
            }
            read(&answer);
            assert_eq!(slots.version(), None, "in force without a start");
            if octets.starts_with(&[0xff]) {
                update.close();
            }
        }
    }
    assert_eq!(Slots::open(&mut first, &mut second, &identity).version(), committed);
}

/// All answers, which are whole frames.
fn read(mut octets: &[u8]) {
    let mut assembly = Assembly::default();
    while !octets.is_empty() {
        let frame = assembly.take(&mut octets).expect("a frame").expect("a whole frame");
        assert!(Answer::read(frame).is_some(), "{frame:?}");
    }
}

/// What a tool sends of a package of this version: a valid one, in one connection.
pub(super) fn conversation(version: u64) -> Vec<u8> {
    let source = SourceFile::new("policy.toml", "[devices.tank]\nip = \"192.0.2.1\"\nunit = 1\n");
    let image = compile(&[source]).expect("a policy").image;
    let package = package(version, &key(), &Settings::default(), &image);
    let requests = [Request::Status].into_iter().chain(requests(&package));
    requests.flat_map(|request| request.frame().expect("a frame")).collect()
}

const _: () = assert!(size_of::<Signed>() == 160, "as the protocol's reference says");
