use std::net::Ipv4Addr;
use std::process::Command;

use serde_json::{Value, json};

use crate::controller;
use crate::scene::Scene;
use crate::stacks;
use crate::told::Tale;

/// tshark does not take RTU over TCP for such by itself.
const RTU: &[&str] = &["-o", "mbrtu.tcp.port:502", "-o", "mbtcp.tcp.port:0"];

const fn scene(name: &'static str, host: u8, tshark: Option<&'static [&'static str]>) -> Scene {
    Scene { name, server: (Ipv4Addr::new(127, 0, 41, host), 502), tshark, anomalies: &[] }
}

fn pymodbus(host: &Ipv4Addr, options: &[&str]) -> Tale {
    let lines = stacks::talk("modbus.py", &[&[host.to_string().as_str()], options].concat());
    Tale { lines, whole: true }
}

#[test]
fn pymodbus_with_itself_over_tcp() {
    scene("modbus-tcp", 1, Some(&[])).play(|host| pymodbus(host, &["tcp", "--serve"]));
}

#[test]
fn pymodbus_with_itself_over_udp() {
    scene("modbus-udp", 2, Some(&[])).play(|host| pymodbus(host, &["udp", "--serve"]));
}

#[test]
fn pymodbus_with_itself_in_rtu_over_tcp() {
    scene("modbus-rtu", 3, Some(RTU)).play(|host| pymodbus(host, &["rtu", "--serve"]));
}

#[test]
fn pymodbus_with_itself_in_ascii_over_tcp() {
    scene("modbus-ascii", 4, None).play(|host| pymodbus(host, &["ascii", "--serve"]));
}

#[test]
fn pymodbus_with_tokio_modbus() {
    scene("modbus-tokio", 5, Some(&[])).play(|host| {
        controller::serve((*host, 502).into());
        pymodbus(host, &["tcp"])
    });
}

#[test]
fn mbpoll_with_tokio_modbus() {
    if !stacks::has("mbpoll") {
        println!("skipped: no mbpoll (`tests/setup.sh peers` installs it)");
        return;
    }
    scene("modbus-mbpoll", 6, Some(&[])).play(|host| {
        controller::serve((*host, 502).into());
        Tale { lines: POLLS.iter().flat_map(|poll| poll.run(host)).collect(), whole: true }
    });
}

/// A run of mbpoll, which counts references from 0 here.
struct Poll {
    units: &'static [u8],
    options: &'static [&'static str],
    written: &'static [&'static str],
    /// What a record says; of a read, without the values.
    record: fn() -> Value,
}

const POLLS: &[Poll] = &[
    Poll {
        units: &[1],
        options: &["-t", "0", "-r", "2"],
        written: &["1"],
        record: || json!({"function": 5, "address": 2, "quantity": 1, "values": [1]}),
    },
    Poll {
        units: &[1],
        options: &["-t", "0", "-r", "4"],
        written: &["1", "0", "1"],
        record: || json!({"function": 15, "address": 4, "quantity": 3, "values": [1, 0, 1]}),
    },
    Poll {
        units: &[17],
        options: &["-t", "4", "-r", "9"],
        written: &["51966"],
        record: || json!({"function": 6, "address": 9, "quantity": 1, "values": [0xCAFE]}),
    },
    Poll {
        units: &[1],
        options: &["-t", "4:float", "-B", "-r", "20"],
        written: &["42.5", "-1.25"],
        record: || json!({"function": 16, "address": 20, "quantity": 4, "values": [0x422A, 0, 0xBFA0, 0]}),
    },
    Poll {
        units: &[1, 17],
        options: &["-t", "0", "-r", "0", "-c", "9"],
        written: &[],
        record: || json!({"function": 1, "address": 0, "quantity": 9}),
    },
    Poll {
        units: &[1],
        options: &["-t", "1", "-r", "1", "-c", "8"],
        written: &[],
        record: || json!({"function": 2, "address": 1, "quantity": 8}),
    },
    Poll {
        units: &[1, 17],
        options: &["-t", "4", "-r", "8", "-c", "14"],
        written: &[],
        record: || json!({"function": 3, "address": 8, "quantity": 14}),
    },
    Poll {
        units: &[247],
        options: &["-t", "3", "-r", "0", "-c", "3"],
        written: &[],
        record: || json!({"function": 4, "address": 0, "quantity": 3}),
    },
    Poll {
        units: &[1],
        options: &["-t", "3", "-r", "0", "-c", "4"],
        written: &[],
        record: || json!({"function": 4, "address": 0, "quantity": 4, "exception": 2}),
    },
];

impl Poll {
    /// Runs mbpoll once; tells of the exchange with each unit, with the values that mbpoll shows.
    fn run(&self, host: &Ipv4Addr) -> Vec<Value> {
        let units: Vec<String> = self.units.iter().map(u8::to_string).collect();
        let mut mbpoll = Command::new("mbpoll");
        mbpoll.args(["-0", "-1", "-a", &units.join(",")]).args(self.options).arg(host.to_string());
        if !self.written.is_empty() {
            mbpoll.arg("--").args(self.written);
        }
        let output = mbpoll.output().expect("mbpoll can be run");
        let shown = values(&String::from_utf8_lossy(&output.stdout));
        let mut shown = shown.as_slice();
        let tell = |unit: &u8| {
            let mut record = (self.record)();
            record["unit"] = json!(unit);
            if self.written.is_empty() && record["exception"].is_null() {
                let quantity = record["quantity"].as_u64().map_or(0, |quantity| quantity as usize);
                let (first, rest) = shown.split_at_checked(quantity).expect("mbpoll shows each value");
                (record["values"], shown) = (json!(first), rest);
            }
            json!({"modbus": record})
        };
        self.units.iter().map(tell).collect()
    }
}

/// The values in lines such as `[10]: <tab>51966 (-13570)`.
fn values(text: &str) -> Vec<u64> {
    let words = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]:")?.1.split_whitespace().next());
    words.map(|word| word.parse().expect("a number")).collect()
}
