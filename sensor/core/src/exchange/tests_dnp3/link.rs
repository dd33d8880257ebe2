//! Frames of the link layer: functions, confirmed service, and what repeats.

use super::*;

#[test]
fn link_functions_are_paired() {
    expect(
        &[asks(0xc0, &[]), says(0x00, &[]), asks(0xf2, &[]), says(0x00, &[]), asks(0xc9, &[]), says(0x0b, &[])],
        &[
            "1-2 diagnostics answered, RESET_LINK_STATES ACK",
            "3-4 diagnostics answered, TEST_LINK_STATES ACK",
            "5-6 diagnostics answered, REQUEST_LINK_STATUS LINK_STATUS",
        ],
    );
    expect(
        &[says(0x49, &[]), asks(0x8f, &[]), asks(0xc9, &[])],
        &[
            "1-2 diagnostics refused, REQUEST_LINK_STATUS NOT_SUPPORTED",
            "3-? diagnostics unanswered, REQUEST_LINK_STATUS ?",
        ],
    );
}

#[test]
fn a_broadcast_of_a_link_function_awaits_nothing() {
    let broadcast = (Side::Client, frame(0xc0, 0xffff, MASTER, &[]));
    expect(&[broadcast], &["1-? diagnostics no-response-due, RESET_LINK_STATES ?"]);
}

#[test]
fn reserved_and_misused_link_functions_are_anomalies() {
    let heard = hear(&[asks(0xc5, &[1, 2, 3]), says(0x0f, &[])]);
    assert_eq!(heard.told, ["1-2 diagnostics refused, 5 NOT_SUPPORTED"]);
    assert_eq!(heard.anomalies, [AnomalyKind::Dnp3LinkFunction]);
    let read_with_fcv = asks(0xd4, &[0xc0, 0xc1, 1, 60, 1, 6]);
    let heard = hear(&[read_with_fcv, response(1, 129, &[])]);
    assert_eq!(heard.told, ["1-2 read answered"]);
    assert_eq!(heard.anomalies, [AnomalyKind::Dnp3LinkFunction]);
}

fn confirmed(fcb: bool, sequence: u8) -> (Side, Vec<u8>) {
    asks(if fcb { 0xf3 } else { 0xd3 }, &[0xc0, 0xc0 | sequence, 1, 60, 1, 6])
}

#[test]
fn a_link_retry_is_no_second_request() {
    let ack = || says(0x00, &[]);
    let heard = hear(&[confirmed(true, 1), confirmed(true, 1), ack(), response(1, 129, &[]), ack(), ack()]);
    assert_eq!(heard.told, ["1-4 read answered", "?-6 diagnostics unrequested, ? ACK"]);
    assert_eq!((heard.anomalies, heard.retries, heard.acks), (vec![AnomalyKind::UnmatchedResponse], 1, 2));
}

#[test]
fn another_frame_with_the_same_count_is_judged_and_told() {
    let said = [confirmed(true, 1), confirmed(true, 2), confirmed(false, 3), confirmed(true, 2)];
    let heard = hear(&said);
    assert_eq!(heard.told.len(), 4);
    assert_eq!((heard.anomalies, heard.retries), (vec![AnomalyKind::Dnp3FrameCount], 0));
}

#[test]
fn a_reset_starts_the_count_anew() {
    let reset = || asks(0xc0, &[]);
    let heard = hear(&[confirmed(true, 1), reset(), confirmed(true, 1)]);
    assert_eq!((heard.told.len(), heard.anomalies, heard.retries), (3, vec![], 0));
    let heard = hear(&[reset(), confirmed(false, 1)]);
    assert_eq!((heard.told.len(), heard.anomalies), (2, vec![AnomalyKind::Dnp3FrameCount]));
}

#[test]
fn a_refused_confirmed_frame_is_told() {
    expect(
        &[confirmed(true, 1), says(0x01, &[])],
        &["1-2 diagnostics refused, CONFIRMED_USER_DATA NACK", "1-? read unanswered"],
    );
}

#[test]
fn an_acknowledgement_of_nothing_is_unmatched() {
    let heard = hear(&[asks(0xc9, &[]), says(0x0b, &[]), says(0x00, &[])]);
    assert_eq!(heard.told[1], "?-3 diagnostics unrequested, ? ACK");
    assert_eq!(heard.anomalies, [AnomalyKind::UnmatchedResponse]);
}

#[test]
fn a_frame_without_a_segment_is_an_anomaly() {
    let heard = hear(&[asks(0xc4, &[])]);
    assert_eq!((heard.told.len(), heard.anomalies), (0, vec![AnomalyKind::Dnp3Transport]));
}
