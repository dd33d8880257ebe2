use std::sync::atomic::{AtomicU64, Ordering};

/// Declares words that are counted by.
macro_rules! counted {
    ($(#[$of:meta])* $name:ident { $($variant:ident = $word:literal, $meaning:literal;)+ }) => {
        $(#[$of])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $(#[doc = $meaning] $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// As metrics call it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

counted! {
    /// What became of a request.
    Outcome {
        Taken = "taken", "All of it was taken.";
        Partly = "partly", "Some of it was refused.";
        Malformed = "malformed", "It was not what it said it is (400).";
        NotFound = "not-found", "It was for something that is not there (404).";
        NotAllowed = "not-allowed", "It was no POST (405).";
        TooSlow = "too-slow", "Its body did not come in time (408).";
        TooLarge = "too-large", "It was too large, as sent or unpacked (413).";
        Unsupported = "unsupported", "It was of a type or packing that is not taken (415).";
        TooMany = "too-many", "Its peer had sent too many (429).";
        Busy = "busy", "There was no room for what it holds (503).";
    }
}

counted! {
    /// Why a connection ended before it could ask.
    Turned {
        TooMany = "too-many", "There were too many, of its peer or of all, or they came too fast.";
        Handshake = "handshake", "TLS did not come about.";
        Silent = "silent", "No request began in time.";
        Broken = "broken", "What came was no HTTP.";
    }
}

/// What came to the listener, and what became of it.
#[derive(Default, Debug)]
pub struct Receipts {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    turned: [AtomicU64; Turned::ALL.len()],
    open: AtomicU64,
    declared: AtomicU64,
    refused: AtomicU64,
}

impl Receipts {
    /// Requests by what became of them.
    pub fn requests(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize].load(Ordering::Relaxed)
    }

    /// Connections that ended before they could ask, by why.
    pub fn turned_away(&self, why: Turned) -> u64 {
        self.turned[why as usize].load(Ordering::Relaxed)
    }

    /// Connections that are open.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Declarations handed on to the sensor.
    pub fn declared(&self) -> u64 {
        self.declared.load(Ordering::Relaxed)
    }

    /// Declarations that were not taken, whoever sent them.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn answered(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn turn_away(&self, why: Turned) {
        self.turned[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn declare(&self, taken: u64, refused: u64) {
        self.declared.fetch_add(taken, Ordering::Relaxed);
        self.refused.fetch_add(refused, Ordering::Relaxed);
    }
}
