//! A board in a real network: a namespace of this machine with a DHCP server, `ping`, a collector and the tools.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tagout_firmware::Settings;
use tagout_firmware::settings::{Address, Collector, Interface, Management, Network, Transport};
use tagout_tests::binary;
use tagout_tests::namespace::{Namespace, or_skipped};
use tagout_tests::package::{key, package};

use crate::emulated::{image, put_together};
use crate::host::SYSLOG_UDP;
use crate::machine::{Emulator, Process};
use crate::replay;
use crate::world::{heapless_vec, settings};

/// This machine's address there.
const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
/// What the DHCP server gives away.
const LEASE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 50);
const PATIENCE: Duration = Duration::from_secs(60);
const TIME_LIMIT_S: u32 = 120;

/// A namespace whose device `tap0` is the other end of a board's cable.
struct Site {
    namespace: Namespace,
    folder: tempfile::TempDir,
}

impl Site {
    /// The error is what the system said against it.
    fn build() -> Result<Self, String> {
        let namespace = Namespace::add("gateway")?;
        namespace.ip(&["tuntap", "add", "dev", "tap0", "mode", "tap"])?;
        namespace.ip(&["address", "add", &format!("{HERE}/24"), "dev", "tap0"])?;
        for device in ["lo", "tap0"] {
            namespace.ip(&["link", "set", device, "up"])?;
        }
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        Ok(Self { namespace, folder })
    }

    /// A DHCP server that has one address to give away.
    fn serve_dhcp(&self) -> Process {
        let arguments = [
            "--keep-in-foreground --conf-file=/dev/null --port=0 --leasefile-ro --pid-file= --user=root",
            "--interface=tap0 --bind-interfaces --log-facility=/dev/null",
        ];
        self.namespace.inside(|| {
            Process::start("dnsmasq", TIME_LIMIT_S, |command| {
                command.args(arguments.iter().flat_map(|line| line.split(' ')));
                command.arg(format!("--dhcp-range={LEASE},{LEASE},1h"));
            })
        })
    }

    /// The board at the other end of the cable.
    fn plug_in(&self, image: &Path, settings: &Settings) -> Emulator {
        self.namespace.inside(|| {
            Emulator::start("qemu-system-arm", TIME_LIMIT_S, |qemu| {
                put_together(qemu, "mps2-an386", image, (settings, &replay::image()), self.folder.path());
                qemu.args(["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no"]);
            })
        })
    }

    fn run(&self, mut command: Command) -> Output {
        self.namespace.inside(|| command.output()).expect("it can be run")
    }

    fn tagout(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary::tagout());
        command.args(arguments).current_dir(self.folder.path());
        let output = self.run(command);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}");
        text
    }
}

/// A gateway that gets its address by DHCP, and sends its messages here, where it may be managed from.
fn managed() -> Settings {
    let collector = Collector { at: SocketAddrV4::new(HERE, SYSLOG_UDP), transport: Transport::Udp };
    Settings {
        management: Management::TapPort(Interface { mac: None, address: Address::Dhcp }),
        collectors: heapless_vec([collector]),
        managers: heapless_vec([Network { ip: HERE, prefix: 32 }]),
        heartbeat_s: 1,
        ..settings()
    }
}

/// Waits for a message that contains `what`.
fn wait(collector: &UdpSocket, what: &str) -> String {
    let began = Instant::now();
    let mut buffer = [0; 2_048];
    while began.elapsed() < PATIENCE {
        let Ok((len, from)) = collector.recv_from(&mut buffer) else { continue };
        assert_eq!(from.ip(), LEASE, "messages come from the address that was given away");
        let message = String::from_utf8_lossy(&buffer[..len]);
        if message.contains(what) {
            return message.into_owned();
        }
    }
    panic!("no message says {what:?}");
}

#[test]
fn a_board_gets_an_address_answers_pings_and_takes_a_package() {
    let Some(image) = image("mps2-an386") else { return };
    if ["dnsmasq", "ping"].iter().any(|tool| Command::new(tool).arg("-V").output().is_err()) {
        println!("skipped: no dnsmasq or no ping (`tests/setup.sh test` installs them)");
        return;
    }
    let Some(site) = or_skipped(Site::build()) else { return };
    let settings = managed();
    let collector = site.namespace.inside(|| UdpSocket::bind(("0.0.0.0", SYSLOG_UDP))).expect("a port");
    collector.set_read_timeout(Some(Duration::from_millis(100))).expect("a time to wait");
    let _dhcp = site.serve_dhcp();
    let _board = site.plug_in(&image, &settings);
    wait(&collector, "|start|Started|3|start=power");

    let mut ping = Command::new("ping");
    ping.args(["-c", "3", "-W", "5"]).arg(LEASE.to_string());
    let pinged = site.run(ping);
    assert!(pinged.status.success(), "{}", String::from_utf8_lossy(&pinged.stdout));

    let gateway = format!("{LEASE}:{}", settings.update_port);
    let status = site.tagout(&["gateway", "status", &gateway]);
    assert!(status.contains("gate-1") && status.contains("GW-1"), "{status}");
    let newer = site.folder.path().join("newer");
    std::fs::write(&newer, package(2, &key(), &settings, &replay::image())).expect("a file");
    site.tagout(&["gateway", "push", &gateway, "newer"]);
    wait(&collector, &format!("|updated|A package was taken|3|src={HERE} package=2"));
    wait(&collector, "|start|Started|3|start=asked restarts=1");
    wait(&collector, " policy=2 ");
}
