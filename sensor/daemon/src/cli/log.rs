use std::env;

use tracing_subscriber::EnvFilter;

use super::ui::Ui;

/// Starts the log of what tagout itself does, on standard error. TAGOUT_LOG has precedence over the command line.
pub(super) fn start(verbose: u8, ui: Ui) {
    let asked = env::var("TAGOUT_LOG").ok().filter(|asked| !asked.is_empty());
    let filter = EnvFilter::builder().parse_lossy(asked.as_deref().unwrap_or(level(verbose)));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ui.stderr_colour())
        .with_target(false)
        // They would be told on standard error as well, and a line that it does not take would end the process.
        .log_internal_errors(false)
        .without_time()
        .init();
}

/// What is logged when the option was given so often. The client of NATS does not say in its lines which server it means; what it
/// tells is told with the server's name as well.
fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "warn,async_nats=off",
        1 => "info,async_nats=off",
        2 => "debug",
        _ => "trace",
    }
}
