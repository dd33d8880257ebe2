//! What a response says of points: values that were reported, controls that were accepted.

use tagout_engine::{Space, Touch};

use super::application::Fragment;
use super::control::Status;
use super::header::ObjectHeader;
use super::objects::{Layout, Point};
use super::points::Reading;
use super::touch::{packed, values};

/// What a response reports of points, each with whether the outstation vouches for it: groups 1 to 4, 10, 11, 20 to 23,
/// 30 to 33, 40 and 42, static objects and events. Counters that tell only by how much they changed are left out, and so
/// are dead bands (group 34): neither is the point's value.
pub fn reported<'a>(response: &Fragment<'a>) -> impl Iterator<Item = (Touch<'a>, bool)> + Clone {
    let headers =
        response.headers().filter_map(Result::ok).filter(|header| tells_values(header.group, header.variation));
    headers.filter_map(|header| Some((header, header.space()?))).flat_map(|(header, space)| {
        let is_packed = matches!(header.layout, Layout::Bits);
        let whole = is_packed.then(|| packed(space, header.range, header.data)).flatten();
        let mut points = (!is_packed).then(|| header.points());
        let readings = core::iter::from_fn(move || points.as_mut()?.reading());
        let each = readings.map(move |Reading { index, values, flags }| {
            (Touch { space, address: index, count: 1, values }, is_good(header.group, flags))
        });
        whole.map(|touch| (touch, true)).into_iter().chain(each)
    })
}

/// The controls that a response says were accepted, with what they command. Pattern controls, which are obsolete, are
/// left out.
pub fn accepted<'a>(response: &Fragment<'a>) -> impl Iterator<Item = Touch<'a>> + Clone {
    let controls = response.headers().filter_map(Result::ok).filter(is_control);
    controls.filter_map(|header| Some((header, header.space()?))).flat_map(|(header, space)| {
        let accepted = header.points().filter(|point| point.status == Some(Status::SUCCESS));
        accepted.map(move |point| touch(space, &point))
    })
}

fn is_control(header: &ObjectHeader<'_>) -> bool {
    matches!((header.group, header.variation), (12, 1) | (41, _))
}

const fn tells_values(group: u8, variation: u8) -> bool {
    match group {
        20 | 22 | 23 => !matches!(variation, 3 | 4 | 7 | 8),
        21 => !matches!(variation, 3 | 4 | 7 | 8 | 11 | 12),
        1..=4 | 10 | 11 | 30..=33 | 40 | 42 => true,
        _ => false,
    }
}

fn touch<'a>(space: Space, point: &Point<'a>) -> Touch<'a> {
    Touch { space, address: point.index, count: 1, values: values(point) }
}

/// Whether the flags vouch for the value; a format without flags says that nothing is wrong with it.
fn is_good(group: u8, flags: Option<u8>) -> bool {
    const ONLINE: u8 = 0x01;
    const RESTART_TO_FORCED: u8 = 0x1E;
    const OVER_RANGE_OR_REFERENCE: u8 = 0x60;
    let bad = if group >= 30 { RESTART_TO_FORCED | OVER_RANGE_OR_REFERENCE } else { RESTART_TO_FORCED };
    flags.is_none_or(|flags| flags & ONLINE != 0 && flags & bad == 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use tagout_engine::Values;

    use super::*;

    fn told(objects: &'static [u8]) -> Vec<(u32, f64, bool)> {
        let bytes = [&[0xC0, 0x81, 0, 0], objects].concat();
        let fragment = Fragment::parse(&bytes).unwrap();
        let number = |(touch, good): (Touch<'_>, bool)| match touch.values {
            Values::Number(value) => (touch.address, value, good),
            Values::Bits(bits) => (touch.address, bits.first().copied().unwrap().into(), good),
            _ => (touch.address, f64::NAN, good),
        };
        reported(&fragment).map(number).collect()
    }

    #[test]
    fn values_and_what_vouches_for_them() {
        assert_eq!(told(&[1, 1, 0, 8, 10, 5]), [(8, 5.0, true)]);
        assert_eq!(told(&[3, 1, 0, 0, 1, 0b0110]), [(0, 2.0, true), (1, 1.0, true)]);
        assert_eq!(told(&[30, 2, 0, 4, 5, 0x01, 10, 0, 0x21, 20, 0]), [(4, 10.0, true), (5, 20.0, false)]);
        assert_eq!(told(&[20, 2, 0, 0, 0, 0x41, 7, 0]), [(0, 7.0, true)]);
        assert_eq!(told(&[2, 1, 0x17, 2, 3, 0x81, 4, 0x80]), [(3, 1.0, true), (4, 1.0, false)]);
        assert_eq!(told(&[40, 3, 0, 0, 0, 0x05, 0, 0, 0x80, 0x3F]), [(0, 1.0, false)]);
    }

    #[test]
    fn what_is_no_value_is_not_told() {
        assert_eq!(told(&[34, 1, 0, 0, 0, 9, 0]), []);
        assert_eq!(told(&[22, 4, 0x17, 1, 0, 0x01, 9, 0]), []);
        assert_eq!(told(&[50, 1, 7, 1, 1, 2, 3, 4, 5, 6]), []);
    }

    #[test]
    fn each_control_has_its_own_status() {
        let setpoints = [0xC0, 0x81, 0, 0, 41, 2, 0x17, 2, 7, 100, 0, 0, 8, 200, 0, 4];
        let accepted: Vec<_> = accepted(&Fragment::parse(&setpoints).unwrap()).collect();
        let expected = Touch { space: Space::AnalogOutput, address: 7, count: 1, values: Values::Number(100.0) };
        assert_eq!(accepted, [expected]);
    }
}
