use std::net::Ipv4Addr;

use crate::scene::Scene;
use crate::stacks;
use crate::told::Tale;

const fn scene(name: &'static str, host: u8) -> Scene {
    Scene { name, server: (Ipv4Addr::new(127, 0, 41, host), 20_000), tshark: Some(&[]), anomalies: &[] }
}

fn talk(script: &str, host: &Ipv4Addr, options: &[&str]) -> Tale {
    Tale { lines: stacks::talk(script, &[&[host.to_string().as_str()], options].concat()), whole: false }
}

#[test]
fn opendnp3_with_itself_over_tcp() {
    scene("dnp3-tcp", 11).play(|host| talk("opendnp3_master.py", host, &["tcp"]));
}

#[test]
fn opendnp3_with_itself_over_udp() {
    scene("dnp3-udp", 12).play(|host| talk("opendnp3_master.py", host, &["udp"]));
}

#[test]
fn py1815_with_opendnp3() {
    scene("dnp3-py1815", 13).play(|host| talk("py1815_master.py", host, &["opendnp3"]));
}

#[test]
fn py1815_breaks_the_rules() {
    let anomalies = &["dnp3-data-crc", "dnp3-header-crc", "dnp3-transport"];
    Scene { anomalies, ..scene("dnp3-deviations", 14) }.play(|host| talk("py1815_master.py", host, &["deviations"]));
}

#[test]
fn opendnp3_asks_py1815_what_it_is() {
    scene("dnp3-attributes", 15).play(|host| talk("attributes.py", host, &[]));
}
