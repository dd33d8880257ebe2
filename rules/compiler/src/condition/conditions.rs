use std::collections::HashMap;
use std::hash::Hash;

use tagout_engine::image::{self, Extent, Instruction, NO_CONDITION, OCTETS, Octets};
use zerocopy::little_endian::F64;

use super::draft::{Draft, Line, Operand};
use crate::diagnostic::Report;
use crate::model::Network;
use crate::source::{Span, Spanned};

/// All conditions of a policy; equal texts are one.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    known: HashMap<String, u16>,
    /// The text of each, where it stands first, and its code.
    pub(crate) all: Vec<(String, Span, Extent)>,
    pub(crate) instructions: Vec<Instruction>,
    /// The bits of numbers.
    numbers: Pool<u64>,
    texts: Pool<String>,
    octets: Pool<Vec<u8>>,
    networks: Pool<Network>,
}

impl Conditions {
    /// The number of a condition with this text and code; `None` when there are too many.
    pub(super) fn add(&mut self, text: &Spanned<String>, draft: Draft, report: &mut Report<'_>) -> Option<u16> {
        if let Some(known) = self.known.get(&text.value) {
            return Some(*known);
        }
        let id = u16::try_from(self.all.len()).ok().filter(|id| *id != NO_CONDITION);
        let Some(id) = id else {
            report.error(text.span, "too many conditions").label(format!("a policy has at most {NO_CONDITION}"));
            return None;
        };
        let code = extent(self.instructions.len(), draft.lines.len());
        for line in draft.lines {
            let instruction = self.instruction(line);
            self.instructions.push(instruction);
        }
        self.known.insert(text.value.clone(), id);
        self.all.push((text.value.clone(), text.span, code));
        Some(id)
    }

    fn instruction(&mut self, Line { op, operand, at }: Line) -> Instruction {
        let operand = match operand {
            Operand::Index(index) => Extent { first: index.into(), count: 0.into() },
            Operand::Numbers(run) => self.numbers.add(run.into_iter().map(f64::to_bits).collect()),
            Operand::Texts(run) => self.texts.add(run),
            Operand::Octets(run) => self.octets.add(run),
            Operand::Networks(run) => self.networks.add(run),
        };
        Instruction { op: op.number(), operand, start: narrow(at.start).into(), end: narrow(at.end).into() }
    }

    pub(crate) fn numbers(&self) -> Vec<F64> {
        self.numbers.all.iter().map(|bits| f64::from_bits(*bits).into()).collect()
    }

    pub(crate) fn texts(&self) -> &[String] {
        &self.texts.all
    }

    pub(crate) fn octets(&self) -> Vec<Octets> {
        self.octets.all.iter().map(|bytes| octets(bytes)).collect()
    }

    pub(crate) fn networks(&self) -> Vec<image::Network> {
        self.networks.all.iter().map(network).collect()
    }
}

/// Constants; equal runs of them are stored once.
#[derive(Debug)]
struct Pool<T> {
    all: Vec<T>,
    runs: HashMap<Vec<T>, Extent>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { all: Vec::new(), runs: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Pool<T> {
    fn add(&mut self, run: Vec<T>) -> Extent {
        if let Some(known) = self.runs.get(&run) {
            return *known;
        }
        let place = extent(self.all.len(), run.len());
        self.all.extend(run.iter().cloned());
        self.runs.insert(run, place);
        place
    }
}

fn octets(bytes: &[u8]) -> Octets {
    let mut padded = [0; OCTETS];
    padded[..bytes.len()].copy_from_slice(bytes);
    Octets { length: u8::try_from(bytes.len()).unwrap_or(u8::MAX), bytes: padded }
}

fn network(network: &Network) -> image::Network {
    let version = if network.address.is_ipv4() { 4 } else { 6 };
    image::Network { ip: image::network(network.address, network.prefix), prefix: network.prefix, version }
}

fn extent(first: usize, count: usize) -> Extent {
    let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Extent { first: narrow(first).into(), count: narrow(count).into() }
}

/// Offsets in a condition's text, which is at most 4096 bytes long.
fn narrow(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}
