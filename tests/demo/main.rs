//! A small plant over real sockets: a controller with a water tank, an operator's panel, and an AI agent that trims a
//! pump and then misbehaves, as somebody does in its name. Each has a loopback address of its own. `make demo` runs it under tagout's eyes.

mod agent;
mod client;
mod controller;
mod declare;
mod hmi;
mod points;
mod stage;
mod tank;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use clap::Parser;
use declare::Declarations;

const CONTROLLER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 10), 15_020));
const PANEL: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
const AGENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 20);

/// Prints what an actor does.
macro_rules! tell {
    ($who:literal, $($what:tt)+) => { println!("  {:>5} | {}", $who, format_args!($($what)+)) };
}
use tell;

/// A small plant over real sockets
#[derive(Parser)]
enum Role {
    /// Serve the tank's registers until stopped
    Controller,
    /// Poll the controller until stopped
    Hmi,
    /// Do everything the agent does, once
    Agent,
    /// Run controller, panel and agent until the agent is done
    All,
    /// Run everything with tagout watching
    Demo(stage::Stage),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    match Role::parse() {
        Role::Controller => Ok(controller::run(CONTROLLER).await?),
        Role::Hmi => hmi::run(PANEL, CONTROLLER).await,
        Role::Agent => agent::run(AGENT, CONTROLLER, &Declarations::Nowhere).await,
        Role::All => plant(&Declarations::Nowhere).await,
        Role::Demo(stage) => stage.run().await,
    }
}

/// Runs controller, panel and agent until the agent is done.
async fn plant(declarations: &Declarations) -> Result<(), Box<dyn Error>> {
    tokio::select! {
        ended = controller::run(CONTROLLER) => Ok(ended?),
        ended = hmi::run(PANEL, CONTROLLER) => ended,
        done = agent::run(AGENT, CONTROLLER, declarations) => done,
    }
}
