//! The operator's panel: polls the controller, fills the tank, and closes the inlet when the high alarm is up.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio_modbus::client::Context;
use tokio_modbus::prelude::*;

use crate::{client, points, tell};

/// How often the panel polls.
const POLL: Duration = Duration::from_millis(500);

/// Polls from `own` until it is dropped.
pub(crate) async fn run(own: Ipv4Addr, controller: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut link = client::connect(own, controller).await?;
    tell!("hmi", "opens the inlet: {}", client::outcome(&link.write_single_coil(points::INLET, true).await?));
    let mut clock = tokio::time::interval(POLL);
    for poll in 0_u32.. {
        clock.tick().await;
        let (level, alarm, inlet_open) = read(&mut link).await?;
        if poll % 6 == 0 {
            tell!("hmi", "reads: level {level:.1} %, high alarm {}", if alarm { "up" } else { "off" });
        }
        if alarm && inlet_open {
            let answer = link.write_single_coil(points::INLET, false).await?;
            tell!("hmi", "closes the inlet at {level:.1} %: {}", client::outcome(&answer));
        }
    }
    Ok(())
}

/// One poll of everything: the level in %, the high alarm, and whether the inlet is open.
async fn read(link: &mut Context) -> Result<(f64, bool, bool), Box<dyn Error>> {
    let inputs = link.read_input_registers(points::LEVEL, 3).await??;
    let alarm = link.read_discrete_inputs(points::HIGH_ALARM, 1).await??;
    link.read_holding_registers(points::PUMP_SPEED, 1).await??;
    let coils = link.read_coils(points::INLET, 2).await??;
    Ok((f64::from(inputs[usize::from(points::LEVEL)]) / 10.0, alarm[0], coils[0]))
}
