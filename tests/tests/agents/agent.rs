//! A process of `tests/peers/agents/agent.py`, and the servers that it starts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{fs, thread};

use serde_json::{Value, json};
use tagout_tests::binary;

use crate::call::Call;
use crate::scene::{MODBUS, OUTSTATION};
use crate::watch::ENDPOINT;

const PATIENCE: Duration = Duration::from_secs(60);
/// Where `modbus-mcp`, which knows no other transport, serves HTTP.
const HTTP_PORT: u16 = 8_000;

/// An agent of one server; it ends with the value.
pub(crate) struct Agent {
    server: String,
    child: Child,
    answers: Receiver<String>,
    folder: PathBuf,
    /// A server that is not on the agent's standard input and output.
    beside: Option<Child>,
    shims: usize,
}

/// The program of a folder that `tests/setup.sh peers` made, if it did.
pub(crate) fn program(of: &str, name: &str) -> Option<PathBuf> {
    let wanted = binary::workspace().join("tests/peers/agents").join(of).with_extension("txt");
    let folder = binary::workspace().join(".venv/agents").join(of);
    let installed = fs::read(folder.join("installed.txt")).ok()?;
    (installed == fs::read(wanted).ok()?).then(|| folder.join("bin").join(name))
}

/// The program that serves a package's tools.
fn served_by(server: &str) -> Option<PathBuf> {
    program(server, server.strip_prefix("industriagents-").unwrap_or(server))
}

/// Whether it can be run.
pub(crate) fn has(server: &str) -> bool {
    served_by(server).is_some()
}

impl Agent {
    /// Starts one that exports its spans to the sensor and to `spans.pb`, and connects it.
    pub(crate) fn start(server: &str, folder: &Path) -> Self {
        let log = fs::File::create(folder.join(format!("{server}.log"))).expect("a log");
        let mut command = Command::new(program("client", "python").expect("the client is installed"));
        command.arg(peer("agent.py")).args(["spans.pb", ENDPOINT]).env("OTEL_SERVICE_NAME", server);
        for (what, file) in
            [("CERTIFICATE", "ca.pem"), ("CLIENT_CERTIFICATE", "agent.pem"), ("CLIENT_KEY", "agent.key")]
        {
            command.env(format!("OTEL_EXPORTER_OTLP_{what}"), folder.join(file));
        }
        // Either would be believed in place of the certificate above.
        command.env_remove("REQUESTS_CA_BUNDLE").env_remove("CURL_CA_BUNDLE").env("PYTHONDONTWRITEBYTECODE", "1");
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("Python can be run");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let beside = (server == "modbus-mcp").then(|| serve_http(folder));
        let mut agent = Self { server: server.to_owned(), child, answers, folder: folder.to_owned(), beside, shims: 0 };
        agent.connect("plain", &[]);
        agent
    }

    /// Has it call a tool; what the server reported.
    pub(crate) fn call(&mut self, call: &Call) -> Value {
        let mut through = "plain".to_owned();
        if !call.shim.is_empty() {
            self.shims += 1;
            through = format!("shim {}", self.shims);
            self.connect(&through, &call.shim);
        }
        let Call { tool, arguments, notes, patience_s, .. } = call;
        self.ask(
            &json!({"server": through, "tool": tool, "arguments": arguments, "notes": notes, "patience_s": patience_s}),
        )
    }

    fn connect(&mut self, name: &str, shim: &[String]) {
        let step = if self.beside.is_some() {
            json!({"server": name, "url": format!("http://127.0.0.1:{HTTP_PORT}/mcp")})
        } else {
            let python = program("client", "python").expect("the client is installed").display().to_string();
            let mut command =
                if shim.is_empty() { vec![] } else { vec![python, peer("shim.py").display().to_string()] };
            command.extend(shim.iter().cloned());
            command.push(served_by(&self.server).expect("it is installed").display().to_string());
            command.extend(self.options());
            json!({"server": name, "command": command, "env": self.environment()})
        };
        let tools = self.ask(&step);
        assert!(tools["tools"].is_array(), "{} offers {tools}", self.server);
    }

    fn options(&self) -> Vec<String> {
        if self.server != "labmcp-modbus" {
            return Vec::new();
        }
        let map = self.folder.join("map.yaml");
        fs::write(&map, LABMCP_MAP).expect("a map");
        let address = format!("tcp://{MODBUS}:502");
        vec!["--address".to_owned(), address, "--option".to_owned(), format!("register_map={}", map.display())]
    }

    fn environment(&self) -> Value {
        let file = |name: &str, map: &Value| {
            let path = self.folder.join(name);
            fs::write(&path, map.to_string()).expect("a map");
            path
        };
        match self.server.as_str() {
            "industriagents-modbus-mcp" => {
                let tags = json!({"Setpoint": {"table": "holding", "address": 4, "dtype": "uint16", "scale": 0.1}});
                json!({"MODBUS_HOST": MODBUS, "MODBUS_WRITES_ENABLED": "true", "REGISTER_MAP_FILE": file("tags.json", &tags)})
            }
            "industriagents-dnp3-mcp" => {
                let points = json!({"Breaker": {"outstation": 10, "type": "binary_output", "index": 3}});
                json!({"DNP3_HOST": OUTSTATION, "DNP3_WRITES_ENABLED": "true", "POINT_MAP_FILE": file("points.json", &points)})
            }
            _ => json!({}),
        }
    }

    fn ask(&mut self, step: &Value) -> Value {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{step}").expect("the agent reads");
        let answer = self.answers.recv_timeout(PATIENCE);
        let log = || fs::read_to_string(self.folder.join(format!("{}.log", self.server))).unwrap_or_default();
        let answer = answer.unwrap_or_else(|_| panic!("the agent does not answer {step}: {}", log()));
        serde_json::from_str(&answer).expect("a line of JSON")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        for child in [Some(&mut self.child), self.beside.as_mut()].into_iter().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn peer(script: &str) -> PathBuf {
    binary::workspace().join("tests/peers/agents").join(script)
}

const LABMCP_MAP: &str = "device: {unit_id: 1}\npoints:\n  setpoint: {table: holding, address: 4, scale: 0.1, writable: true, \
                          min: 0, max: 10}\n  run: {table: coil, address: 2, writable: true}\n";

/// `modbus-mcp`, in a folder with its list of devices, once it listens.
fn serve_http(folder: &Path) -> Child {
    let devices = json!({"devices": [{"name": "mixer", "host": MODBUS, "port": 502, "unit": 1}]});
    fs::write(folder.join("devices.json"), devices.to_string()).expect("a list");
    let log = fs::File::create(folder.join("http.log")).expect("a log");
    let mut command = Command::new(served_by("modbus-mcp").expect("it is installed"));
    command.args(["--host", "127.0.0.1", "--port", &HTTP_PORT.to_string()]).current_dir(folder);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it can be run");
    let listens = || std::net::TcpStream::connect(("127.0.0.1", HTTP_PORT)).is_ok();
    let deadline = std::time::Instant::now() + PATIENCE;
    while !listens() {
        assert!(std::time::Instant::now() < deadline, "modbus-mcp does not listen");
        thread::sleep(Duration::from_millis(50));
    }
    child
}
