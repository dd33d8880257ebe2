use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tagout_core::engine::{ActorId, DeviceId, Policy};
use tagout_core::{Alert, Anomaly, Counter, Counters, Exchange, Frame, LinkType, Output, Sensor};

use super::Finding;
use super::rules::Rules;
use crate::Failure;
use crate::capture::interfaces;
use crate::capture::live::{Event, Live};
use crate::config::Config;
use crate::memory::Memory;
use crate::policy::load;
use crate::record::Losses;

/// Addresses that are told and kept of those that the policy does not know.
const MOST_STRANGERS: usize = 8;
/// The longest frame of an Ethernet that does not carry jumbo frames, with two VLAN tags and no check sequence.
const LONGEST_FRAME: u32 = 1_522;

/// Listens on the interfaces for a while, and tells what comes and who is known of it.
pub(super) fn examine(config: &Config, rules: &Rules, time: Duration, tell: &mut impl FnMut(Finding)) {
    const ABOUT: &str = "capture";
    let heard = load(&rules.image).and_then(|policy| Ok((listen(config, policy, time)?, policy)));
    match heard {
        Ok((heard, policy)) => {
            tell(traffic(heard.counts, time));
            heard.losses().map(&mut *tell);
            heard.joined().map(&mut *tell);
            heard.one_sided().map(&mut *tell);
            rules.are_sites.then(|| heard.coverage(policy)).flatten().map(tell);
        }
        Err(failure) => {
            let why = failure.message().unwrap_or("it cannot be opened").to_owned();
            tell(Finding::failed(
                ABOUT,
                why,
                "run this as root (sudo tagout doctor); if that was so, correct [capture]",
            ));
        }
    }
}

/// How often what was heard.
#[derive(Clone, Copy, Default)]
struct Counts {
    frames: u64,
    requests: u64,
    responses: u64,
    unrequested: u64,
}

impl From<Counters> for Counts {
    fn from(counters: Counters) -> Self {
        Self {
            frames: counters.get(Counter::Frames),
            requests: counters.get(Counter::Requests),
            responses: counters.get(Counter::Responses),
            unrequested: counters.get(Counter::Unrequested),
        }
    }
}

/// What was heard.
#[derive(Default)]
struct Heard {
    counts: Counts,
    lost: Losses,
    longest: u32,
    actors: BTreeSet<ActorId>,
    devices: BTreeSet<DeviceId>,
    strange_actors: BTreeSet<IpAddr>,
    strange_devices: BTreeSet<IpAddr>,
}

fn listen(config: &Config, policy: Policy<'_>, time: Duration) -> Result<Heard, Failure> {
    let all = interfaces::all();
    let found: Vec<_> = config.capture.interface.iter().filter_map(|name| interfaces::find(name, &all).ok()).collect();
    let mut live = Live::open(&found, &[], &config.capture, config.prefilter().as_ref())?;
    let mut memory = Memory::new(&config.tables()?, policy);
    let mut sensor = Sensor::new(config.sensor()?, policy, memory.lend());
    let mut heard = Heard::default();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(time);
            stop.store(true, Ordering::Relaxed);
        });
        live.run(&stop, |event| {
            match event {
                Event::Frame(frame) => {
                    heard.longest = heard.longest.max(heard.length(&frame));
                    sensor.frame(&frame, &mut heard);
                }
                Event::Idle(now) => sensor.advance(now, &mut heard),
                Event::Pause | Event::News(_) | Event::Interfaces(_) => {}
            }
            Ok(())
        })
    })?;
    sensor.finish(&mut heard);
    heard.counts = sensor.counters().into();
    heard.lost = live.losses();
    Ok(heard)
}

impl Output for Heard {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let (client, server) = (exchange.path.client.ip, exchange.path.server.ip);
        match exchange.actor {
            Some(id) => _ = self.actors.insert(id),
            None => meet(&mut self.strange_actors, client),
        }
        match exchange.device {
            Some(id) => _ = self.devices.insert(id),
            None => meet(&mut self.strange_devices, server),
        }
    }

    fn anomaly(&mut self, _anomaly: &Anomaly) {}

    fn alert(&mut self, _alert: &Alert<'_>) {}
}

fn meet(strangers: &mut BTreeSet<IpAddr>, stranger: IpAddr) {
    if strangers.len() < MOST_STRANGERS {
        strangers.insert(stranger);
    }
}

fn traffic(Counts { frames, requests, .. }: Counts, time: Duration) -> Finding {
    let found = format!("{frames} frames and {requests} requests of plant protocols in {} s", time.as_secs());
    match (frames, requests) {
        (0, _) => Finding::failed(
            "capture",
            format!("nothing came in {} s", time.as_secs()),
            "check that the switch mirrors to this port and that its cable is in place; if devices speak on other ports than 502 and \
             20000, name these under [ports], since packets of other ports are left out",
        ),
        (_, 0) => Finding::warning(
            "capture",
            found,
            "if devices speak on other ports than 502 and 20000, name these under [ports]; if they seldom speak, listen longer (--listen 60)",
        ),
        _ => Finding::ok("capture", found),
    }
}

impl Heard {
    /// Bytes of a frame on an Ethernet; 0 elsewhere, where there is no telling how long they may be.
    fn length(&self, frame: &Frame<'_>) -> u32 {
        if frame.link == LinkType::Ethernet { frame.wire_len } else { 0 }
    }

    fn losses(&self) -> Option<Finding> {
        let lost = self.lost.kernel_drops + self.lost.interface_drops;
        let advice = "raise buffer_mib under [capture], or take load off this machine";
        (lost > 0).then(|| Finding::warning("capture", format!("{lost} frames were lost while listening"), advice))
    }

    fn joined(&self) -> Option<Finding> {
        let found =
            format!("there are frames of {} bytes, and an Ethernet's have {LONGEST_FRAME} at most", self.longest);
        let advice = "unless the network carries jumbo frames or the mirror comes in a tunnel, \
                      something joins segments: ethtool -K INTERFACE gro off lro off";
        (self.longest > LONGEST_FRAME).then(|| Finding::warning("capture", found, advice))
    }

    /// Whether only one of two directions is mirrored.
    fn one_sided(&self) -> Option<Finding> {
        let Counts { requests, responses, unrequested, .. } = self.counts;
        let found = match (requests, responses, unrequested) {
            (1.., 0, 0) => "there are requests and no responses",
            (0, 0, 1..) => "there are responses and no requests",
            _ => return None,
        };
        Some(Finding::warning(
            "capture",
            found,
            "have the switch mirror both directions, or name the interface that gets the other one under [capture] as well",
        ))
    }

    /// How many of those who spoke the policy knows.
    fn coverage(&self, policy: Policy<'_>) -> Option<Finding> {
        const ABOUT: &str = "policy coverage";
        let known = self.actors.len() + self.devices.len();
        let strangers = [("actors", &self.strange_actors), ("devices", &self.strange_devices)];
        let strangers = strangers.into_iter().filter(|(_, some)| !some.is_empty()).map(|(what, some)| {
            let names: Vec<String> = some.iter().map(ToString::to_string).collect();
            format!("{what} {}", names.join(", "))
        });
        let strangers: Vec<String> = strangers.collect();
        let found = format!(
            "{} of {} actors and {} of {} devices of the policy were heard",
            self.actors.len(),
            policy.actor_count(),
            self.devices.len(),
            policy.device_count()
        );
        match (known, strangers.is_empty()) {
            (0, true) => None,
            (_, true) => Some(Finding::ok(ABOUT, found)),
            (_, false) => {
                let found = format!("{found}; it does not know {}", strangers.join(" and "));
                Some(Finding::warning(
                    ABOUT,
                    found,
                    "find out who they are, and declare those in the policy that belong here",
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn silence_fails_and_other_traffic_is_doubtful() {
        let verdict = |frames, requests| {
            traffic(Counts { frames, requests, ..Counts::default() }, Duration::from_secs(5)).verdict
        };
        assert_eq!(verdict(0, 0), Verdict::Failed);
        assert_eq!(verdict(9, 0), Verdict::Warning);
        assert_eq!(verdict(9, 4), Verdict::Ok);
    }

    #[test]
    fn one_direction_alone_is_told() {
        let found = |requests, responses, unrequested| {
            let counts = Counts { frames: 9, requests, responses, unrequested };
            Heard { counts, ..Heard::default() }.one_sided().map(|finding| finding.found)
        };
        assert_eq!(found(3, 0, 0).as_deref(), Some("there are requests and no responses"));
        assert_eq!(found(0, 0, 3).as_deref(), Some("there are responses and no requests"));
        assert_eq!(found(3, 3, 0), None);
    }

    #[test]
    fn strangers_are_named_up_to_a_bound() {
        let mut heard = Heard::default();
        let policy = Policy::empty();
        assert_eq!(heard.coverage(policy), None);
        (0..100).for_each(|last| meet(&mut heard.strange_actors, IpAddr::from([192, 0, 2, last])));
        let found = heard.coverage(policy).unwrap().found;
        assert!(found.ends_with("it does not know actors 192.0.2.0, 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, 192.0.2.6, 192.0.2.7"), "{found}");
    }
}
