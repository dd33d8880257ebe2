use tagout_core::Storage;

/// The sensor's tables at a gateway's size; put them in a static.
#[derive(Debug)]
pub struct Tables {
    recent: [u8; 1024],
}

impl Tables {
    /// Tables that hold nothing yet.
    pub const fn new() -> Self {
        Self { recent: [0; 1024] }
    }

    /// The tables, lent to a sensor.
    pub const fn lend(&mut self) -> Storage<'_> {
        Storage { recent: &mut self.recent }
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}
