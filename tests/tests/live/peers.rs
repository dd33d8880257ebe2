//! A Modbus server and its client, over sockets of the system.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use tagout_tests::generate::modbus;

const PORT: u16 = 502;
const PATIENCE: Duration = Duration::from_secs(10);
const UNIT: u8 = 1;
/// What [`poll_until`] reads, far from what [`write_and_read_back`] uses.
const POLLED: u16 = 9;

/// Serves functions 3 and 6 on each address, from threads that end with the process.
pub(crate) fn serve(addresses: &[IpAddr]) {
    for address in addresses {
        let listener = TcpListener::bind((*address, PORT)).expect("the port is free in a namespace of its own");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || answer(stream));
            }
        });
    }
}

/// The value that is written to a register.
pub(crate) fn value_of(register: u16) -> u16 {
    register.wrapping_mul(31) ^ 0x5aa5
}

/// Reads one register again and again until `seen` holds.
pub(crate) fn poll_until(server: IpAddr, mut seen: impl FnMut() -> bool) {
    let mut stream = connect(server);
    let deadline = Instant::now() + PATIENCE;
    while !seen() {
        assert!(Instant::now() < deadline, "tagout reports nothing of {server} within {PATIENCE:?}");
        ask(&mut stream, 0, &modbus::read(3, POLLED, 1));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Writes its value to each register and reads it back.
pub(crate) fn write_and_read_back(server: IpAddr, registers: Range<u16>) {
    let mut stream = connect(server);
    for register in registers {
        let write = modbus::write_register(register, value_of(register));
        assert_eq!(ask(&mut stream, register, &write), write);
        let read = ask(&mut stream, register, &modbus::read(3, register, 1));
        assert_eq!(read, modbus::registers_response(3, &[value_of(register)]));
    }
}

fn connect(server: IpAddr) -> TcpStream {
    let stream = TcpStream::connect((server, PORT)).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_nodelay(true)).expect("sockets have options");
    stream
}

/// Sends a request; returns the response's PDU.
fn ask(stream: &mut TcpStream, transaction_id: u16, pdu: &[u8]) -> Vec<u8> {
    stream.write_all(&modbus::adu(transaction_id, UNIT, pdu)).expect("the server reads");
    let (answered, pdu) = receive(stream).expect("the server answers");
    assert_eq!(answered, transaction_id);
    pdu
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut registers = vec![0; 0x1_0000];
    loop {
        let (transaction_id, request) = receive(&mut stream)?;
        let response = respond(&mut registers, &request);
        stream.write_all(&modbus::adu(transaction_id, UNIT, &response))?;
    }
}

fn respond(registers: &mut [u16], request: &[u8]) -> Vec<u8> {
    let word = |at: usize| u16::from_be_bytes([request[at], request[at + 1]]);
    match request[0] {
        3 => modbus::registers_response(3, &registers[usize::from(word(1))..][..usize::from(word(3))]),
        6 => {
            registers[usize::from(word(1))] = word(3);
            request.to_vec()
        }
        function => modbus::exception(function, 1),
    }
}

/// Transaction id and PDU of the next ADU.
fn receive(stream: &mut TcpStream) -> io::Result<(u16, Vec<u8>)> {
    let mut header = [0; 7];
    stream.read_exact(&mut header)?;
    let mut pdu = vec![0; usize::from(u16::from_be_bytes([header[4], header[5]])) - 1];
    stream.read_exact(&mut pdu)?;
    Ok((u16::from_be_bytes([header[0], header[1]]), pdu))
}
