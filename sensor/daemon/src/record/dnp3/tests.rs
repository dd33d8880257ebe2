use serde_json::{Value, json};
use tagout_core::dnp3::Fragment;

use super::{ControlBits, Objects, unfollowed};

/// The points that a record tells of a WRITE with these objects.
fn points(objects: &[u8]) -> Value {
    let bytes = [&[0xc0, 2], objects].concat();
    let objects = Objects { request: Fragment::parse(&bytes), response: None };
    let mut value = serde_json::to_value(objects).unwrap();
    value[0]["points"].take()
}

/// An object with a size prefix.
fn sized(group: u8, variation: u8, object: &[u8]) -> Vec<u8> {
    [&[group, variation, 0x4b, 1, object.len() as u8], object].concat()
}

#[test]
fn a_password_is_never_shown() {
    let offsets = [12, 0, 3, 0, 15, 0, 6, 0, 0, 0, 0, 0];
    let whole = points(&sized(70, 2, &[&offsets[..], b"annsecret"].concat()));
    assert_eq!(whole, json!([{"index": 0, "file": {"user_name": "ann", "password_octets": 6, "key": 0}}]));
    let malformed = points(&sized(70, 2, &[&offsets[..], b"annsecre"].concat()));
    assert_eq!(malformed, json!([{"index": 0}]));
}

#[test]
fn a_key_is_told_by_its_length() {
    let change = points(&sized(120, 6, &[5, 0, 0, 0, 2, 0, 0xaa, 0xbb, 0xcc]));
    assert_eq!(change, json!([{"index": 0, "authentication": {"sequence": 5, "user": 2, "key_octets": 3}}]));
}

#[test]
fn numbers_that_json_does_not_have_are_words() {
    let value = |real: f32| points(&[&[41, 3, 0x17, 1, 7][..], &real.to_le_bytes(), &[0]].concat())[0]["value"].take();
    assert_eq!(value(1.5), json!(1.5));
    assert_eq!(
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(value),
        [json!("NaN"), json!("Infinity"), json!("-Infinity")]
    );
}

#[test]
fn an_attribute_of_a_private_set_has_no_name() {
    let attribute = |set| points(&[&[0, 252, 0x00, set, set, 1, 4][..], b"ACME"].concat())[0].take();
    let mut named = json!({"name": "device manufacturer's name", "data_type": 1, "data_type_name": "VSTR"});
    assert_eq!(attribute(0), json!({"index": 0, "value": "ACME", "attribute": named}));
    named.as_object_mut().unwrap().remove("name");
    assert_eq!(attribute(9), json!({"index": 9, "value": "ACME", "attribute": named}));
}

#[test]
fn composite_objects_have_keys_of_their_own() {
    let status = points(&sized(70, 6, &[1, 0, 0, 0, 2, 0, 0, 0x80, 20]));
    let file = json!({"handle": 1, "block": 2, "last": true, "status": 20, "status_name": "BLOCK_SEQUENCE"});
    assert_eq!(status, json!([{"index": 0, "file": file}]));
    let set = points(&sized(87, 1, &[1, 7, 6, 0, 0, 0, 0, 0, 0, 2, 0xab, 0xcd]));
    let data_set =
        json!({"id": 7, "time": "1970-01-01T00:00:00.000000+0000", "values": ["07", "000000000000", "abcd"]});
    assert_eq!(set, json!([{"index": 0, "data_set": data_set}]));
    let storage = points(&[81, 1, 0x07, 1, 0x32, 2, 0]);
    let device = json!({"fill_percent": 50, "overflow": false, "group": 2, "variation": 0});
    assert_eq!(storage, json!([{"index": 0, "device": device}]));
}

#[test]
fn octets_that_cannot_be_followed_are_kept_unless_they_may_be_secret() {
    let kept = |function: u8, objects: &[u8]| {
        let bytes = [&[0xc0, function], objects].concat();
        serde_json::to_value(Fragment::parse(&bytes).and_then(unfollowed)).unwrap()
    };
    let clear_restart = [80, 1, 0x00, 7, 7, 0];
    assert_eq!(kept(2, &clear_restart), json!(null));
    assert_eq!(kept(2, &[&clear_restart[..], &[200, 9, 0x07, 1, 0xab]].concat()), json!("c8090701ab"));
    assert_eq!(kept(2, &[&clear_restart[..], &[30, 1]].concat()), json!("1e01"));
    assert_eq!(kept(2, &[34, 1, 0x17, 2, 3, 10, 0, 4, 0xab]), json!("030a0004ab"));
    for function in [29, 32, 33] {
        assert_eq!(kept(function, &[200, 9, 0x07, 1, 0xab]), json!(null));
    }
    assert_eq!(kept(2, &[70, 2, 0x4d, 1, 0xab]), json!(null));
    assert_eq!(kept(2, &[&sized(120, 9, &[1, 2])[..], &[200, 9, 0x07, 1, 0xab]].concat()), json!(null));
}

#[test]
fn only_unusual_bits_of_the_application_control_octet_are_told() {
    let told =
        |control| serde_json::to_value(Fragment::parse(&[control, 130, 0, 0]).and_then(ControlBits::of)).unwrap();
    assert_eq!(told(0xc5), json!(null));
    assert_eq!(told(0xf5), json!(["FIR", "FIN", "CON", "UNS"]));
    assert_eq!(told(0xa0), json!(["FIR", "CON"]));
    assert_eq!(told(0x03), json!([]));
}
