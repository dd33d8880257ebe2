use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::ui::Ui;

/// Starts the log of what tagout itself does, on standard error. TAGOUT_LOG has precedence over the command line.
pub(super) fn start(verbose: u8, ui: Ui) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = EnvFilter::builder().with_env_var("TAGOUT_LOG").with_default_directive(level.into()).from_env_lossy();
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
