use tagout_engine::AnomalyKind;

/// What stands at the start of unparsed bytes of a stream.
///
/// Scanning never fails: damaged bytes are skipped up to the next plausible unit, so that one damaged unit costs only
/// itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scan {
    /// A whole unit of this many bytes.
    Unit {
        /// Length of the unit, at least 1 and at most the bytes given.
        len: usize,
    },
    /// The beginning of a plausible unit; `need` is its length as far as it is known now, always more than the bytes
    /// given.
    Partial {
        /// How many bytes to have before scanning again.
        need: usize,
    },
    /// Nothing plausible in the first `skip` bytes (at least 1 and at most the bytes given); scan again behind them.
    Damaged {
        /// How many bytes to pass over.
        skip: usize,
        /// What is wrong with them.
        kind: AnomalyKind,
    },
}
