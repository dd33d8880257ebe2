use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use tagout_core::Timestamp;
use tagout_core::engine::Severity;
use tagout_core::words::Topic;

use super::Syslog;
use super::outlet::QUEUE;

const SECOND: Timestamp = Timestamp(1_000_000_000);

fn to(address: &str) -> Syslog {
    let collector = address.parse().expect("a collector");
    Syslog::to(&[collector]).expect("threads can be started").expect("there is a collector")
}

fn put(syslog: &mut Syslog, texts: &[&str]) {
    texts.iter().for_each(|text| syslog.put(Topic::Alert, SECOND, Severity::High, text));
}

/// The next message on a stream, by its length.
fn counted(stream: &mut impl BufRead) -> String {
    let mut len = Vec::new();
    stream.read_until(b' ', &mut len).expect("a length");
    let digits = std::str::from_utf8(&len).expect("digits").trim_end();
    let mut message = vec![0; digits.parse().expect("a number")];
    stream.read_exact(&mut message).expect("as long as told");
    String::from_utf8(message).expect("text")
}

fn accept(listener: &TcpListener) -> BufReader<TcpStream> {
    BufReader::new(listener.accept().expect("a connection").0)
}

#[test]
fn a_datagram_is_a_message() {
    let collector = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let mut syslog = to(&format!("udp://{}", collector.local_addr().expect("bound")));
    put(&mut syslog, &["CEF:0|first", "CEF:0|second"]);
    let mut buffer = [0; 1_024];
    for (number, text) in [(1, "CEF:0|first"), (2, "CEF:0|second")] {
        let len = collector.recv(&mut buffer).expect("a datagram");
        let message = std::str::from_utf8(&buffer[..len]).expect("text");
        assert!(message.starts_with("<34>1 1970-01-01T00:00:01.000000Z "), "{message}");
        assert!(message.ends_with(&format!(" tagout - alert [meta sequenceId=\"{number}\"] {text}")), "{message}");
    }
    assert_eq!(syslog.finish(), 0);
}

#[test]
fn a_collector_that_starts_again_gets_what_follows() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut syslog = to(&format!("tcp://{}", listener.local_addr().expect("bound")));
    put(&mut syslog, &["one"]);
    let mut stream = accept(&listener);
    assert!(counted(&mut stream).ends_with("] one"));
    drop(stream);
    std::thread::sleep(Duration::from_millis(50));
    put(&mut syslog, &["two", "three"]);
    let mut stream = accept(&listener);
    assert!(counted(&mut stream).ends_with("] two"));
    assert!(counted(&mut stream).ends_with("] three"));
    assert_eq!(syslog.finish(), 0);
}

#[test]
fn a_collector_that_is_not_there_yet_gets_everything_later() {
    let address = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let mut syslog = to(&format!("tcp://{address}"));
    put(&mut syslog, &["one", "two"]);
    std::thread::sleep(Duration::from_millis(150));
    let listener = TcpListener::bind(address).expect("the port is still free");
    let mut stream = accept(&listener);
    assert!(counted(&mut stream).ends_with("] one"));
    assert!(counted(&mut stream).ends_with("] two"));
}

#[test]
fn a_collector_that_takes_nothing_holds_nobody_up_and_what_is_lost_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut syslog = to(&format!("tcp://{}", listener.local_addr().expect("bound")));
    let text = "x".repeat(60_000);
    let began = Instant::now();
    for _ in 0..QUEUE + 1_000 {
        put(&mut syslog, &[&text]);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(syslog.finish() >= 500, "what the system buffers is far less than a thousand of these");
}

#[test]
fn without_collectors_there_is_no_syslog() {
    assert!(Syslog::to(&[]).expect("nothing to start").is_none());
}

#[test]
fn each_collector_gets_every_message() {
    let collectors = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a port"));
    let names = collectors.each_ref().map(|socket| format!("udp://{}", socket.local_addr().expect("bound")));
    let parsed: Vec<_> = names.iter().map(|name| name.parse().expect("a collector")).collect();
    let mut syslog = Syslog::to(&parsed).expect("threads can be started").expect("there are collectors");
    put(&mut syslog, &["x"]);
    for collector in &collectors {
        assert!(collector.recv(&mut [0; 256]).is_ok());
    }
    assert_eq!(syslog.finish(), 0);
}
