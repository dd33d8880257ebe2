use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::options::{OutputArgs, PolicyArgs, PortArgs};
use crate::output::Collector;
use crate::sandbox;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, group(ArgGroup::new("watched").args(["config", "interface"]).required(true).multiple(true)))]
pub(in crate::cli) struct RunArgs {
    /// Configuration file; options given beside it win
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Interface to watch, by name or address, or any; repeat for several
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) interface: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) ports: PortArgs,
    /// Take only frames that this libpcap filter lets through
    #[arg(long, value_name = "FILTER")]
    pub(in crate::cli) bpf: Option<String>,
    /// Send alerts to this collector, as udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT, in the Common Event Format;
    /// repeat for several
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) syslog: Vec<Collector>,
    /// How much of the sandbox there has to be, in which the daemon can neither send on what it captures from, nor open other files
    /// or connections than it needs
    #[arg(long, value_enum, value_name = "MODE")]
    pub(in crate::cli) sandbox: Option<sandbox::Mode>,
}

const EXAMPLES: &str = "\
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
  heartbeat_s = 300         # 0 for none
  [spool]
  directory = \"spool\"       # most_mib, most_hours
  [[destination]]           # any number; send, least_severity, actors, devices, format, most_bytes, most_per_s
  name = \"soc\"
  syslog = { url = \"tls://soc.example:6514\", tls = { ca = \"soc-ca.pem\" } }
  [[destination]]
  name = \"archive\"
  file = { path = \"archive.jsonl\" }    # or stdout, splunk, nats, mqtt, webhook
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    struct Run {
        #[command(flatten)]
        args: RunArgs,
    }

    #[test]
    fn a_configuration_or_an_interface_is_asked_for() {
        let said = Run::try_parse_from(["run"]).unwrap_err().to_string();
        assert!(said.contains("--config") && said.contains("--interface"), "{said}");
        for arguments in [["run", "-i", "eth1"], ["run", "--config", "tagout.toml"]] {
            Run::try_parse_from(arguments).unwrap();
        }
        let both = Run::try_parse_from(["run", "--config", "tagout.toml", "-i", "eth1"]).unwrap().args;
        assert!(both.config.is_some() && both.interface == ["eth1"]);
    }
}
