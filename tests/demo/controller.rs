//! The controller: a Modbus/TCP server over the tank. It does what it is told, as controllers do.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_modbus::prelude::*;
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::{Server, accept_tcp_connection};

use crate::points;
use crate::tank::Tank;

/// How often the tank's state is computed.
const CYCLE: Duration = Duration::from_millis(100);

/// Serves Modbus at `address` until it is dropped.
pub(crate) async fn run(address: SocketAddr) -> io::Result<()> {
    let controller = Controller::default();
    let listener = TcpListener::bind(address).await?;
    let server = Server::new(listener);
    let on_connected = |stream, peer| {
        let controller = controller.clone();
        async move { accept_tcp_connection(stream, peer, |_| Ok(Some(controller.clone()))) }
    };
    tokio::select! {
        served = server.serve(&on_connected, |_| ()) => served,
        () = controller.cycle() => Ok(()),
    }
}

#[derive(Clone)]
struct Controller(Arc<Mutex<Memory>>);

struct Memory {
    tank: Tank,
    high_limit: [u16; 2],
    mixer: bool,
}

impl Default for Controller {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Memory { tank: Tank::new(), high_limit: points::registers(75.0), mixer: false })))
    }
}

impl Controller {
    async fn cycle(&self) {
        let mut clock = tokio::time::interval(CYCLE);
        loop {
            clock.tick().await;
            self.with(|memory| memory.tank.advance(CYCLE.as_secs_f64()));
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Service for Controller {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        ready(self.with(|memory| memory.answer(&request)))
    }
}

impl Memory {
    fn answer(&mut self, request: &Request<'_>) -> Result<Response, ExceptionCode> {
        Ok(match *request {
            Request::ReadInputRegisters(from, count) => {
                Response::ReadInputRegisters(slice(&self.inputs(), from, count)?)
            }
            Request::ReadDiscreteInputs(from, count) => {
                Response::ReadDiscreteInputs(slice(&[self.alarm()], from, count)?)
            }
            Request::ReadHoldingRegisters(from, count) => {
                Response::ReadHoldingRegisters(slice(&self.holdings(), from, count)?)
            }
            Request::ReadCoils(from, count) => Response::ReadCoils(slice(&self.coils(), from, count)?),
            Request::WriteSingleRegister(address, value) => {
                self.write_register(address, value)?;
                Response::WriteSingleRegister(address, value)
            }
            Request::WriteMultipleRegisters(from, ref values) => {
                for (address, value) in (from..).zip(values.iter()) {
                    self.write_register(address, *value)?;
                }
                Response::WriteMultipleRegisters(from, values.len() as u16)
            }
            Request::WriteSingleCoil(address, on) => {
                self.write_coil(address, on)?;
                Response::WriteSingleCoil(address, on)
            }
            _ => return Err(ExceptionCode::IllegalFunction),
        })
    }

    fn alarm(&self) -> bool {
        self.tank.level() > f64::from(points::number(self.high_limit))
    }

    fn inputs(&self) -> [u16; 3] {
        let mut registers = [0; 3];
        registers[usize::from(points::LEVEL)] = tenths(self.tank.level());
        registers[usize::from(points::INFLOW)] = tenths(self.tank.inflow());
        registers[usize::from(points::OUTFLOW)] = tenths(self.tank.outflow());
        registers
    }

    fn holdings(&self) -> [u16; 12] {
        let mut registers = [0; 12];
        registers[usize::from(points::PUMP_SPEED)] = tenths(self.tank.pump_speed);
        registers[usize::from(points::HIGH_LIMIT)..].copy_from_slice(&self.high_limit);
        registers
    }

    const fn coils(&self) -> [bool; 2] {
        [self.tank.inlet_open, self.mixer]
    }

    fn write_register(&mut self, address: u16, value: u16) -> Result<(), ExceptionCode> {
        const HIGH_LIMIT_LOW_WORD: u16 = points::HIGH_LIMIT + 1;
        match address {
            points::PUMP_SPEED => self.tank.pump_speed = f64::from(value) / 10.0,
            points::HIGH_LIMIT => self.high_limit[0] = value,
            HIGH_LIMIT_LOW_WORD => self.high_limit[1] = value,
            _ => return Err(ExceptionCode::IllegalDataAddress),
        }
        Ok(())
    }

    const fn write_coil(&mut self, address: u16, on: bool) -> Result<(), ExceptionCode> {
        match address {
            points::INLET => self.tank.inlet_open = on,
            points::MIXER => self.mixer = on,
            _ => return Err(ExceptionCode::IllegalDataAddress),
        }
        Ok(())
    }
}

/// `count` values from address `from` on.
fn slice<T: Copy>(values: &[T], from: u16, count: u16) -> Result<Vec<T>, ExceptionCode> {
    let from = usize::from(from);
    values.get(from..from + usize::from(count)).map(<[T]>::to_vec).ok_or(ExceptionCode::IllegalDataAddress)
}

/// A register that counts tenths.
fn tenths(value: f64) -> u16 {
    (value * 10.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_does_not_exist_is_refused_with_exception_02() {
        let controller = Controller::default();
        let write = Request::WriteSingleRegister(points::NOWHERE, 1);
        assert_eq!(controller.with(|memory| memory.answer(&write)), Err(ExceptionCode::IllegalDataAddress));
        let read = Request::ReadInputRegisters(2, 2);
        assert_eq!(controller.with(|memory| memory.answer(&read)), Err(ExceptionCode::IllegalDataAddress));
    }

    #[test]
    fn the_high_alarm_follows_its_limit() {
        let controller = Controller::default();
        let alarm = |memory: &mut Memory| memory.answer(&Request::ReadDiscreteInputs(points::HIGH_ALARM, 1));
        assert_eq!(controller.with(alarm), Ok(Response::ReadDiscreteInputs(vec![false])));
        let limit = points::registers(45.0).to_vec().into();
        assert!(
            controller
                .with(|memory| memory.answer(&Request::WriteMultipleRegisters(points::HIGH_LIMIT, limit)))
                .is_ok()
        );
        assert_eq!(controller.with(alarm), Ok(Response::ReadDiscreteInputs(vec![true])));
    }
}
