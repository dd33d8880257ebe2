//! The tools for gateways against a server on this machine that runs the gateway's own side over simulated flash.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use tagout_firmware::capacity::POINTS;
use tagout_firmware::protocol::FRAME;
use tagout_firmware::{Identity, Progress, Slots, Update};
use tagout_tests::binary::tagout;
use tagout_tests::flash::SimulatedFlash;
use tempfile::TempDir;

type Flash = SimulatedFlash<16, 8192>;

const POLICY: &str =
    "[actors.panel]\nkind = \"hmi\"\nip = \"192.0.2.1\"\n\n[devices.tank]\nip = \"192.0.2.2\"\nunit = 1\n";
const SETTINGS: &str = "host_name = \"gw-7\"\n[[collectors]]\naddress = \"192.0.2.9\"\ntransport = \"tcp\"\n";

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(tagout()).args(args).current_dir(folder).stdin(Stdio::null()).output().expect("tagout runs")
}

/// Runs it, and expects that it ends with `code`; all that it writes.
fn expect(folder: &Path, args: &[&str], code: i32) -> String {
    let output = run(folder, args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    text
}

/// A site: its policy, settings and key, and the identity of its gateways.
fn site() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("policy.toml"), POLICY).expect("a file");
    fs::write(folder.path().join("gateway.toml"), SETTINGS).expect("a file");
    expect(folder.path(), &["key", "new", "-o", "site"], 0);
    let identity = ["gateway", "identity", "--key", "site.pub", "--tap-mac", "02:00:00:00:00:01"];
    expect(folder.path(), &[&identity[..], &["--serial-number", "GW-0007", "-o", "identity"]].concat(), 0);
    folder
}

fn compile(folder: &Path, key: &str, version: u64, output: &str) -> String {
    let version = version.to_string();
    let package =
        ["--target", "gateway", "--settings", "gateway.toml", "--sign", key, "--version", &version, "-o", output];
    expect(folder, &[&["compile", "policy.toml"][..], &package].concat(), 0)
}

/// A gateway on this machine.
struct Gateway {
    address: SocketAddr,
    slots: Arc<Mutex<[Flash; 2]>>,
    identity: Identity,
    /// Of each connection, after how many octets the gateway hangs up, if it does.
    hang_up: Arc<Mutex<Option<usize>>>,
}

impl Gateway {
    fn start(site: &Path) -> Self {
        let identity = *Identity::read(&fs::read(site.join("identity")).expect("an identity")).expect("a valid one");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let gateway = Self {
            address,
            slots: Arc::new(Mutex::new([Flash::new(16), Flash::new(16)])),
            identity,
            hang_up: Arc::default(),
        };
        let (slots, hang_up) = (Arc::clone(&gateway.slots), Arc::clone(&gateway.hang_up));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let hang_up = *hang_up.lock().expect("not poisoned");
                serve(stream, &mut slots.lock().expect("not poisoned"), &identity, hang_up);
            }
        });
        gateway
    }

    fn address(&self) -> String {
        self.address.to_string()
    }

    /// The version in force.
    fn version(&self) -> Option<u64> {
        let mut slots = self.slots.lock().expect("not poisoned");
        let [first, second] = &mut *slots;
        Slots::open(first, second, &self.identity).version()
    }
}

/// One start of the gateway, which lasts as long as one connection.
fn serve(mut stream: TcpStream, [first, second]: &mut [Flash; 2], identity: &Identity, hang_up: Option<usize>) {
    let mut slots = Slots::open(first, second, identity);
    let mut update = Update::default();
    update.status.host_name = "gw-7".try_into().expect("short");
    update.status.serial_number = identity.serial_number().try_into().expect("short");
    update.status.alerts_waiting = 3;
    let (mut octets, mut taken) = ([0; 700], 0);
    while let Ok(len @ 1..) = stream.read(&mut octets) {
        taken += len;
        if hang_up.is_some_and(|limit| taken > limit) {
            return;
        }
        let mut answer: heapless::Vec<u8, FRAME> = heapless::Vec::new();
        let progress = update.take(&octets[..len], &mut slots, &mut answer);
        if stream.write_all(&answer).is_err() || progress != Progress::Waiting {
            return;
        }
    }
}

#[test]
fn a_key_is_made_once_and_only_its_owner_may_read_it() {
    let site = site();
    let mode = |name: &str| fs::metadata(site.path().join(name)).expect("a file").mode() & 0o777;
    assert_eq!(mode("site.key"), 0o600);
    let again = expect(site.path(), &["key", "new", "-o", "site"], 2);
    assert!(again.contains("site.key is there already"), "{again}");
    let secret = fs::read_to_string(site.path().join("site.key")).expect("a file");
    let made = expect(site.path(), &["key", "new", "-o", "other"], 0);
    let line = secret.lines().nth(1).expect("the secret");
    assert!(!made.contains(line) && !made.contains("PRIVATE"), "{made}");
}

#[test]
fn a_key_that_others_may_read_signs_nothing() {
    let site = site();
    let key = site.path().join("site.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("permissions");
    let compile = [
        "compile",
        "policy.toml",
        "--target",
        "gateway",
        "--settings",
        "gateway.toml",
        "--sign",
        "site.key",
        "-o",
        "p.tgp",
    ];
    let refused = expect(site.path(), &compile, 2);
    assert!(refused.contains("mode 640") && refused.contains("chmod 600 site.key"), "{refused}");
    assert!(!site.path().join("p.tgp").exists());
    fs::copy(site.path().join("site.pub"), site.path().join("public.key")).expect("a copy");
    fs::set_permissions(site.path().join("public.key"), fs::Permissions::from_mode(0o600)).expect("permissions");
    let other = ["compile", "policy.toml", "--target", "gateway", "--settings", "gateway.toml", "--sign", "public.key"];
    let refused = expect(site.path(), &[&other[..], &["-o", "p.tgp"]].concat(), 2);
    assert!(refused.contains("this is not a secret key"), "{refused}");
}

#[test]
fn a_package_is_pushed_and_the_gateway_tells_of_it() {
    let site = site();
    let gateway = Gateway::start(site.path());
    let told = compile(site.path(), "site.key", 7, "plant.tgp");
    assert!(told.contains("Version 7 fits a gateway") && told.contains(&format!("0 of {POINTS} points")), "{told}");
    let status = expect(site.path(), &["gateway", "status", &gateway.address()], 0);
    assert!(status.contains("package   none"), "{status}");
    let pushed = expect(site.path(), &["gateway", "push", &gateway.address(), "plant.tgp"], 0);
    assert!(pushed.contains("has version 7 and starts again with it"), "{pushed}");
    assert_eq!(gateway.version(), Some(7));
    let again = expect(site.path(), &["gateway", "push", &gateway.address(), "plant.tgp"], 0);
    assert!(again.contains("has version 7 in force already"), "{again}");
    let status = expect(site.path(), &["gateway", "status", &gateway.address(), "--json"], 0);
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!((&status["package"], &status["serial_number"]), (&7.into(), &"GW-0007".into()));
    assert_eq!((&status["alerts_waiting"], &status["pending"]), (&3.into(), &serde_json::Value::Null));
}

#[test]
fn what_a_gateway_refuses_is_told_and_leaves_what_is_in_force() {
    let site = site();
    let gateway = Gateway::start(site.path());
    compile(site.path(), "site.key", 7, "plant.tgp");
    expect(site.path(), &["gateway", "push", &gateway.address(), "plant.tgp"], 0);
    expect(site.path(), &["key", "new", "-o", "stranger"], 0);
    compile(site.path(), "site.key", 6, "old.tgp");
    compile(site.path(), "stranger.key", 8, "foreign.tgp");
    compile(site.path(), "site.key", 8, "tampered.tgp");
    let mut package = fs::read(site.path().join("tampered.tgp")).expect("a package");
    *package.last_mut().expect("octets") ^= 1;
    fs::write(site.path().join("tampered.tgp"), package).expect("a file");
    fs::write(site.path().join("garbage.tgp"), [7; 4000]).expect("a file");
    let cases = [
        ("old.tgp", 1, "the version is not above the one in force"),
        ("foreign.tgp", 1, "signed with a key that this gateway does not know"),
        ("tampered.tgp", 1, "the content is not the one that was signed"),
        ("garbage.tgp", 1, "this is no package for a gateway"),
        ("policy.toml", 2, "the file is no package"),
        ("nothing.tgp", 3, "nothing.tgp: "),
    ];
    for (file, code, expected) in cases {
        let told = expect(site.path(), &["gateway", "push", &gateway.address(), file], code);
        assert!(told.contains(expected), "{file}: {told}");
        assert_eq!(gateway.version(), Some(7), "{file}");
    }
}

#[test]
fn a_connection_that_is_cut_changes_nothing_and_the_next_one_succeeds() {
    let site = site();
    let gateway = Gateway::start(site.path());
    compile(site.path(), "site.key", 7, "plant.tgp");
    for octets in [0, 100, 1_500, 9_000] {
        *gateway.hang_up.lock().expect("not poisoned") = Some(octets);
        let told = expect(site.path(), &["gateway", "push", &gateway.address(), "plant.tgp"], 3);
        assert!(told.contains("the connection ended before the answer"), "{told}");
        assert_eq!(gateway.version(), None);
    }
    *gateway.hang_up.lock().expect("not poisoned") = None;
    expect(site.path(), &["gateway", "push", &gateway.address(), "plant.tgp"], 0);
    assert_eq!(gateway.version(), Some(7));
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let told = expect(site.path(), &["gateway", "status", &nobody.to_string()], 3);
    assert!(told.contains("Connection refused"), "{told}");
}

#[test]
fn a_policy_that_does_not_fit_is_refused_with_numbers() {
    let site = site();
    let points: String = (0..=POINTS).map(|number| format!("p{number} = {{ coil = {number} }}\n")).collect();
    fs::write(site.path().join("policy.toml"), format!("{POLICY}\n[devices.tank.points]\n{points}")).expect("a file");
    let package = ["--target", "gateway", "--settings", "gateway.toml", "--sign", "site.key", "-o", "plant.tgp"];
    let told = expect(site.path(), &[&["compile", "policy.toml"][..], &package].concat(), 2);
    assert!(told.contains(&format!("points: {}, and a gateway has room for {POINTS}", POINTS + 1)), "{told}");
    assert!(!site.path().join("plant.tgp").exists());
    expect(site.path(), &["compile", "policy.toml", "-o", "plant.image"], 0);
}
