use tagout_core::engine::Occupancy;
use tagout_core::{Sensor, SensorTable};

/// How full the sensor's tables are. Some of them are counted through, which takes as long as a few hundred frames do: one table
/// a time.
#[derive(Debug)]
pub struct Census {
    found: Vec<(SensorTable, Occupancy)>,
    next: usize,
}

impl Census {
    /// All tables of a sensor that has seen nothing yet.
    pub fn new(sensor: &Sensor<'_>) -> Self {
        let found = SensorTable::ALL.iter().map(|table| (*table, sensor.occupancy(*table))).collect();
        Self { found, next: 0 }
    }

    /// Counts the next table, and tells what is known of all of them.
    pub fn step(&mut self, sensor: &Sensor<'_>) -> &[(SensorTable, Occupancy)] {
        if let Some((table, occupancy)) = self.found.get_mut(self.next) {
            *occupancy = sensor.occupancy(*table);
        }
        self.next = (self.next + 1) % self.found.len().max(1);
        &self.found
    }
}
