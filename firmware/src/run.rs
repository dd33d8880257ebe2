use tagout_core::Sensor;

use crate::board::{Board, Clock, Line, Port, Start, Started, Watchdog};
use crate::gateway::{Gateway, Step, sensor_config};
use crate::identity::Identity;
use crate::log::AlertLog;
use crate::management::ManagementMemory;
use crate::package::Package;
use crate::settings::{Management, Settings};
use crate::slots::{MappedFlash, Slots};
use crate::tables::Tables;
use crate::teller::LOG_RAM;

/// The areas of flash that a gateway writes to.
pub struct Areas<F> {
    /// Two slots for packages.
    pub slots: [F; 2],
    /// The log of alerts.
    pub log: F,
}

/// The gateway from its start on, for ever: what every board's image comes to.
///
/// `equip` sets up the board as the settings want it, and draws a number that nobody outside can guess; `rest` sleeps until
/// a frame, a byte or the time comes; `restart` starts the board again.
pub fn run<F: MappedFlash, P: Port, L: Line, C: Clock, W: Watchdog>(
    identity: &Identity,
    Areas { slots: [mut first, mut second], log }: Areas<F>,
    (tables, memory): (&'static mut Tables, &'static mut ManagementMemory),
    started: Started,
    equip: impl FnOnce(&Settings) -> (Board<P, L, C, W>, u64),
    (rest, restart): (impl Fn(), fn(Start) -> !),
) -> ! {
    let slots = Slots::open(&mut first, &mut second, identity);
    let package = slots.newest();
    let settings = package.as_ref().map_or_else(Settings::default, |package| package.settings.clone());
    let (mut board, seed) = equip(&settings);
    let settings = if package.is_none() && board.own.is_none() { on_one_port(settings) } else { settings };
    let log = AlertLog::<F, LOG_RAM>::open(log);
    let mut gateway = Gateway::new(settings.clone(), started, seed, memory, (slots, log), &mut board);
    let mut step = |gateway: &mut Gateway<'_, F>, sensor: Option<&mut Sensor<'_>>| {
        let step = gateway.step(&mut board, sensor);
        match step {
            Step::Idle => rest(),
            Step::Restart => restart(Start::Asked),
            Step::Busy | Step::Anew => {}
        }
        step
    };
    let Some(package) = package else {
        loop {
            step(&mut gateway, None);
        }
    };
    watch(&mut gateway, &package, &settings, tables, step)
}

/// Inspects for ever.
fn watch<F: MappedFlash>(
    gateway: &mut Gateway<'_, F>,
    package: &Package<'_>,
    settings: &Settings,
    tables: &mut Tables,
    mut step: impl FnMut(&mut Gateway<'_, F>, Option<&mut Sensor<'_>>) -> Step,
) -> ! {
    loop {
        let mut sensor = Sensor::new(sensor_config(settings), package.policy, tables.lend());
        while step(gateway, Some(&mut sensor)) != Step::Anew {}
        gateway.replaces(sensor.counters());
    }
}

/// What a gateway without a package goes by on a board with one port, which has to serve for both.
fn on_one_port(settings: Settings) -> Settings {
    match settings.management {
        Management::OwnPort(interface) => Settings { management: Management::TapPort(interface), ..settings },
        Management::TapPort(_) | Management::None => settings,
    }
}
