//! Declarations as they come while `tagout run` watches: out of files and a subject of NATS, and over an address that is listened on.

mod desk;
mod folder;
mod nats;
mod pulse;
mod reader;
mod renewal;
#[cfg(feature = "tls")]
mod subject;
mod table;
mod tail;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tagout_core::engine::Policy;
use tagout_core::{Sensor, Timestamp};

pub(super) use self::desk::{Desk, Full};
pub use self::nats::NatsTable;
pub(super) use self::pulse::{Pulse, Source};
use self::reader::Reader;
pub use self::renewal::Renewal;
#[cfg(feature = "tls")]
use self::subject::Subject;
pub use self::table::FeedTable;
use super::receive::{Listener, Receipts, Server};
use super::spans::Servers;
use super::{Keys, Told};
use crate::Failure;
use crate::output::Recorder;
use crate::sandbox::Grants;

/// What waits for the sensor at most; beyond it files are read on later, and who sends is told to come again.
const MOST_WAITING: usize = 1_024;
/// What the sensor takes at once at most, so that frames do not wait for declarations.
const MOST_AT_ONCE: usize = 64;

/// Where declarations come from, with all open that has to be before the process locks itself in.
pub struct Inlet {
    table: FeedTable,
    /// Files beside the one that `servers` names, of which it tells.
    mappings: Vec<PathBuf>,
    listener: Option<Listener>,
    #[cfg(feature = "tls")]
    subject: Option<Subject>,
}

/// Declarations on their way from those who read and listen to the sensor.
pub struct Feed {
    told: Receiver<Told>,
    keys: Arc<Mutex<Keys>>,
    refused: Arc<AtomicU64>,
    server: Option<Arc<Server>>,
    #[cfg(feature = "tls")]
    subject: Option<Arc<Subject>>,
}

impl Inlet {
    /// Opens what the table names; `None` if that is nothing. What is declared is to be in the words of this policy.
    ///
    /// # Errors
    /// When the table or a file that it names is wrong, or an address cannot be had.
    pub fn open(table: &FeedTable, policy: &Policy<'_>) -> Result<Option<Self>, Failure> {
        table.check()?;
        if table.is_empty() {
            return Ok(None);
        }
        let renewal = Renewal::read(table, policy)?;
        Ok(Some(Self {
            table: table.clone(),
            mappings: renewal.servers.iter().flat_map(Servers::files).cloned().collect(),
            #[cfg(feature = "tls")]
            subject: table.nats.as_ref().zip(renewal.nats.clone()).map(Subject::new).transpose()?,
            listener: Listener::open(table, renewal)?,
        }))
    }

    /// Asks for what reading takes, now and with each renewal.
    pub(crate) fn ask_for(&self, grants: &mut Grants) {
        self.table.ask_for(grants);
        self.mappings.iter().for_each(|file| grants.read_anew(file));
    }

    /// Counts of what comes over the address that is listened on, if one is.
    pub fn receipts(&self) -> Option<Arc<Receipts>> {
        self.listener.as_ref().map(Listener::receipts)
    }

    /// What it opened.
    fn sources(&self) -> Vec<Source> {
        let mut sources = Vec::new();
        sources.extend(self.table.has_files().then_some(Source::Files));
        sources.extend(self.listener.is_some().then_some(Source::Listener));
        #[cfg(feature = "tls")]
        sources.extend(self.subject.is_some().then_some(Source::Nats));
        sources
    }

    /// Starts to read and to answer; takes what these keys signed.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(self, keys: Keys) -> Result<Feed, Failure> {
        let sources = self.sources();
        let Self { table, listener, .. } = self;
        #[cfg(feature = "tls")]
        let subject = self.subject.map(Arc::new);
        let (to, told) = sync_channel(MOST_WAITING);
        let keys = Arc::new(Mutex::new(keys));
        let pulse = Arc::new(Pulse::of(sources));
        let refused = Arc::<AtomicU64>::default();
        let desk = || Desk::new(Arc::clone(&keys), to.clone(), Arc::clone(&pulse), Arc::clone(&refused));
        if table.has_files() {
            let reader = Reader::new(&table, desk());
            start("intents", move || reader.run())?;
        }
        let server = listener.map(|listener| listener.start(desk())).transpose()?;
        #[cfg(feature = "tls")]
        if let Some(subject) = subject.clone() {
            let desk = desk();
            start("nats", move || subject.run(desk))?;
        }
        Ok(Feed {
            told,
            keys,
            refused,
            server,
            #[cfg(feature = "tls")]
            subject,
        })
    }
}

impl Feed {
    /// Takes what these keys signed from now on, and goes by what was read anew.
    pub fn renew(&self, keys: Keys, renewal: Renewal) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
        #[cfg(feature = "tls")]
        if let Some((subject, options)) = self.subject.as_ref().zip(renewal.nats.as_ref()) {
            subject.renew(options);
        }
        if let Some(server) = &self.server {
            server.renew(renewal);
        }
    }

    /// How many declarations were not taken since the start, wherever they came from.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Gives the sensor what came, as of `now`: the time that it knows, which frames that wait must not be later than.
    pub fn give(&self, now: Timestamp, sensor: &mut Sensor<'_>, recorder: &mut Recorder<'_>) {
        for told in self.told.try_iter().take(MOST_AT_ONCE) {
            told.known_by(now).give(sensor, recorder);
        }
    }
}

pub(super) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map(drop).map_err(|error| Failure::Io(format!("cannot start a thread: {error}")))
}
