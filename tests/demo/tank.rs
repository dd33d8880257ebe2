//! A tank of 100 litres with a valve at its inlet and a pump at its outlet.

/// What flows in through the open valve, in l/s.
const INFLOW: f64 = 5.5;
/// What the pump moves at full speed, in l/s.
const FULL_OUTFLOW: f64 = 0.4;
/// What the tank holds, in l.
const CAPACITY: f64 = 100.0;

/// The tank and what steers it.
#[derive(Clone, Debug)]
pub(crate) struct Tank {
    volume: f64,
    /// The inlet valve is open.
    pub(crate) inlet_open: bool,
    /// Speed that the pump is asked for, in %; it runs at 0 to 100.
    pub(crate) pump_speed: f64,
}

impl Tank {
    /// Half full, with the valve closed.
    pub(crate) const fn new() -> Self {
        Self { volume: CAPACITY / 2.0, inlet_open: false, pump_speed: 40.0 }
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, seconds: f64) {
        self.volume = (self.volume + (self.inflow() - self.outflow()) * seconds).clamp(0.0, CAPACITY);
    }

    /// Level in %.
    pub(crate) fn level(&self) -> f64 {
        100.0 * self.volume / CAPACITY
    }

    /// What flows in, in l/s.
    pub(crate) const fn inflow(&self) -> f64 {
        if self.inlet_open { INFLOW } else { 0.0 }
    }

    /// What flows out, in l/s.
    pub(crate) const fn outflow(&self) -> f64 {
        if self.volume > 0.0 { FULL_OUTFLOW * self.pump_speed.clamp(0.0, 100.0) / 100.0 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_through_the_open_inlet_and_drains_through_the_pump_within_its_walls() {
        let mut tank = Tank::new();
        tank.inlet_open = true;
        tank.advance(1.0);
        assert!(tank.level() > 50.0);
        tank.advance(1000.0);
        assert_eq!(tank.level(), 100.0);
        tank.inlet_open = false;
        tank.pump_speed = 130.0;
        assert_eq!(tank.outflow(), FULL_OUTFLOW);
        tank.advance(1000.0);
        assert_eq!((tank.level(), tank.outflow()), (0.0, 0.0));
    }
}
