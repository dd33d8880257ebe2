//! How full the sensor's tables are, for whoever watches over it.

use tagout_engine::Occupancy;

use crate::sensor::Sensor;

/// Declares the tables with their names.
macro_rules! tables {
    ($($variant:ident, $name:literal, $meaning:literal;)+) => {
        /// A table of the sensor whose size bounds what it remembers.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum SensorTable {
            $(#[doc = $meaning] $variant,)+
        }

        impl SensorTable {
            /// Every table.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// It in a word.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

tables! {
    Flows, "flows", "Flows on plant protocol ports.";
    StreamBlocks, "stream-blocks", "Blocks with unfinished units, and with segments before their turn.";
    Exchanges, "exchanges", "Requests whose response is awaited.";
    RequestBlocks, "request-blocks", "Blocks with what long ones of them said.";
    Devices, "devices", "Devices of which it is remembered how they answer and what they are.";
    Points, "points", "Points of the policy; those of which something is known count as entries.";
    Alerts, "alerts", "Alerts that may repeat themselves.";
    Incidents, "incidents", "Incidents, and how many alerts each cause had lately.";
    Seen, "seen", "What rules that fire only the first time saw before.";
    Windows, "windows", "What rules count and wait for.";
    Past, "past", "What permits that limit pace and change remember of commands.";
    Absences, "absences", "What should follow and did not yet.";
    Intents, "intents", "Declared intents.";
    Acts, "acts", "Commands that are held against intents.";
}

impl Sensor<'_> {
    /// How full a table is. It may be counted through: seldom, and not for a frame.
    pub fn occupancy(&self, table: SensorTable) -> Occupancy {
        match table {
            SensorTable::Flows => self.flows.occupancy(),
            SensorTable::StreamBlocks => self.streams.occupancy(),
            SensorTable::Exchanges => self.desk.exchanges(),
            SensorTable::RequestBlocks => self.desk.request_blocks(),
            SensorTable::Devices => self.desk.devices(),
            SensorTable::Points => self.process().occupancy(),
            SensorTable::Alerts => self.desk.folds.alerts(),
            SensorTable::Incidents => self.desk.folds.incidents(),
            SensorTable::Seen => self.desk.engine.seen(),
            SensorTable::Windows => self.desk.engine.windows(),
            SensorTable::Past => self.desk.engine.past(),
            SensorTable::Absences => self.desk.absences.occupancy(),
            SensorTable::Intents => self.desk.matching.intents.occupancy(),
            SensorTable::Acts => self.desk.matching.acts.occupancy(),
        }
    }
}
