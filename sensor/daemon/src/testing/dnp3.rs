//! DNP3 messages of a step.

use crc::{CRC_16_DNP, Crc};
use tagout_compiler::testing::{Reply, Value};
use tagout_core::dnp3::Function;
use tagout_core::engine::{Action, Space};

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_DNP);

/// Octets of user data in a block.
const BLOCK: usize = 16;
/// Octets of a fragment in a link frame.
const SEGMENT: usize = 249;
/// Unconfirmed user data from a primary station; the direction bit is that of masters.
const USER_DATA: u8 = 0x44;
const FROM_MASTER: u8 = 0x80;
const FIRST: u8 = 0x40;
const LAST: u8 = 0x80;
/// First and final fragment.
const WHOLE: u8 = 0xC0;
/// Start and stop index of 16 bits.
const RANGE: u8 = 0x01;
/// A count and an index before each object, of 16 bits.
const INDEXED: u8 = 0x28;
const ONLINE: u8 = 0x01;
const LATCH_ON: u8 = 3;
const LATCH_OFF: u8 = 4;
/// IIN2.0.
const NO_FUNCTION: [u8; 2] = [0, 1];

/// One direction between a master and an outstation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) from_master: bool,
}

/// The link frames of a fragment; the sequence of its first segment is `sequence`.
pub(super) fn frames(link: Link, sequence: u8, fragment: &[u8]) -> Vec<u8> {
    let pieces: Vec<_> = fragment.chunks(SEGMENT).collect();
    let last = pieces.len().saturating_sub(1);
    let frame = |(at, piece): (usize, &[u8])| {
        let number = sequence.wrapping_add(u8::try_from(at).unwrap_or_default()) & 0x3F;
        let transport = number | if at == 0 { FIRST } else { 0 } | if at == last { LAST } else { 0 };
        frame(link, &[&[transport], piece].concat())
    };
    (0..).zip(pieces).flat_map(frame).collect()
}

fn frame(link: Link, data: &[u8]) -> Vec<u8> {
    let control = USER_DATA | if link.from_master { FROM_MASTER } else { 0 };
    let length = u8::try_from(data.len() + 5).unwrap_or(u8::MAX);
    let [to, from] = [link.to, link.from].map(u16::to_le_bytes);
    let header = [&[0x05, 0x64, length, control][..], &to, &from].concat();
    let with_crc = |octets: &[u8]| [octets, &CRC.checksum(octets).to_le_bytes()].concat();
    std::iter::once(with_crc(&header)).chain(data.chunks(BLOCK).map(with_crc)).flatten().collect()
}

/// The same fragment with this sequence number.
pub(super) fn numbered(fragment: &[u8], sequence: u8) -> Vec<u8> {
    let mut fragment = fragment.to_vec();
    if let Some(control) = fragment.first_mut() {
        *control = *control & 0xF0 | sequence & 0x0F;
    }
    fragment
}

/// The fragment that does something to a point.
pub(super) fn request(action: Action, space: Space, index: u16, value: &Value) -> Vec<u8> {
    let index = index.to_le_bytes();
    let command = |function: Function, group: u8, variation: u8, object: &[u8]| {
        [&[WHOLE, function.0, group, variation, INDEXED, 1, 0][..], &index, object].concat()
    };
    let function = match action {
        Action::Select => Function::SELECT,
        Action::Operate => Function::OPERATE,
        Action::DirectOperate => Function::DIRECT_OPERATE,
        _ => return [&[WHOLE, Function::READ.0, objects(space).0, 0, RANGE][..], &index, &index].concat(),
    };
    match value {
        Value::Bit(on) => {
            let code = if *on { LATCH_ON } else { LATCH_OFF };
            command(function, 12, 1, &[&[code, 1][..], &[0; 9]].concat())
        }
        value => command(function, 41, 4, &[&number(value).to_le_bytes()[..], &[0]].concat()),
    }
}

/// Group and variation in which a static value of a space is told.
const fn objects(space: Space) -> (u8, u8) {
    match space {
        Space::BinaryInput => (1, 2),
        Space::DoubleBitInput => (3, 2),
        Space::BinaryOutput => (10, 2),
        Space::Counter => (20, 1),
        Space::FrozenCounter => (21, 1),
        Space::FrozenAnalogInput => (31, 8),
        Space::AnalogOutput => (40, 4),
        _ => (30, 6),
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Bit(on) => f64::from(u8::from(*on)),
        Value::Number(number) => *number,
        Value::Registers(_) => 0.0,
    }
}

/// The value of a point as its outstation tells it.
fn told(space: Space, index: u16, value: &Value) -> Vec<u8> {
    let (group, variation) = objects(space);
    let (index, number) = (index.to_le_bytes(), number(value));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts to the nearest value are meant")]
    let object = match space {
        Space::BinaryInput | Space::BinaryOutput => vec![ONLINE | (number as u8 & 1) << 7],
        Space::DoubleBitInput => vec![ONLINE | (number as u8 & 3) << 6],
        Space::Counter | Space::FrozenCounter => [&[ONLINE][..], &(number as u32).to_le_bytes()].concat(),
        _ => [&[ONLINE][..], &number.to_le_bytes()].concat(),
    };
    [&[group, variation, RANGE][..], &index, &index, &object].concat()
}

/// What an outstation answers to a fragment; `read` is the value that a read finds, and where.
pub(super) fn response(request: &[u8], reply: &Reply, read: Option<(Space, u16, &Value)>) -> Option<Vec<u8>> {
    let ([_, function], objects) = request.split_first_chunk()?;
    let function = Function(*function);
    let controls = matches!(function, Function::SELECT | Function::OPERATE | Function::DIRECT_OPERATE);
    let answer = |indications: [u8; 2], objects: &[u8]| {
        Some([&[WHOLE, Function::RESPONSE.0][..], &indications, objects].concat())
    };
    match reply {
        Reply::None => None,
        Reply::Octets(fragment) => Some(fragment.clone()),
        Reply::Refused(status) if controls => {
            let mut objects = objects.to_vec();
            *objects.last_mut()? = *status;
            answer([0, 0], &objects)
        }
        Reply::Refused(_) => answer(NO_FUNCTION, &[]),
        Reply::Accepted if controls => answer([0, 0], objects),
        Reply::Accepted if !function.expects_response() => None,
        Reply::Accepted => {
            answer([0, 0], &read.map(|(space, index, value)| told(space, index, value)).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use tagout_core::dnp3::{self, Fragment};
    use tagout_core::engine::Values;

    use super::*;

    #[test]
    fn commands_touch_their_point() {
        let fragment = request(Action::DirectOperate, Space::AnalogOutput, 300, &Value::Number(42.5));
        let fragment = Fragment::parse(&fragment).expect("a fragment");
        let touches: Vec<_> = dnp3::touches(&fragment).collect();
        assert_eq!((touches[0].space, touches[0].address), (Space::AnalogOutput, 300));
        assert_eq!((touches.len(), touches[0].values), (1, Values::Number(42.5)));
        let fragment = request(Action::Select, Space::BinaryOutput, 3, &Value::Bit(false));
        let fragment = Fragment::parse(&fragment).expect("a fragment");
        let touches: Vec<_> = dnp3::touches(&fragment).collect();
        assert_eq!((touches[0].space, touches[0].values), (Space::BinaryOutput, Values::Number(0.0)));
    }

    #[test]
    fn a_refused_control_tells_its_status() {
        let fragment = request(Action::Operate, Space::BinaryOutput, 3, &Value::Bit(true));
        let response = response(&fragment, &Reply::Refused(4), None).expect("an answer");
        let response = Fragment::parse(&response).expect("a fragment");
        assert_eq!(dnp3::control_status(&response).map(|status| status.0), Some(4));
    }

    #[test]
    fn a_frame_is_the_one_of_the_specification() {
        // The header of IEEE 1815's annex on the CRC.
        let link = Link { from: 1024, to: 1, from_master: true };
        let frame = frame(link, &[]);
        assert_eq!(frame[..8], [0x05, 0x64, 0x05, 0xC4, 0x01, 0x00, 0x00, 0x04]);
        assert_eq!(frame.len(), 10);
    }
}
