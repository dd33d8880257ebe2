use std::fmt::Write as _;
use std::net::SocketAddr;

use tagout_core::engine::Severity;

use super::args::HealthArgs;
use super::spool::print;
use super::ui::Ui;
use crate::Failure;
use crate::config::Config;
use crate::management::Health;
use crate::output::Paint;

/// Asks a running daemon how it does.
pub(super) fn health(args: &HealthArgs, ui: Ui) -> Result<(), Failure> {
    let address = args.address()?;
    let health = Health::ask(address)
        .map_err(|error| Failure::Io(format!("{address}: {error}; does tagout run, with this [management] listen?")))?;
    print(&if args.json { json(&health) } else { text(&health, ui.stdout()) })?;
    let is_fine = if args.live { health.is_live() } else { health.is_well() };
    if is_fine { Ok(()) } else { Err(Failure::Findings) }
}

fn json(health: &Health) -> String {
    // Texts, which JSON takes.
    serde_json::to_string(health).unwrap_or_default() + "\n"
}

fn text(health: &Health, paint: Paint) -> String {
    let bad = paint.severity(Severity::High);
    let version = health.version();
    let restarts = health.restarts().filter(|restarts| *restarts > 0);
    let restarts = restarts.map_or_else(String::new, |restarts| format!(" after {restarts} restarts"));
    if health.is_well() {
        return format!("tagout {version} is well{restarts}\n");
    }
    let is_watching = if health.is_ready() { "" } else { ", and no interface is read" };
    let mut text = format!("tagout {version} is {bad}unwell{bad:#}{restarts}{is_watching}\n");
    for unwell in health.unwell() {
        // Text takes whatever is written to it.
        let _ = writeln!(text, "  {unwell:#}");
    }
    text
}

impl HealthArgs {
    fn address(&self) -> Result<SocketAddr, Failure> {
        if let Some(address) = self.address {
            return Ok(address);
        }
        Config::read(&self.config)?.management.listen.ok_or_else(|| {
            Failure::Usage(format!(
                "{}: [management] names no address to ask at; write listen = \"127.0.0.1:9465\" there, or give --address",
                self.config.display()
            ))
        })
    }
}
