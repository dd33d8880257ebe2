use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use tagout_core::Outcome;
use tagout_core::engine::{Action, Kind, PermitInfo, Rate, Reason, Replied, Space};
use tagout_core::words::{Duration, Number, PerTime, Subject, Verdict};

/// The smallest addition to the policy, or change of it, that would permit what a violation is about, as TOML text.
pub struct Suggestion<'a>(Subject<'a>);

impl<'a> Suggestion<'a> {
    /// `None` where no policy entry would help: rules, and devices that the policy does not name.
    pub fn of(subject: &Subject<'a>) -> Option<Self> {
        let judged = matches!(subject.verdict, Verdict::Violation { .. }) && subject.device.is_some();
        judged.then_some(Self(*subject))
    }

    /// The permit of which it changes a key; `None` if it adds to the policy.
    pub fn edited(&self) -> Option<PermitInfo<'a>> {
        let Verdict::Violation { reason, nearest, .. } = self.0.verdict else { return None };
        nearest.filter(|permit| self.has_edit(reason, permit))
    }
}

impl fmt::Display for Suggestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict::Violation { reason, .. } = self.0.verdict else { return Ok(()) };
        if let Some(permit) = self.edited() {
            writeln!(f, "# in the permit at {}", permit.source)?;
            return self.write_edit(f, reason, &permit);
        }
        if reason == Reason::UnknownActor {
            self.write_actor(f)?;
        }
        let undeclared = self.0.point.is_none() && self.0.place.is_some();
        if undeclared {
            self.write_point(f)?;
        }
        self.write_permit(f)
    }
}

impl Suggestion<'_> {
    /// Whether changing one key of the permit that came nearest permits it.
    fn has_edit(&self, reason: Reason, permit: &PermitInfo<'_>) -> bool {
        match reason {
            Reason::Value => self.0.value.is_some(),
            Reason::NotAllowed => self.0.value.is_some() && !permit.terms.one_of.is_empty(),
            Reason::Reply => permit.terms.replies.is_some() && self.0.answer.is_some(),
            Reason::Pace | Reason::Step | Reason::Reversal | Reason::Change => self.0.found().is_some(),
            _ => false,
        }
    }

    fn write_edit(&self, f: &mut fmt::Formatter<'_>, reason: Reason, permit: &PermitInfo<'_>) -> fmt::Result {
        let (terms, found) = (permit.terms, self.0.found().unwrap_or_default());
        let wider = |rate: Option<Rate>| rate.map(|rate| Rate { amount: found, ..rate });
        match reason {
            Reason::Value => {
                let (range, value) = (permit.value.unwrap_or_default(), self.0.value.unwrap_or_default());
                write_range(f, range.min.map(|min| min.min(value)), range.max.map(|max| max.max(value)))
            }
            Reason::NotAllowed => {
                let values = terms.one_of.iter().map(|one| one.get()).chain(self.0.value);
                let values: Vec<_> = values.map(|value| value.to_string()).collect();
                writeln!(f, "value = {{ one_of = [{}] }}", values.join(", "))
            }
            Reason::Pace => writeln!(f, "at_most = \"{}\"", PerTime(wider(terms.at_most), None)),
            Reason::Reply => self.write_reply(f, permit),
            Reason::Step => writeln!(f, "max_step = {}", Number(found)),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "less than a limit in milliseconds"
            )]
            Reason::Reversal => writeln!(f, "opposite_after = \"{}\"", Duration((found * 1_000.0) as u32)),
            _ => writeln!(f, "max_change = \"{}\"", PerTime(wider(terms.max_change), None)),
        }
    }

    /// The time that the reply took, or the replies that are expected with this one among them.
    fn write_reply(&self, f: &mut fmt::Formatter<'_>, permit: &PermitInfo<'_>) -> fmt::Result {
        if let Some(ms) = self.0.found() {
            return writeln!(f, "reply_within = \"{} ms\"", ms.ceil());
        }
        let (Some(replies), Some(answer)) = (permit.terms.replies, self.0.answer) else { return Ok(()) };
        let code = answer.refusal.and_then(|refusal| refusal.code).filter(|code| (1..128).contains(code));
        let (word, code) = match answer.outcome {
            Outcome::Answered => (Some(Replied::Success), None),
            Outcome::Refused if code.is_some() => (None, code),
            Outcome::Refused => (Some(Replied::Refused), None),
            _ => (Some(Replied::Nothing), None),
        };
        let words = Replied::ALL.iter().filter(|known| replies.has(**known) || Some(**known) == word);
        let words = words.map(|word| format!("\"{}\"", word.name()));
        let codes = replies.codes().chain(code).collect::<BTreeSet<_>>().into_iter().map(|code| code.to_string());
        writeln!(f, "reply = [{}]", words.chain(codes).collect::<Vec<_>>().join(", "))
    }

    fn actor(&self) -> String {
        match self.0.actor {
            Some(actor) => actor.name.to_owned(),
            None => name_of(&self.0.path.client.ip.to_string()),
        }
    }

    fn point(&self) -> Option<String> {
        match (self.0.point, self.0.place) {
            (Some(point), _) => Some(point.name.to_owned()),
            (None, Some((space, address))) => Some(format!("{}_{address}", space.name().replace('-', "_"))),
            (None, None) => None,
        }
    }

    fn write_actor(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.0.path.client.ip;
        write!(f, "[actors.{}]\nkind = \"unknown\"\nip = \"{ip}\"\n\n", self.actor())
    }

    fn write_point(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(device), Some(point), Some((space, address))) = (self.0.device, self.point(), self.0.place) else {
            return Ok(());
        };
        write!(f, "[devices.{}.points]\n{point} = {{ {} = {address}", Key(device.name), space.name())?;
        if matches!(space, Space::HoldingRegister | Space::InputRegister) {
            write!(f, ", type = \"{}\"", Kind::U16.name())?;
        }
        f.write_str(" }\n\n")
    }

    fn write_permit(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(device) = self.0.device else { return Ok(()) };
        let action = self.0.action.map_or("read", Action::name);
        writeln!(f, "[[permits]]")?;
        writeln!(f, "actor = \"{}\"\ndevice = \"{}\"\ndo = [\"{action}\"]", self.actor(), device.name)?;
        if let Some(point) = self.point() {
            writeln!(f, "points = [\"{point}\"]")?;
        }
        self.0.value.map_or(Ok(()), |value| write_range(f, Some(value), Some(value)))
    }
}

fn write_range(f: &mut fmt::Formatter<'_>, min: Option<f64>, max: Option<f64>) -> fmt::Result {
    let ends = [("min", min), ("max", max)];
    f.write_str("value = {")?;
    let mut separator = ' ';
    for (name, end) in ends {
        if let Some(end) = end {
            write!(f, "{separator}{}{name} = {end}", if separator == ',' { " " } else { "" })?;
            separator = ',';
        }
    }
    f.write_str(" }\n")
}

/// A TOML key, quoted where it has to be.
struct Key<'a>(&'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = !self.0.is_empty() && self.0.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if bare { f.write_str(self.0) } else { write!(f, "{:?}", self.0) }
    }
}

/// A name for what has only an address.
fn name_of(address: &str) -> String {
    let mut name = String::from("host_");
    for character in address.chars() {
        let _ = name.write_char(if character.is_ascii_alphanumeric() { character } else { '_' });
    }
    name
}
