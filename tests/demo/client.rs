//! A Modbus/TCP client that speaks from an address of its own, so that the sensor can tell the actors apart.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio_modbus::ExceptionCode;
use tokio_modbus::client::{Context, tcp};
use tokio_modbus::slave::Slave;

/// The tank controller's unit id.
const UNIT: Slave = Slave(1);

/// Connects from `own` to the controller, which may take a moment to listen.
pub(crate) async fn connect(own: Ipv4Addr, controller: SocketAddr) -> io::Result<Context> {
    let mut tries = 0;
    loop {
        match stream(own, controller).await {
            Ok(stream) => return Ok(tcp::attach_slave(stream, UNIT)),
            Err(error) if tries == 50 => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        tries += 1;
    }
}

async fn stream(own: Ipv4Addr, controller: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((own, 0)))?;
    socket.connect(controller).await
}

/// The controller's answer in words.
pub(crate) fn outcome<T>(answer: &Result<T, ExceptionCode>) -> String {
    match answer {
        Ok(_) => "done".to_owned(),
        Err(exception) => format!("refused: {exception}"),
    }
}
