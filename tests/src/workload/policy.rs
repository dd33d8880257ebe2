use std::fmt::Write as _;

use super::{DEVICES, Workload, device};

/// Points of a device.
const POINTS: u32 = 16;
/// What else is permitted: this of each device, and all the rest of the first.
const ELSEWHERE: usize = 1;
const ELSE: [&str; 9] = [
    "diagnostics",
    "identify",
    "time-sync",
    "file",
    "configure",
    "restart",
    "listen-only",
    "enable-unsolicited",
    "disable-unsolicited",
];

/// How large it is, as a table says it.
pub const POLICY: &str = "1,024 points, 200 permits";

/// What a policy permits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Permitted {
    /// All that a workload does.
    Everything,
    /// The same, but for commands to one device in eight.
    NoCommandToSome,
}

/// A policy of [`Plant::Fixed`](super::Plant::Fixed) that carries these: of each 64 devices, 1,024 points, 200 permits.
pub fn policy(workloads: &[Workload], permitted: Permitted) -> String {
    let mut text = "[actors.master]\nkind = \"hmi\"\nip = \"10.0.0.1\"\n".to_owned();
    for workload in workloads {
        (0..DEVICES).for_each(|number| declare(&mut text, *workload, number, permitted));
    }
    text
}

fn declare(text: &mut String, workload: Workload, number: u32, permitted: Permitted) {
    let name = workload.device(number);
    let (station, space, first, commanded) = match workload {
        Workload::Modbus => ("unit = 1", "holding-register", 100, "holding-register = 40"),
        Workload::Dnp3 => ("link = 10", "analog-input", 0, "binary-output = 3"),
    };
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\n[devices.{name}]\nip = \"{}\"\n{station}\n\n[devices.{name}.points]\nsetpoint = {{ {commanded} }}\n",
        device(0, number)
    );
    for point in 0..POINTS - 1 {
        let _ = writeln!(text, "p{point} = {{ {space} = {}, range = [0, 65535] }}", first + point);
    }
    permit(text, &name, "read", "");
    if number.is_multiple_of(8) && permitted == Permitted::NoCommandToSome {
        return;
    }
    let command = match workload {
        Workload::Modbus => "write",
        Workload::Dnp3 => "direct-operate",
    };
    permit(text, &name, command, "points = [\"setpoint\"]\n");
    let others = if number == 0 { ELSE.len() } else { ELSEWHERE };
    ELSE.iter().take(others).for_each(|action| permit(text, &name, action, ""));
}

impl Workload {
    /// What a device is called.
    fn device(self, number: u32) -> String {
        match self {
            Self::Modbus => format!("plc{number}"),
            Self::Dnp3 => format!("rtu{number}"),
        }
    }
}

fn permit(text: &mut String, device: &str, action: &str, limits: &str) {
    let _ = write!(text, "\n[[permits]]\nactor = \"master\"\ndevice = \"{device}\"\ndo = [\"{action}\"]\n{limits}");
}
