use core::fmt;
use core::mem::MaybeUninit;

use embedded_storage::nor_flash::NorFlash;
use tagout_core::Sensor;
use tagout_core::engine::Policy;

use crate::board::{Board, Clock, Line, Port, Start, Started, Watchdog};
use crate::gateway::{Gateway, GatewayMemory, Judge, Step, sensor_config};
use crate::identity::Identity;
use crate::log::AlertLog;
use crate::settings::{Management, Settings};
use crate::slots::{MappedFlash, Slots};
use crate::tables::Tables;
use crate::teller::Log;

/// The areas of flash that a gateway writes to.
#[derive(Debug)]
pub struct Areas<F> {
    /// Two slots for packages.
    pub slots: [F; 2],
    /// The log of alerts.
    pub log: F,
}

/// What a gateway works in; put it in a static. It takes no flash, and spares the stack what lasts.
pub struct Memory<F: 'static> {
    tables: Tables,
    lent: GatewayMemory,
    identity: MaybeUninit<Identity>,
    slots: MaybeUninit<[F; 2]>,
    log: MaybeUninit<Log<F>>,
    policy: MaybeUninit<Policy<'static>>,
    gateway: MaybeUninit<Gateway<'static, F>>,
}

impl<F> Memory<F> {
    /// Memory that holds nothing yet.
    pub const fn new() -> Self {
        Self {
            tables: Tables::new(),
            lent: GatewayMemory::new(),
            identity: MaybeUninit::uninit(),
            slots: MaybeUninit::uninit(),
            log: MaybeUninit::uninit(),
            policy: MaybeUninit::uninit(),
            gateway: MaybeUninit::uninit(),
        }
    }
}

impl<F> Default for Memory<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F> fmt::Debug for Memory<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// The gateway from its start on, for ever: what every board's image comes to.
///
/// `equip` sets up the board as the settings want it, and draws a number that nobody outside can guess; `rest` sleeps until
/// a frame, a byte or the time comes; `restart` starts the board again.
pub fn run<F: MappedFlash, P: Port, L: Line, C: Clock, W: Watchdog>(
    identity: Identity,
    areas: Areas<F>,
    Memory { tables, lent, identity: place, slots, log, policy, gateway }: &'static mut Memory<F>,
    started: Started,
    equip: impl FnOnce(&Identity, &Settings) -> (Board<P, L, C, W>, u64),
    (rest, restart): (impl Fn(), fn(Start) -> !),
) -> ! {
    let kept = (&*place.write(identity), slots.write(areas.slots), open(log, areas.log));
    let (gateway, policy, mut board) = begin((gateway, policy), lent, kept, started, equip);
    let step = |gateway: &mut Gateway<'_, F>, judge: Option<Judge<'_, '_>>| {
        let step = gateway.step(&mut board, judge);
        match step {
            Step::Idle => rest(),
            Step::Restart => restart(Start::Asked),
            Step::Busy | Step::Anew => {}
        }
        step
    };
    watch(gateway, policy, tables, step)
}

/// Opens the log where it stays.
#[inline(never)]
fn open<F: NorFlash>(place: &'static mut MaybeUninit<Log<F>>, flash: F) -> &'static mut Log<F> {
    place.write(AlertLog::open(flash))
}

/// A gateway, what it judges by, and its board.
type Begun<F, B> = (&'static mut Gateway<'static, F>, Option<&'static Policy<'static>>, B);

/// Makes the gateway where it stays. Not a part of [`run`], on whose stack it would leave what it took to make it.
#[inline(never)]
fn begin<F: MappedFlash, P: Port, L: Line, C: Clock, W: Watchdog>(
    (place, policy): (&'static mut MaybeUninit<Gateway<'static, F>>, &'static mut MaybeUninit<Policy<'static>>),
    memory: &'static mut GatewayMemory,
    (identity, [first, second], log): (&'static Identity, &'static mut [F; 2], &'static mut Log<F>),
    started: Started,
    equip: impl FnOnce(&Identity, &Settings) -> (Board<P, L, C, W>, u64),
) -> Begun<F, Board<P, L, C, W>> {
    let slots = Slots::open(first, second, identity);
    let package = slots.newest();
    let settings = package.as_ref().map_or_else(Settings::default, |package| package.settings.clone());
    let policy = package.map(|package| &*policy.write(package.policy));
    let (mut board, seed) = equip(identity, &settings);
    let settings = if board.own.is_none() { on_one_port(settings) } else { settings };
    let gateway = Gateway::new(settings, started, seed, memory, (slots, log), &mut board);
    (place.write(gateway), policy, board)
}

/// Inspects for ever; without a policy, frames are only counted.
fn watch<F: MappedFlash>(
    gateway: &mut Gateway<'_, F>,
    policy: Option<&Policy<'_>>,
    tables: &mut Tables,
    mut step: impl FnMut(&mut Gateway<'_, F>, Option<Judge<'_, '_>>) -> Step,
) -> ! {
    let Some(policy) = policy else {
        loop {
            step(gateway, None);
        }
    };
    loop {
        let mut sensor = sensor(gateway.settings(), *policy, tables);
        while step(gateway, Some(Judge { sensor: &mut sensor, policy })) != Step::Anew {}
        gateway.replaces(sensor.counters());
    }
}

/// A sensor that has seen nothing yet. Not a part of [`watch`], on whose stack it would leave what it took to make it.
#[inline(never)]
fn sensor<'t>(settings: &Settings, policy: Policy<'t>, tables: &'t mut Tables) -> Sensor<'t> {
    Sensor::new(sensor_config(settings), policy, tables.lend())
}

/// What a gateway goes by on a board with one port, which has to serve for both: nobody could reach it any more otherwise.
fn on_one_port(settings: Settings) -> Settings {
    match settings.management {
        Management::OwnPort(interface) => Settings { management: Management::TapPort(interface), ..settings },
        Management::TapPort(_) | Management::None => settings,
    }
}
