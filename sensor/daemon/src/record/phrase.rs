//! What alerts say in words.

use std::fmt;
use std::net::IpAddr;

use tagout_core::engine::{Action, AnomalyKind, Rate, Reason, Replied, Replies, RuleInfo, Threshold, ValueRange};
use tagout_core::{Outcome, Repeats};

use super::subject::{Answer, Subject, Verdict};

/// A name from the policy, or an address where the policy has none.
pub(super) struct Named<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) ip: IpAddr,
    pub(super) station: Option<u16>,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.station) {
            (Some(name), _) => f.write_str(name),
            (None, Some(station)) => write!(f, "{}/{station}", self.ip),
            (None, None) => write!(f, "{}", self.ip),
        }
    }
}

pub(super) struct What<'a>(pub(super) Subject<'a>);

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.whom())?;
        match (self.0.point, self.0.place) {
            (Some(point), _) => write!(f, ".{}", point.name)?,
            (None, Some((space, address))) => write!(f, " {} {address}", space.name())?,
            (None, None) => {}
        }
        if let Some(value) = self.0.value {
            write!(f, " = {}", Measured { value, unit: self.0.unit_of_measure() })?;
        }
        match self.0.further {
            0 => Ok(()),
            further => write!(f, " and {further} more"),
        }
    }
}

/// A number with its unit of measure.
pub(super) struct Measured<'a> {
    pub(super) value: f64,
    pub(super) unit: Option<&'a str>,
}

impl fmt::Display for Measured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Number(self.value))?;
        self.unit.map_or(Ok(()), |unit| write!(f, " {unit}"))
    }
}

/// A number as people write it: without the digits that only binary arithmetic put there.
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_possible_truncation, reason = "compared with what it came from")]
        let single = self.0 as f32;
        if f64::from(single) == self.0 {
            return write!(f, "{single}");
        }
        write!(f, "{}", rounded(self.0))
    }
}

/// A number to twelve digits.
pub(super) fn rounded(number: f64) -> f64 {
    format!("{number:.11e}").parse().unwrap_or(number)
}

/// A permitted range, as in `0..80 %` or `at most 80 %`.
struct Range<'a>(ValueRange, Option<&'a str>);

impl fmt::Display for Range<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ValueRange { min, max }, unit) = *self;
        let measured = |value| Measured { value, unit };
        match (min, max) {
            (Some(min), Some(max)) => write!(f, "{}..{}", Number(min), measured(max)),
            (Some(min), None) => write!(f, "at least {}", measured(min)),
            (None, Some(max)) => write!(f, "at most {}", measured(max)),
            (None, None) => f.write_str("any value"),
        }
    }
}

/// Where a value lies that a range does not have, as in `outside 0..80 %` or `above 80 %`.
struct Outside<'a>(Range<'a>);

impl fmt::Display for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(range @ Range(ValueRange { min, max }, unit)) = self;
        match (*min, *max) {
            (Some(value), None) => write!(f, "below {}", Measured { value, unit: *unit }),
            (None, Some(value)) => write!(f, "above {}", Measured { value, unit: *unit }),
            _ => write!(f, "outside {range}"),
        }
    }
}

struct Against<'a>(Subject<'a>);

impl fmt::Display for Against<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict::Violation { reason, .. } = self.0.verdict else { return Ok(()) };
        match (reason, self.0.permitted()) {
            (Reason::UnknownActor, _) => f.write_str("by an unknown actor"),
            (Reason::NoPermit, _) => f.write_str("without any permit"),
            (Reason::Action, _) => f.write_str("without a permit for this action"),
            (Reason::Unmapped, _) => f.write_str("where no point is declared"),
            (Reason::Point, _) => f.write_str("without a permit for this point"),
            (Reason::Value, Some(range)) => write!(f, "{}", Outside(Range(range, self.0.unit_of_measure()))),
            (Reason::Value, None) => f.write_str("with a value that is not permitted"),
            (reason, _) => write!(f, "{}", Beyond(self.0, reason)),
        }
    }
}

/// What of a permit's terms it does not keep to, as in `more often than 6/min`.
struct Beyond<'a>(Subject<'a>, Reason);

impl fmt::Display for Beyond<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (terms, unit) = (self.0.terms().unwrap_or_default(), self.0.unit_of_measure());
        match self.1 {
            Reason::NotAllowed => f.write_str("with a value between those that are permitted"),
            Reason::Condition => write!(f, "against its condition {}", self.0.when.unwrap_or_default()),
            Reason::Window => write!(f, "outside {}", terms.during.unwrap_or("its window")),
            Reason::Pace => write!(f, "more often than {}", PerTime(terms.at_most, None)),
            Reason::Step => {
                let value = terms.max_step.unwrap_or_default();
                write!(f, "by more than {} at once", Measured { value, unit })
            }
            Reason::Reversal => write!(f, "back within {}", Duration(terms.opposite_ms.unwrap_or_default())),
            Reason::Change => write!(f, "by more than {}", PerTime(terms.max_change, unit)),
            Reason::Reply => write!(f, "without the reply that is expected"),
            _ => f.write_str("without a permit"),
        }
    }
}

/// So much in a time, as in `6/min` or `10 %/min`.
pub(super) struct PerTime<'a>(pub(super) Option<Rate>, pub(super) Option<&'a str>);

impl fmt::Display for PerTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Rate { amount, per_ms }) = self.0 else { return Ok(()) };
        let per = match per_ms {
            1_000 => "s",
            60_000 => "min",
            3_600_000 => "h",
            _ => "d",
        };
        write!(f, "{}/{per}", Measured { value: amount, unit: self.1 })
    }
}

/// The replies that a permit expects, as in `success within 500 ms or exception 6`.
pub(super) struct Expected(pub(super) Replies);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Replied::ALL.iter().filter(|word| self.0.has(**word)).map(|word| match (word, self.0.within_ms) {
            (Replied::Success, Some(ms)) => format!("success within {}", Duration(ms)),
            (Replied::Success, None) => "success".to_owned(),
            (Replied::Refused, _) => "a refusal".to_owned(),
            (Replied::Nothing, _) => "no reply".to_owned(),
        });
        let codes = self.0.codes().map(|code| format!("exception or status {code}"));
        f.write_str(&words.chain(codes).collect::<Vec<_>>().join(", or "))
    }
}

/// Milliseconds as policies write them, as in `30 s`.
pub(super) struct Duration(pub(super) u32);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms % 1_000 != 0 => write!(f, "{ms} ms"),
            ms => write!(f, "{} s", ms / 1_000),
        }
    }
}

pub(super) struct Complaint<'a>(pub(super) Subject<'a>);

impl fmt::Display for Complaint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.verdict {
            Verdict::Rule(rule) => {
                f.write_str(rule.signature)?;
                self.0.anomaly.map_or(Ok(()), |kind| write!(f, " ({})", kind.name()))
            }
            Verdict::Violation { .. } => {
                write!(f, "{} {}", self.0.action.map_or("", Action::name), Against(self.0))
            }
        }
    }
}

pub(super) struct Signature<'a>(pub(super) Subject<'a>);

impl fmt::Display for Signature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.verdict {
            Verdict::Rule(rule) => f.write_str(rule.signature),
            Verdict::Violation { .. } => write!(f, "tagout policy: {} {}", Deed(self.0), Against(self.0)),
        }
    }
}

/// Who did what, as in `ai-agent optimizer wrote plc1.pump_speed = 95 %`.
struct Deed<'a>(Subject<'a>);

impl fmt::Display for Deed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(actor) = self.0.actor.filter(|_| self.0.from_client) {
            write!(f, "{} ", actor.kind.name())?;
        }
        let did = self.0.action.map(did).or(self.0.anomaly.map(sent)).unwrap_or("did not keep its cadence with");
        write!(f, "{} {did} {}", self.0.who(), self.0.what())
    }
}

/// The action as something done to a device or a point.
const fn did(action: Action) -> &'static str {
    match action {
        Action::Read => "read",
        Action::Write => "wrote",
        Action::Select => "selected",
        Action::Operate => "operated",
        Action::DirectOperate => "directly operated",
        Action::Restart => "restarted",
        Action::EnableUnsolicited => "enabled unsolicited reports of",
        Action::DisableUnsolicited => "disabled unsolicited reports of",
        Action::ListenOnly => "forced listen-only mode on",
        Action::TimeSync => "synchronised the time of",
        Action::File => "accessed files of",
        Action::Configure => "configured",
        Action::Diagnostics => "diagnosed",
        Action::Identify => "asked for the identity of",
        Action::Confirm => "confirmed a message of",
        Action::Other => "sent an unknown function to",
    }
}

/// The anomaly as something sent to somebody.
const fn sent(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::IpFragmentConflict => "sent overlapping IP fragments with different bytes to",
        AnomalyKind::TcpOverlapConflict => "sent overlapping TCP segments with different bytes to",
        AnomalyKind::TcpGap => "sent TCP bytes that never reached the sensor to",
        AnomalyKind::TcpOutOfWindow => "sent a TCP segment far outside the window to",
        AnomalyKind::ModbusStrayBytes => "sent bytes that start no Modbus message to",
        AnomalyKind::ModbusProtocolId => "sent an MBAP header of another protocol than Modbus to",
        AnomalyKind::ModbusLength => "sent an MBAP header with an impossible length to",
        AnomalyKind::ModbusMalformed => "sent a Modbus message that contradicts itself to",
        AnomalyKind::Dnp3StrayBytes => "sent bytes that start no DNP3 link frame to",
        AnomalyKind::Dnp3HeaderCrc => "sent a DNP3 link header with a wrong CRC to",
        AnomalyKind::Dnp3DataCrc => "sent a DNP3 data block with a wrong CRC to",
        AnomalyKind::Dnp3Length => "sent a DNP3 link header with an impossible length to",
        AnomalyKind::Dnp3Transport => "sent a DNP3 transport segment out of order to",
        AnomalyKind::Dnp3Malformed => "sent a DNP3 fragment that contradicts itself to",
        AnomalyKind::UnmatchedResponse => "sent a response to no request seen to",
        AnomalyKind::ModbusRtuCrc => "sent a Modbus RTU frame with a wrong CRC to",
        AnomalyKind::ModbusAsciiLrc => "sent a Modbus ASCII frame with a wrong LRC to",
        AnomalyKind::ModbusFramingChange => "sent a Modbus message in another framing than before to",
        AnomalyKind::ModbusContradiction => "sent a Modbus response that contradicts its request to",
        AnomalyKind::ModbusTransactionReused => "sent a Modbus request under a transaction id that was in use to",
        AnomalyKind::ForeignProtocol => "sent another protocol than the port's to",
        AnomalyKind::IpTtlDropped => "sent a packet that may not arrive, with a much lower TTL than usual, to",
        AnomalyKind::TcpBadChecksum => "sent a TCP segment with a wrong checksum to",
        AnomalyKind::Dnp3LinkFunction => "sent a DNP3 link frame with an invalid function to",
        AnomalyKind::IpMacChanged => "was at another MAC address than before when it spoke to",
        AnomalyKind::MacIpMoved => "had another IP address than before when it spoke to",
        AnomalyKind::SecondResponse => "sent a second and different response to one request of",
        AnomalyKind::SequenceContradiction => "sent a DNP3 response whose sequence number is out of turn to",
        AnomalyKind::LinkAddressMoved => "used the link address of another DNP3 master towards",
        AnomalyKind::DeviceRestarted => "said that it restarted to",
        AnomalyKind::EventBufferOverflow => "said that it lost events to",
        AnomalyKind::ConfigurationCorrupt => "said that its configuration is corrupt to",
        AnomalyKind::ReservedIin => "set a reserved internal indication in a response to",
        AnomalyKind::DeviceSilent => "left several requests in a row unanswered of",
        AnomalyKind::DeviceIdentityChanged => "named another identity than before to",
        AnomalyKind::Dnp3FrameCount => "repeated the frame count bit of a DNP3 frame with other bytes to",
    }
}

pub(super) struct Why<'a>(pub(super) Subject<'a>);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(happening) = self.0.happening {
            return write!(f, "{} was reported, {}", self.0.what(), happening.told(self.0.unit_of_measure()));
        }
        if let Some(broken) = self.0.broken {
            return write!(f, "{broken}");
        }
        match self.0.departed {
            Some(departed) => return write!(f, "{}", departed.told(self.0.who(), self.0.whom())),
            None => write!(f, "{}", Deed(self.0))?,
        }
        match self.0.verdict {
            Verdict::Rule(rule) => write!(f, ".{}{}", Changed(self.0), Reached(rule))?,
            Verdict::Violation { reason, .. } => write!(f, "; {}.", Rebuttal(self.0, reason))?,
        }
        if let Some(repeats) = self.0.repeats {
            return write!(f, " {}", Again(repeats));
        }
        self.0.answer.map_or(Ok(()), |answer| write!(f, " {}", Consequence(answer)))
    }
}

/// What a command would change, as in ` It was 50 % before, and commanded last by panel.`
struct Changed<'a>(Subject<'a>);

impl fmt::Display for Changed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((before, value)) = self.0.before.and_then(|before| Some((before, before.value?))) else {
            return Ok(());
        };
        write!(f, " It was {} before", Measured { value, unit: self.0.unit_of_measure() })?;
        if let Some(actor) = before.actor {
            write!(f, ", and commanded last by {}", actor.name)?;
        }
        f.write_str(".")
    }
}

/// What fired a rule beside the match itself.
struct Reached<'a>(RuleInfo<'a>);

impl fmt::Display for Reached<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RuleInfo { threshold, count, distinct, within_ms, .. } = self.0;
        let within = f64::from(within_ms) / 1_000.0;
        match (threshold, distinct) {
            (Threshold::Each | Threshold::Invariant, _) => Ok(()),
            (Threshold::First, _) => f.write_str(" It was not seen before."),
            (Threshold::Distinct, Some(field)) => {
                write!(f, " There were {count} or more different `{}` within {within} s.", field.name())
            }
            (Threshold::Count, _) if count == 1 => write!(f, " What follows within {within} s is not told."),
            (Threshold::Count | Threshold::Distinct, _) => {
                write!(f, " There were {count} or more of them within {within} s.")
            }
            (Threshold::Sequence, _) => write!(f, " It is the last step of several within {within} s."),
            (Threshold::Absent, _) => write!(f, " What should follow within {within} s did not."),
            (Threshold::Lasting, _) => write!(f, " It has lasted for {within} s."),
        }
    }
}

/// What a summary counts.
struct Again(Repeats);

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, seconds) = (self.0.count, self.0.last.micros_since(self.0.first) / 1_000_000);
        match (count, self.0.is_rate) {
            (1, false) => f.write_str("It happened once more."),
            (_, false) => write!(f, "It happened {count} times more within {seconds} s."),
            (_, true) => write!(f, "There were {count} more of these, by whomever, within {seconds} s."),
        }
    }
}

/// What the policy says against it, as half a sentence.
struct Rebuttal<'a>(Subject<'a>, Reason);

impl fmt::Display for Rebuttal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(subject, reason) = self;
        let action = subject.action.map_or("this", Action::name);
        match (reason, subject.permitted()) {
            (Reason::UnknownActor, _) => write!(f, "the policy knows no actor at {}", subject.path.client.ip),
            (Reason::NoPermit, _) => write!(f, "the policy permits it nothing on {}", subject.whom()),
            (Reason::Action, _) => write!(f, "the policy permits it no {action} on {}", subject.whom()),
            (Reason::Unmapped, _) => {
                write!(f, "the policy declares no point there and permits {action} only on points")
            }
            (Reason::Point, _) => write!(f, "the policy permits it {action} on other points only"),
            (Reason::Value, Some(range)) => {
                write!(f, "the policy permits {}", Range(range, subject.unit_of_measure()))
            }
            (Reason::Value, None) => f.write_str("the policy does not permit this value"),
            (reason, _) => write!(f, "{}", Limit(*subject, *reason)),
        }
    }
}

/// What of a permit's terms stands against it, as half a sentence with what was found.
struct Limit<'a>(Subject<'a>, Reason);

impl fmt::Display for Limit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (terms, unit) = (self.0.terms().unwrap_or_default(), self.0.unit_of_measure());
        match self.1 {
            Reason::NotAllowed if !terms.one_of.is_empty() => {
                let values: Vec<_> = terms.one_of.iter().map(|one| Number(one.get()).to_string()).collect();
                write!(f, "the policy permits only {}", values.join(", "))?;
            }
            Reason::NotAllowed => {
                let value = terms.step.unwrap_or_default();
                write!(f, "the policy permits steps of {}", Measured { value, unit })?;
            }
            Reason::Condition => {
                write!(f, "the policy permits it only when {}", self.0.when.unwrap_or("its condition holds"))?;
            }
            Reason::Window => write!(f, "the policy permits it only during {}", terms.during.unwrap_or("its window"))?,
            Reason::Pace => write!(f, "the policy permits {}", PerTime(terms.at_most, None))?,
            Reason::Step => {
                let value = terms.max_step.unwrap_or_default();
                write!(f, "the policy permits changes of {} at once", Measured { value, unit })?;
            }
            Reason::Reversal => {
                let time = Duration(terms.opposite_ms.unwrap_or_default());
                write!(f, "the policy permits the other direction after {time}")?;
            }
            Reason::Change => write!(f, "the policy permits changes of {}", PerTime(terms.max_change, unit))?,
            Reason::Reply => match terms.replies {
                Some(replies) => write!(f, "the policy expects {}", Expected(replies))?,
                None => f.write_str("the policy expects another reply")?,
            },
            _ => f.write_str("the policy does not permit it")?,
        }
        match (self.1, self.0.found()) {
            (Reason::Pace, Some(uses)) => write!(f, ", and this is number {}", Number(uses)),
            (Reason::Reply, Some(ms)) => write!(f, ", and this came after {} ms", Number(ms)),
            (Reason::Reversal, Some(seconds)) => write!(f, ", and this is after {} s", Number(seconds)),
            (_, Some(value)) => write!(f, ", and this makes {}", Measured { value, unit }),
            (_, None) => Ok(()),
        }
    }
}

struct Consequence(Answer);

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.outcome, self.0.refusal) {
            (Outcome::Answered, _) => f.write_str("The device accepted it."),
            (Outcome::Refused, Some(refusal)) => write!(f, "The device refused it: {refusal}."),
            (Outcome::Refused, None) => f.write_str("The device refused it."),
            (Outcome::NoResponseDue, _) => f.write_str("No response is due."),
            (Outcome::Unanswered, _) => f.write_str("The device did not answer."),
            (Outcome::Pending, _) => f.write_str("No answer was seen yet."),
            (Outcome::Unrequested, _) => f.write_str("Its request was not seen."),
        }
    }
}
