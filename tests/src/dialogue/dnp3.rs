use super::{Kind, Numbering, Turn};
use crate::generate::dnp3::{
    ALL_CLASSES, CLEAR_RESTART, EVENT_CLASSES, Setpoint, analog_inputs, analog_outputs, binary_event, binary_inputs,
    confirm_unsolicited, control, crob, function, indices, range, request, response, short_analog_inputs, time_delay,
    unsolicited,
};

/// Index of the breaker that the agent may close and trip.
const OWN_BREAKER: u16 = 3;
/// Index of the breaker that nobody gave to the agent.
const FEEDER_BREAKER: u16 = 7;
const OTHER_FEEDER_BREAKER: u16 = 8;
const FINE: [u8; 2] = [0x00, 0x00];
const OBJECT_UNKNOWN: [u8; 2] = [0x00, 0x02];

pub(super) fn turn(kind: Kind, index: usize, numbering: &Numbering) -> Turn {
    let sequence = (numbering.label(index) & 0x0f) as u8;
    let (request, response, outcome) = exchange(kind, index, sequence);
    Turn { unit: numbering.unit(index), master: numbering.master, label: sequence.into(), request, response, outcome }
}

type Fragments = (Option<Vec<u8>>, Option<Vec<u8>>, &'static str);

fn exchange(kind: Kind, index: usize, sequence: u8) -> Fragments {
    match kind {
        Kind::Poll => poll(index, sequence),
        Kind::Mixed => mixed(index, sequence),
        Kind::LargeRead => {
            let values: Vec<i32> = (0..100).collect();
            answered(sequence, function::READ, &range(30, 1, 0, 100), &analog_inputs(0, &values))
        }
        Kind::Bulk => {
            let values: Vec<i16> = (0..380).map(|nth| (index as i16).wrapping_add(nth)).collect();
            answered(sequence, function::READ, &indices(30, 2, 380), &short_analog_inputs(&values))
        }
        Kind::Refused => refused(sequence, &range(30, 1, 60_000, 2)),
        Kind::Write => echoed(sequence, function::DIRECT_OPERATE, &crob(OWN_BREAKER, control::PULSE_ON_CLOSE, 0)),
        Kind::Danger => echoed(sequence, function::DIRECT_OPERATE, &crob(FEEDER_BREAKER, control::PULSE_ON_TRIP, 0)),
        Kind::OtherDanger => {
            echoed(sequence, function::DIRECT_OPERATE, &crob(OTHER_FEEDER_BREAKER, control::PULSE_ON_TRIP, 0))
        }
    }
}

fn poll(index: usize, sequence: u8) -> Fragments {
    let (start, count) = (1000 + index as u16, index as u16 % 5 + 1);
    let values: Vec<i32> = (0..i32::from(count)).map(|nth| index as i32 * 100 - nth).collect();
    answered(sequence, function::READ, &range(30, 1, start, count), &analog_inputs(start, &values))
}

fn mixed(index: usize, sequence: u8) -> Fragments {
    let setpoint = |value| analog_outputs(index as u16, &[value], 0);
    match index % 16 {
        0 => {
            let objects =
                [binary_event(4, true), binary_inputs(0, &[true, false, true]), analog_inputs(0, &[-5, 70_000])];
            answered(sequence, function::READ, &ALL_CLASSES, &objects.concat())
        }
        1 => answered(sequence, function::ENABLE_UNSOLICITED, &EVENT_CLASSES, &[]),
        2 => answered(sequence, function::WRITE, &CLEAR_RESTART, &[]),
        3 => echoed(sequence, function::DIRECT_OPERATE, &setpoint(Setpoint::I32(40))),
        4 => echoed(sequence, function::SELECT, &crob(OWN_BREAKER, control::LATCH_ON, 0)),
        5 => echoed(sequence, function::OPERATE, &crob(OWN_BREAKER, control::LATCH_ON, 0)),
        7 => (None, Some(unsolicited(sequence, FINE, &binary_event(4, false))), "unrequested"),
        8 => (Some(confirm_unsolicited(sequence.wrapping_sub(1) & 0x0f)), None, "no-response-due"),
        9 => {
            let objects = setpoint(Setpoint::F32(12.5));
            (Some(request(sequence, function::DIRECT_OPERATE_NO_ACK, &objects)), None, "no-response-due")
        }
        10 => refused(sequence, &range(30, 1, 60_000, 2)),
        11 => echoed(sequence, function::DIRECT_OPERATE, &setpoint(Setpoint::I16(-30))),
        12 => answered(sequence, function::COLD_RESTART, &[], &time_delay(2500)),
        13 => answered(sequence, function::WARM_RESTART, &[], &time_delay(500)),
        14 => answered(sequence, function::DISABLE_UNSOLICITED, &EVENT_CLASSES, &[]),
        15 => echoed(sequence, function::DIRECT_OPERATE, &setpoint(Setpoint::F64(33.25))),
        _ => poll(index, sequence),
    }
}

fn answered(sequence: u8, function: u8, asked: &[u8], told: &[u8]) -> Fragments {
    (Some(request(sequence, function, asked)), Some(response(sequence, FINE, told)), "answered")
}

fn echoed(sequence: u8, function: u8, objects: &[u8]) -> Fragments {
    answered(sequence, function, objects, objects)
}

fn refused(sequence: u8, asked: &[u8]) -> Fragments {
    (Some(request(sequence, function::READ, asked)), Some(response(sequence, OBJECT_UNKNOWN, &[])), "refused")
}
