use std::time::Duration;

use tagout_core::engine::Severity;

use super::args::DoctorArgs;
use super::spool::print;
use super::ui::Ui;
use crate::Failure;
use crate::config::Config;
use crate::doctor::{Finding, Trial, Verdict, examine};
use crate::output::Paint;

/// Tells whether a sensor can do its work here.
pub(super) fn doctor(args: &DoctorArgs, ui: Ui) -> Result<(), Failure> {
    let mut config = args.config()?;
    if !args.interface.is_empty() {
        config.capture.interface.clone_from(&args.interface);
    }
    let mut counts = [0_u32; 3];
    let mut printed = Ok(());
    let trial = Trial { listen: Duration::from_secs(args.listen), send: args.send };
    examine(&config, trial, |finding| {
        counts[finding.verdict as usize] += 1;
        let text = if args.json { json(&finding) } else { line(&finding, ui.stdout()) };
        if printed.is_ok() {
            printed = print(&text);
        }
    });
    printed?;
    let [fine, warnings, failed] = counts;
    if !args.json {
        print(&format!("\n{fine} fine, {warnings} warnings, {failed} failed\n"))?;
    }
    if failed > 0 || args.strict && warnings > 0 { Err(Failure::Findings) } else { Ok(()) }
}

fn json(finding: &Finding) -> String {
    // Texts, which JSON takes.
    serde_json::to_string(finding).unwrap_or_default() + "\n"
}

fn line(finding: &Finding, paint: Paint) -> String {
    let (word, style) = match finding.verdict {
        Verdict::Ok => ("ok", paint.dim()),
        Verdict::Warning => ("warning", paint.severity(Severity::Medium)),
        Verdict::Failed => ("FAILED", paint.severity(Severity::High)),
    };
    let name = paint.name();
    let Finding { about, found, advice, .. } = finding;
    let advice = advice.as_deref().map(|advice| format!("         do: {advice}\n")).unwrap_or_default();
    format!("{style}{word:<7}{style:#}  {name}{about}{name:#}: {found}\n{advice}")
}

impl DoctorArgs {
    /// The configuration that is named, or the packaged one where there is one.
    fn config(&self) -> Result<Config, Failure> {
        if self.config.exists() || self.interface.is_empty() {
            Config::read(&self.config)
        } else {
            Ok(Config::default())
        }
    }
}
