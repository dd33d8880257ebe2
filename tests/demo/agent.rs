//! The AI agent that trims the outlet pump: well behaved at first, then not. It says beforehand what it will do. Whoever speaks
//! from its address without being it cannot.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::time::sleep;
use tokio_modbus::client::Context;
use tokio_modbus::prelude::*;

use crate::declare::{Declarations, Target};
use crate::{client, points, tell};

/// Between two things that the agent does.
const PAUSE: Duration = Duration::from_millis(1_500);
/// Between two writes when it hammers.
const HAMMER_PAUSE: Duration = Duration::from_millis(100);

/// What somebody else writes from the agent's address: the agent's permits cover it.
const IMPERSONATED: f64 = 75.0;
/// How often it switches the mixer.
const HAMMERED: u32 = 10;

/// Does everything once, from `own`.
pub(crate) async fn run(
    own: Ipv4Addr,
    controller: SocketAddr,
    declarations: &Declarations,
) -> Result<(), Box<dyn Error>> {
    let mut agent = Agent { link: client::connect(own, controller).await?, declarations };
    agent.behave().await?;
    be_impersonated(own, controller).await?;
    sleep(PAUSE).await;
    agent.set_pump(130.0).await?;
    sleep(PAUSE).await;
    agent.raise_high_limit().await?;
    sleep(PAUSE).await;
    agent.open_inlet().await?;
    sleep(PAUSE).await;
    agent.hammer_mixer().await?;
    sleep(PAUSE).await;
    agent.write_nowhere().await?;
    sleep(PAUSE).await;
    Ok(())
}

/// Somebody on the agent's host writes what the agent might, over a connection like the agent's.
async fn be_impersonated(own: Ipv4Addr, controller: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut link = client::connect(own, controller).await?;
    let answer = link.write_single_register(points::PUMP_SPEED, (IMPERSONATED * 10.0) as u16).await?;
    tell!(
        "who?",
        "sets the pump to {IMPERSONATED} % from the agent's address, as its permits allow: {}",
        client::outcome(&answer)
    );
    sleep(PAUSE).await;
    Ok(())
}

struct Agent<'d> {
    link: Context,
    declarations: &'d Declarations,
}

impl Agent<'_> {
    /// Reads the level and trims the pump within its permit.
    async fn behave(&mut self) -> Result<(), Box<dyn Error>> {
        for speed in [42.0, 44.5, 47.0, 45.0] {
            sleep(PAUSE).await;
            self.link.read_input_registers(points::LEVEL, 3).await??;
            self.set_pump(speed).await?;
        }
        sleep(PAUSE).await;
        Ok(())
    }

    async fn set_pump(&mut self, percent: f64) -> Result<(), Box<dyn Error>> {
        self.declarations.declare(Target::Point("pump_speed"), [percent; 2], 1).await?;
        let answer = self.link.write_single_register(points::PUMP_SPEED, (percent * 10.0) as u16).await?;
        tell!("agent", "sets the pump to {percent} %: {}", client::outcome(&answer));
        Ok(())
    }

    async fn raise_high_limit(&mut self) -> Result<(), Box<dyn Error>> {
        self.declarations.declare(Target::Point("high_limit"), [101.0; 2], 1).await?;
        let answer = self.link.write_multiple_registers(points::HIGH_LIMIT, &points::registers(101.0)).await?;
        tell!("agent", "raises the limit of the high alarm to 101 %: {}", client::outcome(&answer));
        Ok(())
    }

    async fn open_inlet(&mut self) -> Result<(), Box<dyn Error>> {
        self.declarations.declare(Target::Point("inlet"), [1.0; 2], 1).await?;
        let answer = self.link.write_single_coil(points::INLET, true).await?;
        tell!("agent", "opens the inlet although the level is high: {}", client::outcome(&answer));
        Ok(())
    }

    async fn hammer_mixer(&mut self) -> Result<(), Box<dyn Error>> {
        self.declarations.declare(Target::Point("mixer"), [0.0, 1.0], HAMMERED).await?;
        tell!("agent", "switches the mixer on and off, ten times a second");
        for on in [true, false].into_iter().cycle().take(HAMMERED as usize) {
            self.link.write_single_coil(points::MIXER, on).await??;
            sleep(HAMMER_PAUSE).await;
        }
        Ok(())
    }

    async fn write_nowhere(&mut self) -> Result<(), Box<dyn Error>> {
        self.declarations.declare(Target::HoldingRegister(points::NOWHERE), [1.0; 2], 1).await?;
        let answer = self.link.write_single_register(points::NOWHERE, 1).await?;
        tell!("agent", "writes register {}, which does not exist: {}", points::NOWHERE, client::outcome(&answer));
        Ok(())
    }
}
