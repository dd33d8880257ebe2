//! The story as text for people.

use std::fmt;
use std::io::{self, Write};

use tagout_core::engine::{Action, ActorId, Grade, Judgement, PermitId, Policy, Reason, Violation};
use tagout_core::words::{Duration, Subject};
use tagout_core::{Alert, AlertId, Cause};

use super::declared::Held;
use super::watch::{Asked, Head, Story, Told};
use super::{Place, Remedy};
use crate::intent::InWords;
use crate::output::Paint;
use crate::policy::Sources;
use crate::record::Stamp;

/// Writes what was found out about a frame.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    to: &mut dyn Write,
    (place, story, remedy): (Place<'_>, &Story, Option<&Remedy>),
    (policy, sources): (&Policy<'_>, &Sources),
    paint: Paint,
) -> io::Result<()> {
    let mut page = Page { to, policy, sources, paint };
    if let Some(head) = &story.head {
        page.head(place, head, story)?;
        page.permits(head, story)?;
        page.declared(place, head, story)?;
    }
    page.alerts(story)?;
    page.remedy(remedy)
}

struct Page<'w, 'p> {
    to: &'w mut dyn Write,
    policy: &'w Policy<'p>,
    sources: &'w Sources,
    paint: Paint,
}

impl Page<'_, '_> {
    fn title(&mut self, title: impl fmt::Display) -> io::Result<()> {
        let name = self.paint.name();
        writeln!(self.to, "{name}{title}{name:#}")
    }

    fn head(&mut self, place: Place<'_>, head: &Head, story: &Story) -> io::Result<()> {
        let [request, response] = head.frames;
        let frame = request.or(response).unwrap_or(place.frame);
        self.title(format_args!("Frame {frame} of {}, {}", place.capture.display(), Stamp(head.time)))?;
        let (client, server) = (head.path.client, head.path.server);
        let mac = client.mac.map(|mac| format!(", {mac}")).unwrap_or_default();
        let actor = head.actor.and_then(|id| self.policy.actor_info(id));
        let who = actor.map_or("nobody that the policy names".to_owned(), |actor| {
            format!("the {} `{}`, by {}", actor.kind.name(), actor.name, actor.source)
        });
        writeln!(self.to, "  who     {}:{}{mac}: {who}", client.ip, client.port)?;
        let device = head.device.and_then(|id| self.policy.device_info(id));
        let whom = device.map_or("no device that the policy names".to_owned(), |device| {
            let observed = if device.observe { ", which is only observed" } else { "" };
            format!("`{}`, by {}{observed}", device.name, device.source)
        });
        writeln!(self.to, "  whom    {}:{} station {}: {whom}", server.ip, server.port, head.station)?;
        writeln!(self.to, "  what    {}", head.action.name())?;
        for touch in &head.touches {
            writeln!(self.to, "          {touch}")?;
        }
        let answered = response.map(|frame| format!(", in frame {frame}")).unwrap_or_default();
        writeln!(self.to, "  answer  {}{answered}", head.answer)?;
        for (word, line) in [("before", &story.before), ("after ", &story.after)] {
            let line = line.as_deref().unwrap_or("nothing on this connection");
            let dim = self.paint.dim();
            writeln!(self.to, "  {word}  {dim}{line}{dim:#}")?;
        }
        writeln!(self.to)
    }

    fn permits(&mut self, head: &Head, story: &Story) -> io::Result<()> {
        self.title("Permits")?;
        let (Some(actor), Some(device)) = (head.actor, head.device) else {
            let why = match head.device {
                None => "none is asked: the policy does not name the device",
                Some(_) => "there is none: they are for actors that the policy names",
            };
            writeln!(self.to, "  {why}")?;
            return self.verdict(head, story);
        };
        let all: Vec<_> = self.policy.permits_for(actor, device).collect();
        if all.is_empty() {
            writeln!(self.to, "  there is none of this actor for this device")?;
        }
        for permit in all {
            let asked: Vec<_> = story.asked.iter().filter(|asked| asked.permit == permit).collect();
            self.permit(permit, &asked, head)?;
        }
        self.verdict(head, story)
    }

    fn permit(&mut self, id: PermitId, asked: &[&Asked], head: &Head) -> io::Result<()> {
        let Some(info) = self.policy.permit_info(id) else { return Ok(()) };
        let name = info.name.map(|name| format!(" \"{name}\"")).unwrap_or_default();
        if asked.is_empty() {
            let allowed: Vec<_> = info.allowed().map(Action::name).collect();
            let dim = self.paint.dim();
            let why = if info.allowed().any(|action| action == head.action) {
                "for other points, or behind a permit that covers this".to_owned()
            } else {
                format!("for {}, not for {}", allowed.join(", "), head.action.name())
            };
            return writeln!(self.to, "  {dim}{}{name}: {why}{dim:#}", info.source);
        }
        writeln!(self.to, "  {}{name}", info.source)?;
        self.quote(info.source.file, info.source.line)?;
        for one in asked {
            self.answer_of(one, head)?;
        }
        Ok(())
    }

    fn answer_of(&mut self, asked: &Asked, head: &Head) -> io::Result<()> {
        let subject = self.subject(asked, head);
        let what = subject.map(|subject| subject.what().to_string()).unwrap_or_default();
        match asked.objection {
            None => writeln!(self.to, "    → {what}: permitted")?,
            Some((reason, found)) => {
                let complaint = subject.map(|subject| subject.complaint().to_string()).unwrap_or_default();
                let found = found.map(|found| format!(" (found {found})")).unwrap_or_default();
                writeln!(self.to, "    → {what}: {}: {complaint}{found}", reason.name())?;
            }
        }
        for (part, value) in &asked.trace {
            writeln!(self.to, "        {part} is {value}")?;
        }
        Ok(())
    }

    /// What a permit objects to, as an alert would tell of it.
    fn subject(&self, asked: &Asked, head: &Head) -> Option<Subject<'_>> {
        let (reason, found) = asked.objection.unwrap_or((Reason::NoPermit, None));
        let violation = Violation {
            reason,
            place: asked.place,
            point: asked.point,
            value: asked.value,
            nearest: Some(asked.permit),
            found,
            violations: 1,
        };
        let alert = Alert {
            actor: head.actor,
            device: head.device,
            action: Some(head.action),
            ..Alert::bare(AlertId(0), head.time, head.path, Cause::Violation(violation))
        };
        Subject::of(self.policy, &alert)
    }

    fn verdict(&mut self, head: &Head, story: &Story) -> io::Result<()> {
        let verdict = match (head.device, story.reason) {
            (None, _) => Judgement::Unjudged.name().to_owned(),
            (Some(_), None) => Judgement::Permitted.name().to_owned(),
            (Some(_), Some(reason)) => format!("{}, {}", Judgement::Unexpected.name(), reason.name()),
        };
        writeln!(self.to, "  verdict: {verdict}\n")
    }

    /// What was declared of a command, if that matters.
    fn declared(&mut self, place: Place<'_>, head: &Head, story: &Story) -> io::Result<()> {
        let Some((mode, actor)) = head.mode(self.policy).zip(head.actor) else { return Ok(()) };
        self.title("Declarations")?;
        let hold = Duration(self.policy.intent_waits().hold_ms);
        writeln!(
            self.to,
            "  it is held against what was declared of it, {hold} after it: intents = \"{}\"",
            mode.name()
        )?;
        self.believed(actor, place)?;
        match &story.held {
            None => writeln!(self.to, "  it is part of a command before, or it was not decided")?,
            Some(held) => self.held(held, place.declared.script.is_some())?,
        }
        writeln!(self.to)
    }

    /// Who may declare what an actor does.
    fn believed(&mut self, actor: ActorId, place: Place<'_>) -> io::Result<()> {
        for key in self.policy.intent_keys().filter(|key| key.speaks_for(actor)) {
            let whose = key.approver.map(|approver| format!(" of {approver}")).unwrap_or_default();
            writeln!(self.to, "  the key {}{whose} may declare it, by {}", key.id, key.source)?;
        }
        let name = self.policy.actor_info(actor).map_or("", |actor| actor.name);
        let approvals =
            place.declared.approvals.iter().filter(|approval| approval.actors.iter().any(|one| one == name));
        approvals.into_iter().try_for_each(|approval| writeln!(self.to, "  approved: {}", InWords(approval)))
    }

    fn held(&mut self, held: &Held, is_fed: bool) -> io::Result<()> {
        let finding = held.finding.map(|finding| format!(", {}", finding.name())).unwrap_or_default();
        let open = if held.open.is_empty() { String::new() } else { format!(", open: {}", held.open.join(", ")) };
        if let Some(intent) = &held.intent {
            let word = if held.finding.is_some() { "nearest" } else { "declared" };
            writeln!(self.to, "    → {word}: {intent}, {}, as `{}`", intent.source, intent.id)?;
        }
        if held.grade != Grade::Exact && !is_fed {
            writeln!(self.to, "    → but for approvals nothing is known to be declared: name a file with --intents")?;
        }
        writeln!(self.to, "  grade: {}{open}{finding}", held.grade.name())?;
        if held.grade == Grade::Exact {
            return Ok(());
        }
        let Some(exact) = &held.exact else { return Ok(()) };
        let dim = self.paint.dim();
        writeln!(self.to, "  this would be exact:\n    {dim}{}{dim:#}", exact.to_json())
    }

    fn alerts(&mut self, story: &Story) -> io::Result<()> {
        self.title("Alerts")?;
        if story.alerts.is_empty() {
            writeln!(self.to, "  none")?;
        }
        for Told { sid, severity, why, entry, before, suppressed_by } in &story.alerts {
            writeln!(self.to, "  {sid}, {severity}: {why}")?;
            if let Some((file, line, column)) = entry {
                writeln!(self.to, "    by {file}:{line}:{column}")?;
                if before.is_some() {
                    self.quote(file, *line)?;
                }
            }
            if let Some(name) = suppressed_by {
                writeln!(self.to, "    suppressed by `{name}`: counted, and not given")?;
            }
            match before {
                Some(0) => writeln!(self.to, "    the first time that it fires in this capture")?,
                Some(before) => writeln!(self.to, "    it fired {before} times before in this capture")?,
                None => {}
            }
        }
        writeln!(self.to)
    }

    /// The lines of a policy entry.
    fn quote(&mut self, file: &str, line: u32) -> io::Result<()> {
        let dim = self.paint.dim();
        let entry = self.sources.entry(file, line).unwrap_or_default();
        entry.lines().try_for_each(|line| writeln!(self.to, "    {dim}| {line}{dim:#}"))
    }

    fn remedy(&mut self, remedy: Option<&Remedy>) -> io::Result<()> {
        let Some(remedy) = remedy else { return Ok(()) };
        self.title("What would permit it, should it be right")?;
        for step in &remedy.steps {
            step.trim_end().lines().try_for_each(|line| writeln!(self.to, "  {line}"))?;
            writeln!(self.to)?;
        }
        let tried = match remedy.holds {
            true => "Tried out: with this, the policy permits the exchange.",
            false => "Tried out: this alone does not permit the exchange.",
        };
        writeln!(self.to, "  {tried}")
    }
}
