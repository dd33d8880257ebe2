use super::disturbance::Context;
use super::{Case, ClientPort, Dialogue, Disturbance};
use crate::dialogue::{Kind, Numbering, Pace, Turn, messages, turn};
use crate::generate::{Capture, Endpoint, Message, Session};
use crate::plant::{AGENT, DEVICE, Lan, MASTER, PANEL, Protocol};

/// A capture with what was meant by it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What a sensor gets to see.
    pub capture: Capture,
    /// The port that the server listens on.
    pub port: u16,
    /// Who said what; the first is the agent, whose last turn is the dangerous command.
    pub speakers: Vec<Speaker>,
}

/// A client and its turns.
#[derive(Clone, Debug)]
pub struct Speaker {
    /// Where it is.
    pub client: Endpoint,
    /// What it says.
    pub turns: Vec<Turn>,
}

const START_US: u64 = 10_000;
const LATENCY_US: u64 = 2_000;
const OTHER_CLIENT_PORT: u16 = 41_000;
const IDLE_CLIENT_PORT: u16 = 42_000;
const REOPENED_SEQUENCE_STEP: u32 = 77_777_777;

impl Case {
    /// The capture that this case makes of a protocol on a network.
    pub fn build(&self, protocol: Protocol, lan: Lan) -> Scene {
        let mut scene = Scene::of(self.cast(protocol, lan), lan);
        for disturbance in self.disturbances(protocol) {
            if let Disturbance::SnapLength { length } = disturbance {
                scene.capture.truncate_frames(*length);
            }
        }
        scene
    }

    /// Everybody's sessions, disturbed as far as sessions can be, with what was meant; the agent's is the first.
    pub fn cast(&self, protocol: Protocol, lan: Lan) -> Vec<(Session, Speaker)> {
        let stage = Stage { dialogue: &self.dialogue, protocol, lan };
        let mut cast = vec![stage.agent(&self.disturbances(protocol))];
        cast.extend((0..self.dialogue.other_clients).map(|nth| stage.other_client(nth)));
        cast.extend((0..self.dialogue.idle_flows).map(|nth| stage.idle_flow(nth)));
        cast
    }

    fn disturbances(&self, protocol: Protocol) -> Vec<&Disturbance> {
        self.disturbances.iter().chain(&self.variation(protocol).disturbances).collect()
    }
}

impl Scene {
    /// The capture of these sessions.
    pub fn of(cast: Vec<(Session, Speaker)>, lan: Lan) -> Self {
        let (sessions, speakers): (Vec<Session>, Vec<Speaker>) = cast.into_iter().unzip();
        let port = sessions[0].server.port;
        Self { capture: Capture::of(&sessions, &lan.network()), port, speakers }
    }
}

struct Stage<'a> {
    dialogue: &'a Dialogue,
    protocol: Protocol,
    lan: Lan,
}

impl Stage<'_> {
    fn agent(&self, disturbances: &[&Disturbance]) -> (Session, Speaker) {
        let port = match self.dialogue.client_port {
            Some(ClientPort::Server) => self.port(),
            None => 40_000,
        };
        let numbering = self.numbering(MASTER);
        let turns = self.agent_turns(&numbering);
        let mut said = messages(self.protocol, &turns, self.pace());
        disturbances.iter().for_each(|disturbance| disturbance.apply_to_messages(&mut said));
        let mut session = self.session(self.lan.endpoint(AGENT, port));
        self.play(&mut session, &said);
        let context = Context { protocol: self.protocol, numbering: &numbering, messages: &said };
        disturbances.iter().for_each(|one| one.apply_to_segments(&mut session.segments, &context));
        let speaker = Speaker { client: session.client, turns };
        (session, speaker)
    }

    fn agent_turns(&self, numbering: &Numbering) -> Vec<Turn> {
        let kind = |index: usize| *self.dialogue.special.get(&index.to_string()).unwrap_or(&self.dialogue.kind);
        let count = self.dialogue.mib.map_or(self.dialogue.turns, |mib| self.turns_in(mib << 20, numbering));
        let mut turns: Vec<Turn> = (0..count).map(|index| turn(self.protocol, kind(index), index, numbering)).collect();
        let danger = turn(self.protocol, Kind::Danger, count, numbering);
        turns.push(Turn { unit: numbering.units[0], ..danger });
        turns
    }

    /// How many turns it takes for both directions to carry more than `bytes`.
    fn turns_in(&self, bytes: usize, numbering: &Numbering) -> usize {
        let one = turn(self.protocol, self.dialogue.kind, 0, numbering);
        let shorter = one.request.map_or(0, |unit| unit.len()).min(one.response.map_or(0, |unit| unit.len()));
        bytes / shorter + 1
    }

    fn play(&self, session: &mut Session, said: &[Message]) {
        let first = self.dialogue.sequence;
        let split = self.dialogue.reopened_at.map_or(said.len(), |at| {
            said.iter().position(|message| message.turn >= at).expect("the connection is reopened within the dialogue")
        });
        let (before, after) = said.split_at(split);
        session.play(before, first);
        session.play(after, first.map(|number| number.wrapping_add(REOPENED_SEQUENCE_STEP)));
    }

    /// Polls at the pace of the agent, a little later each.
    fn other_client(&self, nth: u8) -> (Session, Speaker) {
        let numbering = self.numbering(MASTER + 1 + u16::from(nth));
        let turns: Vec<Turn> =
            (0..self.dialogue.turns).map(|index| turn(self.protocol, Kind::Poll, index, &numbering)).collect();
        let start_us = START_US + 500 * (1 + u64::from(nth));
        let said = messages(self.protocol, &turns, Pace { start_us, ..self.pace() });
        let mut session = self.session(self.lan.endpoint(PANEL, OTHER_CLIENT_PORT + u16::from(nth)));
        session.play(&said, [7_000_000, 8_000_000]);
        let speaker = Speaker { client: session.client, turns };
        (session, speaker)
    }

    /// One poll, halfway through the agent's dialogue, on a connection that is never closed.
    fn idle_flow(&self, nth: u16) -> (Session, Speaker) {
        let turns = vec![turn(self.protocol, Kind::Poll, 1, &self.numbering(MASTER + 1))];
        let halfway_us = START_US + (self.dialogue.turns as u64 / 2) * self.dialogue.interval_ms * 1000;
        let start_us = halfway_us - 500_000 + 50 * u64::from(nth);
        let said = messages(self.protocol, &turns, Pace { start_us, ..self.pace() });
        let mut session = self.session(self.lan.endpoint(PANEL, IDLE_CLIENT_PORT + nth));
        session.play(&said, [9_000_000, 11_000_000]);
        session.segments.retain(|segment| segment.flags & crate::generate::flags::FIN == 0);
        let speaker = Speaker { client: session.client, turns };
        (session, speaker)
    }

    fn session(&self, client: Endpoint) -> Session {
        let server = self.lan.endpoint(DEVICE, self.port());
        let session = Session::new(client, server, self.dialogue.transport);
        Session { segment_bytes: self.dialogue.segment_bytes, ..session }
    }

    fn numbering(&self, master: u16) -> Numbering {
        let (first, master) = match self.protocol {
            Protocol::Modbus => (1, 0),
            Protocol::Dnp3 => (10, master),
        };
        let units = (first..first + self.dialogue.units).collect();
        Numbering { units, master, constant_label: self.dialogue.constant_label }
    }

    fn pace(&self) -> Pace {
        Pace {
            start_us: START_US,
            interval_us: self.dialogue.interval_ms * 1000,
            latency_us: LATENCY_US,
            pipelined: self.dialogue.pipelined,
        }
    }

    fn port(&self) -> u16 {
        self.dialogue.port.unwrap_or(self.protocol.default_port())
    }
}
