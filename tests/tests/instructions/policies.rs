//! What a packet costs by the size of the policy: points, permits and rules over more and more devices.

use std::fmt::Write as _;
use std::path::PathBuf;

/// From one with the traffic's device alone to the largest that a site is expected to have.
pub(crate) const SIZES: [Size; 3] = [Size { devices: 1 }, Size { devices: 10 }, Size { devices: 100 }];

const POINTS: usize = 100;
const PERMITS: usize = 20;
const RULES: usize = 5;

/// How large a policy is: each device has 100 points, 20 permits and 5 rules.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    devices: usize,
}

impl Size {
    /// As a table says it.
    pub(crate) fn name(self) -> String {
        let Self { devices } = self;
        format!("{} points, {} permits, {} rules", devices * POINTS, devices * PERMITS, devices * RULES)
    }

    /// A file with such a policy; its first device is that of the traffic.
    pub(crate) fn write(self) -> PathBuf {
        let policy: String = (0..self.devices).map(device).collect();
        let path = std::env::temp_dir().join(format!("tagout-policy-{}-{}.toml", std::process::id(), self.devices));
        std::fs::write(&path, ["[actors.master]\nkind = \"hmi\"\nip = \"10.0.0.1\"\n", &policy].concat())
            .expect("a file can be written");
        path
    }
}

/// A device with its points, permits and rules.
fn device(number: usize) -> String {
    let ip = if number == 0 { "10.0.0.2".to_owned() } else { format!("10.0.1.{number}") };
    let mut text = format!("\n[devices.plc{number}]\nip = \"{ip}\"\nunit = 1\n\n[devices.plc{number}.points]\n");
    for point in 0..POINTS {
        let _ = writeln!(text, "p{point} = {{ holding-register = {}, range = [0, 65535] }}", 20 + point);
    }
    for permit in 0..PERMITS {
        let points: Vec<_> = (0..POINTS / PERMITS).map(|n| format!("\"p{}\"", permit * POINTS / PERMITS + n)).collect();
        let _ = writeln!(
            text,
            "\n[[permits]]\nactor = \"master\"\ndevice = \"plc{number}\"\ndo = [\"read\", \"write\"]\n\
             points = [{}]\nvalue = {{ min = 0, max = {} }}",
            points.join(", "),
            60_000 + permit
        );
    }
    for rule in 0..RULES {
        let _ = writeln!(
            text,
            "\n[[rules]]\nsid = {}\nsignature = \"Rule {rule} of plc{number}\"\nseverity = \"low\"\n\
             on_action = [\"read\", \"write\"]\nwhen = \"device == 'plc{number}' && modbus.quantity > {}\"",
            2_000_000 + number * RULES + rule,
            110 + rule
        );
    }
    text
}
