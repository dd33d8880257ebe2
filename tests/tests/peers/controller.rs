//! A tokio-modbus server of several units, which knows what the pymodbus server of `tests/peers/modbus.py` knows.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio_modbus::prelude::*;
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::{Server, accept_tcp_connection};

const INPUTS: [bool; 9] = [true, false, false, true, true, false, true, true, true];
const MEASURED: [u16; 3] = [0, 1, 0xFFFF];
const SIZE: usize = 64;

/// Serves from when it returns until the process ends.
pub(crate) fn serve(address: SocketAddr) {
    let listener = std::net::TcpListener::bind(address).expect("the port is free");
    listener.set_nonblocking(true).expect("sockets have options");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::spawn(move || {
        runtime.block_on(async { run(TcpListener::from_std(listener).expect("a listener")).await });
    });
}

async fn run(listener: TcpListener) {
    let units = Units::default();
    let on_connected = |stream, peer| {
        let units = units.clone();
        async move { accept_tcp_connection(stream, peer, |_| Ok(Some(units.clone()))) }
    };
    Server::new(listener).serve(&on_connected, |_| ()).await.expect("the listener works");
}

#[derive(Clone, Default)]
struct Units(Arc<Mutex<HashMap<u8, Memory>>>);

struct Memory {
    coils: [bool; SIZE],
    registers: [u16; SIZE],
}

impl Default for Memory {
    fn default() -> Self {
        Self { coils: [false; SIZE], registers: [0; SIZE] }
    }
}

impl Service for Units {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let mut units = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ready(units.entry(request.slave).or_default().answer(request.request))
    }
}

impl Memory {
    fn answer(&mut self, request: Request<'_>) -> Result<Response, ExceptionCode> {
        Ok(match request {
            Request::ReadCoils(from, count) => Response::ReadCoils(part(&mut self.coils, from, count)?.to_vec()),
            Request::ReadDiscreteInputs(from, count) => {
                Response::ReadDiscreteInputs(part(&mut INPUTS.clone(), from, count)?.to_vec())
            }
            Request::ReadHoldingRegisters(from, count) => Response::ReadHoldingRegisters(self.read(from, count)?),
            Request::ReadInputRegisters(from, count) => {
                Response::ReadInputRegisters(part(&mut MEASURED.clone(), from, count)?.to_vec())
            }
            Request::WriteSingleCoil(address, on) => {
                write(&mut self.coils, address, &[on])?;
                Response::WriteSingleCoil(address, on)
            }
            Request::WriteMultipleCoils(from, values) => {
                Response::WriteMultipleCoils(from, write(&mut self.coils, from, &values)?)
            }
            Request::WriteSingleRegister(address, value) => {
                write(&mut self.registers, address, &[value])?;
                Response::WriteSingleRegister(address, value)
            }
            Request::WriteMultipleRegisters(from, values) => {
                Response::WriteMultipleRegisters(from, write(&mut self.registers, from, &values)?)
            }
            Request::MaskWriteRegister(address, and, or) => {
                let masked = self.read(address, 1)?.iter().map(|value| value & and | or & !and).collect::<Vec<_>>();
                write(&mut self.registers, address, &masked)?;
                Response::MaskWriteRegister(address, and, or)
            }
            Request::ReadWriteMultipleRegisters(from, count, to, values) => {
                write(&mut self.registers, to, &values)?;
                Response::ReadWriteMultipleRegisters(self.read(from, count)?)
            }
            _ => return Err(ExceptionCode::IllegalFunction),
        })
    }

    fn read(&mut self, from: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
        part(&mut self.registers, from, count).map(|part| part.to_vec())
    }
}

fn part<T>(values: &mut [T], from: u16, count: u16) -> Result<&mut [T], ExceptionCode> {
    let from = usize::from(from);
    values.get_mut(from..from + usize::from(count)).ok_or(ExceptionCode::IllegalDataAddress)
}

/// Returns how many were written.
fn write<T: Copy>(values: &mut [T], from: u16, written: &[T]) -> Result<u16, ExceptionCode> {
    let count = written.len() as u16;
    part(values, from, count)?.copy_from_slice(written);
    Ok(count)
}
