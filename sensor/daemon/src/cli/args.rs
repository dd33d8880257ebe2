mod delivery;
mod doctor;
mod evidence;
mod gateway;
mod health;
mod intent;
mod seal;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tagout_core::Timestamp;
use tagout_core::engine::{Grade, Severity};

use crate::Failure;
use crate::config::Ports;
use crate::format::Format;
use crate::learn::{Limits, MOST_POINTS};
use crate::output::{Collector, Existing, Sinks, Target};
use crate::policy::Sources;
use crate::record::Stamp;
use crate::sandbox;
pub(super) use delivery::{
    DestinationsArgs, DestinationsCommand, DestinationsTestArgs, SpoolArgs, SpoolCommand, SpoolPlace,
};
pub(super) use doctor::DoctorArgs;
pub(super) use evidence::EvidenceArgs;
pub(super) use gateway::{GatewayArgs, GatewayCommand, IdentityArgs, KeyArgs, KeyCommand, PushArgs, StatusArgs};
pub(super) use health::HealthArgs;
pub(super) use intent::{IntentArgs, IntentCommand, SignArgs, SpansArgs, VerifyArgs};
pub(super) use seal::SealArgs;
pub(super) use store::{
    ActorsArgs, AgentArgs, AlertsArgs, AlertsCommand, AlertsFilter, AlertsShowArgs, DevicesArgs, StorePlace, Times,
    TopArgs,
};

/// Names who commanded what on a plant network, and alerts on what nobody permitted
///
/// tagout reads copies of packets, from capture files or from a mirror port, understands Modbus and DNP3 in them, and
/// compares every command with a policy: which actor may do what to which points of which device. It never sends.
#[derive(Parser, Debug)]
#[command(name = "tagout", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub(super) color: ColorChoice,
    /// Say more of what tagout itself does; repeat for even more (or set TAGOUT_LOG)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

const EXAMPLES: &str = "\
Examples:
  tagout replay plant.pcap                     who did what to whom
  tagout replay plant.pcap --policy site.toml --alerts alerts.jsonl
  tcpdump -i eth1 -w - | tagout replay -       from standard input
  tagout run --interface eth1 --policy site.toml --alerts -
  tagout check site.toml                       everything that is wrong with a policy
  tagout gateway push gw-hall-3 plant.tgp      a signed policy for a gateway

Exit codes: 0 fine; 1 findings, where asked to fail on them, or a gateway refuses; 2 usage, configuration or policy; 3 input or output.";

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Read capture files
    Replay(ReplayArgs),
    /// Watch live interfaces until interrupted
    Run(RunArgs),
    /// Write a policy out of clean traffic, and a page of what somebody has to decide
    Learn(LearnArgs),
    /// Tell everything that is wrong with policy files
    Check(CheckArgs),
    /// Hold a policy to its own tests
    Test(TestArgs),
    /// Tell why an exchange is judged as it is, and what would permit it
    Explain(ExplainArgs),
    /// Show the alerts that the local store keeps
    Alerts(AlertsArgs),
    /// Show the devices that were seen
    Devices(DevicesArgs),
    /// Show the actors that were seen
    Actors(ActorsArgs),
    /// Show what an actor commanded, and who declared it
    Agent(AgentArgs),
    /// Show what happens now, in the terminal
    Top(TopArgs),
    /// Show the packets behind an alert
    Evidence(EvidenceArgs),
    /// List the destinations of alerts, and try them out
    Destinations(DestinationsArgs),
    /// Tell what waits for which destination
    Spool(SpoolArgs),
    /// Tell whether a sensor can do its work on this machine
    Doctor(DoctorArgs),
    /// Ask a running daemon how it does
    Health(HealthArgs),
    /// Lay out policy files and column maps in the one way
    Fmt(FmtArgs),
    /// Compile policy files into an image, or into a signed package for gateways
    Compile(CompileArgs),
    /// Sign policy files, for sensors that take no others
    Seal(SealArgs),
    /// Make keys that sign policies, packages for gateways, or intents
    Key(KeyArgs),
    /// Prepare gateways, send them packages, ask how they are
    Gateway(GatewayArgs),
    /// Sign what an actor will do, check what was signed
    Intent(IntentArgs),
    /// List the network interfaces
    Interfaces(InterfacesArgs),
    /// Print the JSON Schema of records, or of policy and settings files for editors
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

#[derive(Args, Debug)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(super) struct ReplayArgs {
    /// Capture files, pcap or pcapng, gzipped or not; - is standard input
    #[arg(required = true, value_name = "CAPTURE")]
    pub(super) captures: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) ports: PortArgs,
    /// Take all captures as one, in the order given, as of a capture that was split: connections, open requests and
    /// frame numbers go on from one file to the next
    #[arg(long = "continue")]
    pub(super) continued: bool,
    /// Hold commands against the declarations of this file: JSON lines, each with the time at which it was received
    #[arg(long, value_name = "FILE")]
    pub(super) intents: Option<PathBuf>,
    /// Deliver alerts to the destinations of this configuration file, by its spool; nothing else of it counts
    #[arg(long, value_name = "CONFIG")]
    pub(super) deliver: Option<PathBuf>,
    /// Keep alerts, and who did what to whom, in this database, made anew, for `tagout alerts`, `devices`, `actors` and `top`
    #[arg(long, value_name = "FILE")]
    pub(super) store: Option<PathBuf>,
    /// Exit with 1 if there is an alert of this severity or worse
    #[arg(
        long,
        value_name = "SEVERITY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "informational",
        value_parser = severity
    )]
    pub(super) fail_on_alert: Option<Severity>,
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  tagout replay plant.pcap.gz
  tagout replay monday.pcap tuesday.pcap --policy site/ --alerts alerts.jsonl --events events.jsonl
  tagout replay plant.pcap --policy site.toml --alerts - | jq .ot.why
  tagout replay plant.pcap --policy site.toml --alerts alerts.cef --format cef
  tagout replay test.pcap --policy site.toml --fail-on-alert=medium
  tagout replay night.pcap --policy site.toml --deliver /etc/tagout/tagout.toml
  tagout replay night.pcap --policy site.toml --intents declared.jsonl
  tagout replay night.pcap --policy site.toml --store night.store && tagout devices --store night.store

Each capture is judged by itself, with frame numbers from 1, unless --continue is given. The same captures and policy
give the same output, byte for byte.";

#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub(super) struct RunArgs {
    /// Configuration file; options given beside it win
    #[arg(long, value_name = "FILE", required_unless_present = "interface")]
    pub(super) config: Option<PathBuf>,
    /// Interface to watch, by name or address, or any; repeat for several
    #[arg(short, long, value_name = "NAME")]
    pub(super) interface: Vec<String>,
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) ports: PortArgs,
    /// Take only frames that this libpcap filter lets through
    #[arg(long, value_name = "FILTER")]
    pub(super) bpf: Option<String>,
    /// Send alerts to this collector, as udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT, in the Common Event Format;
    /// repeat for several
    #[arg(long, value_name = "URL")]
    pub(super) syslog: Vec<Collector>,
    /// How much of the sandbox there has to be, in which the daemon can neither send on what it captures from, nor open other files
    /// or connections than it needs
    #[arg(long, value_enum, value_name = "MODE")]
    pub(super) sandbox: Option<sandbox::Mode>,
}

const RUN_EXAMPLES: &str = "\
Examples:
  tagout run --interface eth1 --policy site.toml --alerts alerts.jsonl
  tagout run --interface eth1 --policy site.toml --syslog tcp://192.0.2.9:601 --quiet
  tagout run --config /etc/tagout.toml
  kill -HUP PID             reads the policy anew; a wrong one changes nothing

A configuration file:
  [capture]
  interface = \"eth1\"        # or a list
  buffer_mib = 64           # snaplen, bpf, prefilter, promiscuous, immediate
  silence_s = 60            # told of when nothing comes for so long; 0 tells of none
  # cpu = 1                 # the only processor for the thread that captures
  merge_ms = 10             # a frame of one interface waits so long for an earlier one of another
  source = \"libpcap\"        # or \"af-packet\", which needs no library, and knows no bpf or immediate
  [policy]
  files = [\"site.toml\"]     # default_rules
  [output]
  alerts = \"alerts.jsonl\"   # events
  syslog = [\"udp://192.0.2.9:514\", \"tcp://192.0.2.10:601\"]
  repeat_interval_s = 60    # 0 writes every exchange
  fold_interval_s = 60      # 0 writes every alert; alerts_per_minute
  [spool]
  directory = \"spool\"       # most_mib, most_hours
  [[destination]]           # any number; send, least_severity, actors, devices, format, most_bytes, most_per_s
  name = \"soc\"
  syslog = { url = \"tls://soc.example:6514\", tls = { ca = \"soc-ca.pem\" } }
  [[destination]]
  name = \"archive\"
  file = { path = \"alerts.jsonl\" }    # or stdout, splunk, nats, webhook
  [evidence]
  directory = \"evidence\"    # before, after, after_ms, ring_mib, ring_packets, most_mib
  [store]
  path = \"store/tagout.redb\"  # for tagout alerts, devices, actors, top; most_mib, most_days
  [intents]
  listen = \"127.0.0.1:4318\" # signed intents, OTLP; servers, tls, limits; nats, files, directory
  [ports]
  modbus = [502, 15020]     # modbus-rtu, modbus-ascii, dnp3
  [timeouts]
  response_ms = 10000       # alert_hold_ms, gap_ms
  [limits]
  dnp3_fragment_bytes = 2048
  [sandbox]
  mode = \"best\"             # or \"required\", or \"off\"
  [management]
  listen = \"127.0.0.1:9465\"  # /metrics and /health; off if left out";

#[derive(Args, Debug)]
#[command(after_help = LEARN_EXAMPLES)]
pub(super) struct LearnArgs {
    /// Capture files, pcap or pcapng, gzipped or not; - is standard input
    #[arg(required_unless_present = "from_live", conflicts_with = "from_live", value_name = "CAPTURE")]
    pub(super) captures: Vec<PathBuf>,
    /// Learn from this interface, by name or address, or any
    #[arg(long, value_name = "NAME")]
    pub(super) from_live: Option<String>,
    /// How long to learn from an interface, such as 30s, 10min, 8h or 7day; until interrupted if left out
    #[arg(long = "for", value_name = "DURATION", requires = "from_live", value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// Write no policy but what would have to change in this one, which is left as it is; repeat for several files
    #[arg(long, value_name = "POLICY", num_args = 1)]
    pub(super) against: Vec<PathBuf>,
    /// Folder to write the policy and the review to, or the proposal; made if it is not there
    #[arg(short, long, value_name = "FOLDER")]
    pub(super) output: PathBuf,
    /// Write over a policy, review or proposal that stands there
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) ports: PortArgs,
    /// Follow the values of so many addresses, and declare so many points, at most
    #[arg(long, value_name = "COUNT", default_value_t = MOST_POINTS)]
    pub(super) max_points: usize,
    /// Keep so many different requests at most
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().things)]
    pub(super) max_things: usize,
}

const LEARN_EXAMPLES: &str = "\
Examples:
  tagout learn monday.pcap tuesday.pcap -o site/
  tagout learn --from-live eth1 --for 7day -o site/
  tagout replay wednesday.pcap --policy site/
  tagout learn thursday.pcap --against site/ -o thursday/

Writes actors.toml, devices.toml and permits.toml, which together are a policy, and review.md. What was not seen often
enough, or speaks against itself, is not permitted: review.md tells what and why, with the permit to paste if it is right.
With --against, proposal.md tells which habits the policy does not permit, and the least that would permit them.
The same captures give the same files, byte for byte.";

#[derive(Args, Debug)]
pub(super) struct PolicyArgs {
    /// Policy file, or folder of them; repeat for several
    #[arg(long, value_name = "FILE", num_args = 1)]
    pub(super) policy: Vec<PathBuf>,
    /// Leave out the detections that tagout brings along
    #[arg(long)]
    pub(super) no_default_rules: bool,
}

#[derive(Args, Debug)]
pub(super) struct OutputArgs {
    /// Write a line an alert to this file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) alerts: Option<PathBuf>,
    /// How --alerts writes them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(super) format: Format,
    /// Write one JSON line an exchange or anomaly to this file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) events: Option<PathBuf>,
    /// Keep the packets behind each alert in this folder, as pcapng
    #[arg(long, value_name = "FOLDER")]
    pub(super) evidence: Option<PathBuf>,
    /// Write a repeated poll that changes nothing once in this many seconds, with a count; 0 writes every exchange. Without
    /// this option `replay` writes every exchange and `run` counts for 60 s
    #[arg(long, value_name = "SECONDS")]
    pub(super) repeat_interval: Option<u32>,
    /// Write every alert. Without this option alerts that repeat another within a minute are counted, and told of in
    /// summaries
    #[arg(long)]
    pub(super) every_alert: bool,
    /// No text for people: neither alerts nor summary
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Args, Debug)]
pub(super) struct PortArgs {
    /// Server port that carries Modbus, besides 502; repeat for several
    #[arg(long, value_name = "PORT")]
    pub(super) modbus_port: Vec<u16>,
    /// Server port that carries Modbus in RTU frames; repeat for several
    #[arg(long, value_name = "PORT")]
    pub(super) modbus_rtu_port: Vec<u16>,
    /// Server port that carries Modbus in ASCII frames; repeat for several
    #[arg(long, value_name = "PORT")]
    pub(super) modbus_ascii_port: Vec<u16>,
    /// Server port that carries DNP3, besides 20000; repeat for several
    #[arg(long, value_name = "PORT")]
    pub(super) dnp3_port: Vec<u16>,
}

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Policy files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = TEST_EXAMPLES)]
pub(super) struct TestArgs {
    /// Policy files, or folders of them
    #[arg(required = true, value_name = "POLICY")]
    pub(super) files: Vec<PathBuf>,
    /// Run only tests whose name contains this text
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Write one JSON object a test
    #[arg(long)]
    pub(super) json: bool,
    /// Write the packets of each test's steps to a capture file in this folder, named by the test's place
    #[arg(long, value_name = "FOLDER")]
    pub(super) captures: Option<PathBuf>,
    /// Leave out the detections that tagout brings along
    #[arg(long)]
    pub(super) no_default_rules: bool,
    #[command(flatten)]
    pub(super) ports: PortArgs,
}

const TEST_EXAMPLES: &str = "\
Examples:
  tagout test site/
  tagout test site.toml --filter pump
  tagout test site/ --json | jq -r 'select(.passed | not).name'
  tagout test site.toml --captures packets/     to look at them, or to explain them

A test in a policy file:
  [[tests]]
  name  = \"the optimizer may not run the pump flat out\"
  steps = [
      { from = \"optimizer\", write = \"plc1.pump_speed\", value = 80, verdict = \"permitted\" },
      { from = \"optimizer\", write = \"plc1.pump_speed\", value = 95, verdict = \"value-out-of-range\" },
  ]

Exits with 1 if a test fails. Steps go through the sensor as packets, captures as they are.";

#[derive(Args, Debug)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(super) struct ExplainArgs {
    /// File with alerts as --alerts writes them; - is standard input
    #[arg(value_name = "ALERTS", required_unless_present = "frame")]
    pub(super) alert: Option<PathBuf>,
    /// The alert's id, or the beginning of it, where there are several
    #[arg(long, value_name = "ID", requires = "alert")]
    pub(super) id: Option<String>,
    /// The capture that it is from; that of the alert if left out
    #[arg(long, value_name = "CAPTURE", required_unless_present = "alert")]
    pub(super) capture: Option<PathBuf>,
    /// Number of the frame of the request or response; that of the alert if left out
    #[arg(long, value_name = "NUMBER", requires = "capture")]
    pub(super) frame: Option<u64>,
    /// Hold the command against the declarations of this file, as `tagout replay` does
    #[arg(long, value_name = "FILE")]
    pub(super) intents: Option<PathBuf>,
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    #[command(flatten)]
    pub(super) ports: PortArgs,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  tagout explain alerts.jsonl --id 1f2e --policy site/
  tagout explain --capture plant.pcap --frame 1288 --policy site/
  tail -n 1 alerts.jsonl | tagout explain - --policy site/
  tagout explain alerts.jsonl --id 1f2e --policy site/ --intents intents.jsonl

Plays the capture again up to that frame, and shows every permit that was asked about the request, with the
values at that time. What would permit it is tried out before it is shown.";

#[derive(Args, Debug)]
#[command(after_help = FMT_EXAMPLES)]
pub(super) struct FmtArgs {
    /// Policy files and column maps, or folders of them; - is standard input, and goes to standard output
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Write nothing; name the files that would change, and exit with 1 if there are any
    #[arg(long)]
    pub(super) check: bool,
}

const FMT_EXAMPLES: &str = "\
Examples:
  tagout fmt site.toml devices/
  tagout fmt --check site/
  tagout fmt - < site.toml

Names the files that it changes. What they say stays as it is: comments go with what they are about,
tables keep their order, and keys come in the order of the guide.";

#[derive(Args, Debug)]
#[command(after_help = COMPILE_EXAMPLES)]
pub(super) struct CompileArgs {
    /// Policy files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Where to write the image or the package
    #[arg(short, long, value_name = "OUTPUT")]
    pub(super) output: PathBuf,
    /// Leave out the detections that tagout brings along
    #[arg(long)]
    pub(super) no_default_rules: bool,
    /// What to make of the policy
    #[arg(long, value_enum, default_value_t = CompileFor::Image)]
    pub(super) target: CompileFor,
    /// The gateway's settings
    #[arg(long, value_name = "FILE", required_if_eq("target", "gateway"))]
    pub(super) settings: Option<PathBuf>,
    /// The site's secret key, which signs the package
    #[arg(long, value_name = "KEY", required_if_eq("target", "gateway"))]
    pub(super) sign: Option<PathBuf>,
    /// Version of the package, above that of the one in force; the time in seconds since 1970 if left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) version: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum CompileFor {
    /// The image alone
    Image,
    /// A signed package of image and settings, if it fits a gateway
    Gateway,
}

const COMPILE_EXAMPLES: &str = "\
Examples:
  tagout compile site/ -o plant.image
  tagout compile site/ --target gateway --settings gateway.toml --sign site.key -o plant.tgp

Settings of a gateway (tagout schema gateway tells all of them):
  host_name = \"gw-hall-3\"
  [management]
  address = \"192.0.2.7/24\"      # or dhcp; on, mac, gateway, update_port, managers
  [[collectors]]
  address = \"192.0.2.9\"
  transport = \"tcp\"";

#[derive(Args, Debug)]
pub(super) struct InterfacesArgs {
    /// Write one JSON array
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = SCHEMA_EXAMPLES)]
pub(super) struct SchemaArgs {
    /// What to print the schema of
    #[arg(value_enum, default_value_t = SchemaOf::Records)]
    pub(super) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaOf {
    /// What --alerts and --events write
    Records,
    /// Policy files
    Policy,
    /// Column maps for tag exports
    Map,
    /// Settings of gateways
    Gateway,
    /// What `devices --json` and `actors --json` write
    Inventory,
}

const SCHEMA_EXAMPLES: &str = "\
Examples:
  tagout schema > tagout.schema.json
  tagout schema policy > policy.schema.json

A policy file that begins with the line `#:schema ./policy.schema.json` is checked and completed
while it is written, in editors that have taplo (Even Better TOML) or tombi.";

#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

impl PolicyArgs {
    pub(super) fn sources(&self) -> Result<Sources, Failure> {
        Sources::read(&self.policy, !self.no_default_rules)
    }
}

impl OutputArgs {
    /// The outputs of a replay of these captures, which they must not overwrite.
    pub(super) fn sinks(&self, captures: &[PathBuf]) -> Result<Sinks, Failure> {
        for output in [&self.alerts, &self.events].into_iter().flatten() {
            let overwrites = |capture: &&PathBuf| is_same_file(capture, output);
            if let Some(capture) = captures.iter().find(overwrites) {
                return Err(Failure::Usage(format!("records would overwrite the capture {}", capture.display())));
            }
        }
        let target = |path: &Option<PathBuf>| path.clone().map(Target::from);
        Sinks::open(target(&self.alerts), target(&self.events), Existing::Replace)
    }
}

fn is_same_file(capture: &Path, output: &Path) -> bool {
    match (capture.canonicalize(), output.canonicalize()) {
        (Ok(capture), Ok(output)) => capture == output,
        _ => false,
    }
}

impl PortArgs {
    /// These ports besides others.
    pub(super) fn beside(&self, mut ports: Ports) -> Ports {
        ports.modbus.extend(&self.modbus_port);
        ports.modbus_rtu.extend(&self.modbus_rtu_port);
        ports.modbus_ascii.extend(&self.modbus_ascii_port);
        ports.dnp3.extend(&self.dnp3_port);
        ports
    }
}

/// A number with its unit, as in `30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("min", 60), ("h", 3_600), ("day", 86_400)];
    let parts = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let seconds = parts.and_then(|(number, seconds)| number.trim().parse::<u64>().ok()?.checked_mul(seconds));
    let seconds = seconds.filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| "expected a number and s, min, h or day, such as 10min".to_owned())
}

/// How long ago, as in `30s`, or a time.
fn moment(text: &str) -> Result<Stamp, String> {
    if let Ok(ago) = duration(text) {
        let ago_ns = u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX);
        return Ok(Stamp(Timestamp(Stamp::now().0.0.saturating_sub(ago_ns))));
    }
    if text == "today" {
        let now = Stamp::now().0.0;
        return Ok(Stamp(Timestamp(now - now % NANOS_PER_DAY)));
    }
    let time = text.parse::<jiff::Timestamp>().map_err(|_| {
        "expected a number and s, min, h or day, such as 10min, or `today`, or a time with its zone, such as 2026-11-29T06:00:00Z"
    })?;
    Ok(Stamp(Timestamp(u64::try_from(time.as_nanosecond()).unwrap_or_default())))
}

const NANOS_PER_DAY: u64 = 86_400_000_000_000;

fn grade(name: &str) -> Result<Grade, String> {
    let found = Grade::ALL.iter().copied().find(|grade| grade.name() == name);
    found.ok_or_else(|| {
        let names: Vec<_> = Grade::ALL.iter().map(|grade| grade.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn severity(name: &str) -> Result<Severity, String> {
    Severity::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Severity::ALL.iter().map(|severity| severity.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}
