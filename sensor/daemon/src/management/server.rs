//! HTTP/1.1 for a few who ask now and then, and for nobody else's sake.
//!
//! One thread waits for all connections at once. There are few; each has a few seconds and one request; whoever comes when there
//! are too many takes the place of the one that came first. So nobody who is slow, silent or many keeps another out for long.

use std::io::{ErrorKind, Read as _, Result, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing::debug;

use super::request::{Answer, MOST_HEAD_BYTES, Refusal, Request};

/// Connections at most.
const MOST_CONNECTIONS: usize = 16;
/// From a connection to the end of its request, and from there to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long whoever was answered may take to hang up.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often deadlines are looked at.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };
/// Connections taken in at once, before those that are there have their turn.
const BATCH: usize = 4;

/// Answers on a listener that does not block, until the process ends.
pub(super) fn serve(listener: &TcpListener, answer: impl Fn(std::result::Result<Request, Refusal>) -> Answer) {
    let mut connections: Vec<Connection> = Vec::new();
    loop {
        wait(listener, &connections);
        connections.retain_mut(|connection| connection.step(&answer).unwrap_or(false));
        for _ in 0..BATCH {
            let Some(connection) = accept(listener) else { break };
            if connections.len() >= MOST_CONNECTIONS {
                connections.remove(0);
            }
            connections.push(connection);
        }
    }
}

/// Waits until there is something to do.
fn wait(listener: &TcpListener, connections: &[Connection]) {
    let listening = PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN);
    let waiting = connections.iter().map(|one| PollFd::from_borrowed_fd(one.stream.as_fd(), one.awaited()));
    let mut all: Vec<PollFd<'_>> = [listening].into_iter().chain(waiting).collect();
    // Without anybody there are no deadlines.
    let tick = (!connections.is_empty()).then_some(&TICK);
    let _ = poll(&mut all, tick);
}

fn accept(listener: &TcpListener) -> Option<Connection> {
    match listener.accept() {
        Ok((stream, from)) => {
            debug!("management: {from} asks");
            Connection::new(stream).ok()
        }
        Err(error) => {
            // Too many open files, for instance: the connection stays where it is, and would be found at once again.
            if error.kind() != ErrorKind::WouldBlock {
                thread::sleep(Duration::from_millis(100));
            }
            None
        }
    }
}

/// Somebody who asks.
struct Connection {
    stream: TcpStream,
    phase: Phase,
    deadline: Instant,
}

enum Phase {
    /// The request comes.
    Asking(Vec<u8>),
    /// The answer goes, from this byte on.
    Answering(Vec<u8>, usize),
    /// What still comes is thrown away, so that the answer is not lost with it.
    Parting,
}

impl Connection {
    fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, phase: Phase::Asking(Vec::new()), deadline: Instant::now() + PATIENCE })
    }

    fn awaited(&self) -> PollFlags {
        match self.phase {
            Phase::Answering(..) => PollFlags::OUT,
            Phase::Asking(_) | Phase::Parting => PollFlags::IN,
        }
    }

    /// Goes on as far as it can without waiting; false when it is over.
    fn step(&mut self, answer: &impl Fn(std::result::Result<Request, Refusal>) -> Answer) -> Result<bool> {
        if let Phase::Asking(head) = &mut self.phase {
            let is_over = !receive(&mut self.stream, head)?;
            let read = match Request::read(head) {
                Ok(None) if is_over => return Ok(false),
                Ok(None) if self.deadline <= Instant::now() => Err(Refusal::TooSlow),
                Ok(None) => return Ok(true),
                Ok(Some(request)) => Ok(request),
                Err(refusal) => Err(refusal),
            };
            self.enter(Phase::Answering(answer(read).bytes(), 0), PATIENCE);
        }
        if let Phase::Answering(bytes, sent) = &mut self.phase {
            send(&mut self.stream, bytes, sent)?;
            if *sent == bytes.len() {
                self.stream.shutdown(Shutdown::Write)?;
                self.enter(Phase::Parting, FAREWELL);
            }
        }
        let goes_on = !matches!(self.phase, Phase::Parting) || discard(&mut self.stream)?;
        Ok(goes_on && Instant::now() < self.deadline)
    }

    fn enter(&mut self, phase: Phase, patience: Duration) {
        self.phase = phase;
        self.deadline = Instant::now() + patience;
    }
}

/// Takes what has come of a request; false when no more comes.
fn receive(stream: &mut TcpStream, head: &mut Vec<u8>) -> Result<bool> {
    let mut chunk = [0; 1_024];
    while head.len() < MOST_HEAD_BYTES {
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(false),
            Ok(len) => head.extend_from_slice(&chunk[..len]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Sends as much as there is room for.
fn send(stream: &mut TcpStream, bytes: &[u8], sent: &mut usize) -> Result<()> {
    while *sent < bytes.len() {
        match stream.write(&bytes[*sent..]) {
            Ok(len) => *sent += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Throws away a little of what comes; false when no more does.
fn discard(stream: &mut TcpStream) -> Result<bool> {
    match stream.read(&mut [0; 4_096]) {
        Ok(len) => Ok(len > 0),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}
