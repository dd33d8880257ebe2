use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::*;
use crate::delivery::tests::message;

fn to(address: &str) -> Syslog {
    Syslog::open(&SyslogTable::at(address.parse().unwrap())).unwrap()
}

impl Syslog {
    /// Sends messages, and waits until all have arrived.
    fn bring(&mut self, messages: &[Message]) -> Result<(), Trouble> {
        let mut left = messages.len();
        let mut sent = self.send(messages)?;
        while sent.arrived < left {
            left -= sent.arrived;
            thread::sleep(Duration::from_millis(1));
            sent = self.send(&[])?;
        }
        Ok(())
    }
}

/// The next message on a stream, by its length.
fn counted(stream: &mut impl BufRead) -> String {
    let mut len = Vec::new();
    stream.read_until(b' ', &mut len).unwrap();
    let digits = std::str::from_utf8(&len).unwrap().trim_end();
    let mut message = vec![0; digits.parse().unwrap()];
    stream.read_exact(&mut message).unwrap();
    String::from_utf8(message).unwrap()
}

fn accept(listener: &TcpListener) -> BufReader<TcpStream> {
    BufReader::new(listener.accept().unwrap().0)
}

#[test]
fn a_datagram_is_a_message() {
    let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut syslog = to(&format!("udp://{}", collector.local_addr().unwrap()));
    assert_eq!(syslog.bring(&[message(1, "CEF:0|first"), message(2, "CEF:0|second")]), Ok(()));
    let mut buffer = [0; 1_024];
    for (number, text) in [(1, "CEF:0|first"), (2, "CEF:0|second")] {
        let len = collector.recv(&mut buffer).unwrap();
        let message = std::str::from_utf8(&buffer[..len]).unwrap();
        assert!(message.starts_with("<37>1 1970-01-01T00:00:00.000000Z "), "{message}");
        assert!(message.ends_with(&format!(" tagout - alert [meta sequenceId=\"{number}\"] {text}")), "{message}");
    }
}

#[test]
fn what_waited_does_not_come_in_one_burst() {
    let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut syslog = to(&format!("udp://{}", collector.local_addr().unwrap()));
    let backlog: Vec<Message> = (1..=21).map(|number| message(number, "CEF:0|late")).collect();
    let began = Instant::now();
    assert_eq!(syslog.bring(&backlog), Ok(()));
    assert!(began.elapsed() >= 20 * DATAGRAM_INTERVAL, "{:?}", began.elapsed());
}

#[test]
fn a_collector_that_starts_again_gets_what_follows() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut syslog = to(&format!("tcp://{}", listener.local_addr().unwrap()));
    assert_eq!(syslog.bring(&[message(1, "one")]), Ok(()));
    let mut stream = accept(&listener);
    assert!(counted(&mut stream).ends_with("] one"));
    drop(stream);
    thread::sleep(Duration::from_millis(50));
    assert_eq!(syslog.bring(&[message(2, "two"), message(3, "three")]), Ok(()));
    let mut stream = accept(&listener);
    assert!(counted(&mut stream).ends_with("] two"));
    assert!(counted(&mut stream).ends_with("] three"));
}

#[test]
fn what_the_other_side_has_not_acknowledged_has_not_arrived() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut syslog = to(&format!("tcp://{}", listener.local_addr().unwrap()));
    let reader = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // What stands unread when a socket is closed is answered with a reset.
        thread::sleep(Duration::from_millis(100));
        drop(stream);
    });
    let large = "x".repeat(16 << 20);
    assert!(matches!(syslog.bring(&[message(1, &large)]), Err(Trouble::Later(_))));
    reader.join().unwrap();
}

#[test]
fn what_is_under_way_holds_up_nothing_and_is_lost_with_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut syslog = to(&format!("tcp://{}", listener.local_addr().unwrap()));
    let first = syslog.send(&[message(1, "one")]).unwrap();
    assert_eq!(first, Sent { taken: 1, arrived: 0 }, "a new connection is on trial");
    let mut stream = accept(&listener);
    assert!(counted(&mut stream).ends_with("] one"));
    assert_eq!(syslog.send(&[message(2, "two")]), Ok(Sent { taken: 1, arrived: 0 }));
    assert!(counted(&mut stream).ends_with("] two"));
    drop(stream);
    thread::sleep(Duration::from_millis(20));
    assert!(matches!(syslog.send(&[]), Err(Trouble::Later(_))));
}

#[test]
fn a_collector_that_is_not_there_is_named() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let Err(Trouble::Later(why)) = to(&format!("tcp://{address}")).send(&[message(1, "one")]) else {
        panic!("nobody listens there");
    };
    assert!(why.starts_with(&format!("tcp://{address}: ")), "{why}");
}

#[test]
fn numbers_go_on_from_one_behind_the_greatest() {
    for (number, expected) in [(1, 1), (2_147_483_647, 2_147_483_647), (2_147_483_648, 1), (4_294_967_295, 1)] {
        assert_eq!(sequence_id(number), expected);
    }
}
