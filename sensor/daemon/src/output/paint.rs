use anstyle::{AnsiColor, Style};
use tagout_core::engine::Severity;

/// The styles of text for people; without colour all are plain.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    colour: bool,
}

impl Paint {
    /// Styles with or without colour.
    pub const fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// Whether there is colour.
    pub const fn colour(self) -> bool {
        self.colour
    }

    /// How a severity looks.
    pub fn severity(self, severity: Severity) -> Style {
        self.style(match severity {
            Severity::High => AnsiColor::Red.on_default().bold(),
            Severity::Medium => AnsiColor::Yellow.on_default().bold(),
            Severity::Low => AnsiColor::Cyan.on_default(),
            Severity::Informational => Style::new().dimmed(),
        })
    }

    /// How names of actors, devices and points look.
    pub fn name(self) -> Style {
        self.style(Style::new().bold())
    }

    /// How what is less important looks.
    pub fn dim(self) -> Style {
        self.style(Style::new().dimmed())
    }

    /// How losses look.
    pub fn loss(self) -> Style {
        self.style(AnsiColor::Yellow.on_default().bold())
    }

    fn style(self, style: Style) -> Style {
        if self.colour { style } else { Style::new() }
    }
}
