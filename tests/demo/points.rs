//! Where the controller keeps what: the same map stands in `policy.toml`.

/// Input register: level in 0.1 %.
pub(crate) const LEVEL: u16 = 0;
/// Input register: inflow in 0.1 l/s.
pub(crate) const INFLOW: u16 = 1;
/// Input register: outflow in 0.1 l/s.
pub(crate) const OUTFLOW: u16 = 2;
/// Discrete input: the level is above the high limit.
pub(crate) const HIGH_ALARM: u16 = 0;
/// Holding register: speed of the outlet pump in 0.1 %.
pub(crate) const PUMP_SPEED: u16 = 0;
/// Holding registers: level in % that raises the high alarm, as f32, high word first.
pub(crate) const HIGH_LIMIT: u16 = 10;
/// Coil: the inlet valve is open.
pub(crate) const INLET: u16 = 0;
/// Coil: the mixer runs.
pub(crate) const MIXER: u16 = 1;
/// A holding register that the controller does not have.
pub(crate) const NOWHERE: u16 = 999;

/// Registers of an f32, high word first.
pub(crate) fn registers(value: f32) -> [u16; 2] {
    let bits = value.to_bits();
    [(bits >> 16) as u16, bits as u16]
}

/// The f32 in two registers, high word first.
pub(crate) fn number([high, low]: [u16; 2]) -> f32 {
    f32::from_bits(u32::from(high) << 16 | u32::from(low))
}
