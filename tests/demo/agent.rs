//! The AI agent that trims the outlet pump: well behaved at first, then not.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::time::sleep;
use tokio_modbus::client::Context;
use tokio_modbus::prelude::*;

use crate::{client, points, tell};

/// Between two things that the agent does.
const PAUSE: Duration = Duration::from_millis(1_500);
/// Between two writes when it hammers.
const HAMMER_PAUSE: Duration = Duration::from_millis(100);

/// Does everything once, from `own`.
pub(crate) async fn run(own: Ipv4Addr, controller: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut link = client::connect(own, controller).await?;
    behave(&mut link).await?;
    set_pump(&mut link, 130.0).await?;
    sleep(PAUSE).await;
    raise_high_limit(&mut link).await?;
    sleep(PAUSE).await;
    open_inlet(&mut link).await?;
    sleep(PAUSE).await;
    hammer_mixer(&mut link).await?;
    sleep(PAUSE).await;
    write_nowhere(&mut link).await?;
    sleep(PAUSE).await;
    Ok(())
}

/// Reads the level and trims the pump within its permit.
async fn behave(link: &mut Context) -> Result<(), Box<dyn Error>> {
    for speed in [42.0, 44.5, 47.0, 45.0] {
        sleep(PAUSE).await;
        link.read_input_registers(points::LEVEL, 3).await??;
        set_pump(link, speed).await?;
    }
    sleep(PAUSE).await;
    Ok(())
}

async fn set_pump(link: &mut Context, percent: f64) -> Result<(), Box<dyn Error>> {
    let answer = link.write_single_register(points::PUMP_SPEED, (percent * 10.0) as u16).await?;
    tell!("agent", "sets the pump to {percent} %: {}", client::outcome(&answer));
    Ok(())
}

async fn raise_high_limit(link: &mut Context) -> Result<(), Box<dyn Error>> {
    let answer = link.write_multiple_registers(points::HIGH_LIMIT, &points::registers(101.0)).await?;
    tell!("agent", "raises the limit of the high alarm to 101 %: {}", client::outcome(&answer));
    Ok(())
}

async fn open_inlet(link: &mut Context) -> Result<(), Box<dyn Error>> {
    let answer = link.write_single_coil(points::INLET, true).await?;
    tell!("agent", "opens the inlet although the level is high: {}", client::outcome(&answer));
    Ok(())
}

async fn hammer_mixer(link: &mut Context) -> Result<(), Box<dyn Error>> {
    tell!("agent", "switches the mixer on and off, ten times a second");
    for on in [true, false].into_iter().cycle().take(10) {
        link.write_single_coil(points::MIXER, on).await??;
        sleep(HAMMER_PAUSE).await;
    }
    Ok(())
}

async fn write_nowhere(link: &mut Context) -> Result<(), Box<dyn Error>> {
    let answer = link.write_single_register(points::NOWHERE, 1).await?;
    tell!("agent", "writes register {}, which does not exist: {}", points::NOWHERE, client::outcome(&answer));
    Ok(())
}
