//! Signed intents out of files, as they are written: what `tagout run` hears of declarations.

mod folder;
mod tail;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tagout_core::{Sensor, Timestamp};
use tracing::warn;

use self::folder::Folder;
use self::tail::Tail;
use super::{Keys, Refusal, Told};
use crate::Failure;
use crate::config::{folder, one_or_many};
use crate::output::Recorder;
use crate::record::Stamp;
use crate::sandbox::Grants;

/// From one look at the files to the next.
const PAUSE: Duration = Duration::from_millis(50);
/// From one sign of life to the next; what is refused is told as often at most.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// What waits for the sensor at most; beyond it files are read on later.
const MOST_WAITING: usize = 1_024;
/// What the sensor takes at once at most, so that frames do not wait for declarations.
const MOST_AT_ONCE: usize = 64;

/// `[intents]`: where declarations come from. Paths are relative to the configuration file.
#[derive(Deserialize, Clone, PartialEq, Eq, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct FeedTable {
    /// Files with a signed intent a line, read on as they grow.
    #[serde(deserialize_with = "one_or_many")]
    pub files: Vec<PathBuf>,
    /// A folder in which each file that ends in `.jws` is a signed intent.
    pub directory: Option<PathBuf>,
}

impl FeedTable {
    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.directory.is_none()
    }

    /// Makes its paths relative to something.
    pub(crate) fn place_paths(&mut self, place: impl Fn(&Path) -> PathBuf) {
        self.files.iter_mut().chain(&mut self.directory).for_each(|path| *path = place(path));
    }

    /// Asks for what reading takes. A file that is replaced by another needs its folder.
    pub(crate) fn ask_for(&self, grants: &mut Grants) {
        self.files.iter().map(|file| folder(file)).chain(self.directory.as_deref()).for_each(|path| grants.read(path));
    }
}

/// Declarations on their way from a thread that reads to the sensor.
pub struct Feed {
    told: Receiver<Told>,
    keys: Arc<Mutex<Keys>>,
}

impl Feed {
    /// Starts to read, if there is something to read; takes what these keys signed.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(table: &FeedTable, keys: Keys) -> Result<Option<Self>, Failure> {
        if table.is_empty() {
            return Ok(None);
        }
        let (to, told) = sync_channel(MOST_WAITING);
        let keys = Arc::new(Mutex::new(keys));
        let reader = Reader {
            tails: table.files.iter().map(|file| Tail::new(file)).collect(),
            folder: table.directory.as_deref().map(Folder::new),
            desk: Desk { keys: Arc::clone(&keys), to, refused: 0, complained: None },
            alive: None,
            is_well: true,
        };
        let thread = thread::Builder::new().name("intents".to_owned()).spawn(move || reader.run());
        thread.map_err(|error| Failure::Io(format!("cannot start a thread: {error}")))?;
        Ok(Some(Self { told, keys }))
    }

    /// Takes what these keys signed from now on.
    pub fn trust(&self, keys: Keys) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Gives the sensor what came, as of `now`: the time that it knows, which frames that wait must not be later than.
    pub fn give(&self, now: Timestamp, sensor: &mut Sensor<'_>, recorder: &mut Recorder<'_>) {
        for told in self.told.try_iter().take(MOST_AT_ONCE) {
            told.known_by(now).give(sensor, recorder);
        }
    }
}

/// Reads again and again until nobody listens any more.
struct Reader {
    tails: Vec<Tail>,
    folder: Option<Folder>,
    desk: Desk,
    /// When the last sign of life was given.
    alive: Option<Instant>,
    is_well: bool,
}

/// Nobody listens any more.
struct Gone;

/// Why reading stops before its end.
enum Halt {
    /// Nobody listens any more.
    Gone,
    /// What there is cannot be read.
    Unreadable(io::Error),
}

impl From<Gone> for Halt {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Reader {
    fn run(mut self) {
        while self.look().is_ok() {
            thread::sleep(PAUSE);
        }
    }

    fn look(&mut self) -> Result<(), Gone> {
        let mut trouble = None;
        for tail in &mut self.tails {
            let read = tail.read(|text| self.desk.take(text));
            note(read, tail.path(), &mut trouble)?;
        }
        if let Some(folder) = &mut self.folder {
            let read = folder.read(|text| self.desk.take(text));
            note(read, folder.path(), &mut trouble)?;
        }
        self.live(trouble)
    }

    /// Gives a sign of life now and then while everything can be read, and tells in the log once when it cannot.
    fn live(&mut self, trouble: Option<String>) -> Result<(), Gone> {
        let was_well = std::mem::replace(&mut self.is_well, trouble.is_none());
        if let Some(why) = trouble {
            if was_well {
                warn!("declarations cannot be read: {why}");
            }
            return Ok(());
        }
        if self.alive.is_some_and(|alive| alive.elapsed() < ALIVE_INTERVAL) {
            return Ok(());
        }
        self.alive = Some(Instant::now());
        self.desk.send(Told::Alive(Stamp::now().0))
    }
}

/// Takes note of what cannot be read, which keeps nothing else from being read.
fn note(read: Result<(), Halt>, path: &Path, trouble: &mut Option<String>) -> Result<(), Gone> {
    match read {
        Err(Halt::Gone) => Err(Gone),
        Err(Halt::Unreadable(error)) => {
            trouble.get_or_insert_with(|| format!("{}: {error}", path.display()));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Checks what was read, and hands it on.
struct Desk {
    keys: Arc<Mutex<Keys>>,
    to: SyncSender<Told>,
    /// What was refused and not told of in the log.
    refused: u64,
    complained: Option<Instant>,
}

impl Desk {
    fn take(&mut self, text: Result<&[u8], Refusal>) -> Result<(), Gone> {
        let told = text.and_then(|text| {
            let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            Told::signed(text, Stamp::now().0, &keys)
        });
        match told {
            Ok(told) => self.send(told),
            Err(refusal) => {
                self.complain(&refusal);
                Ok(())
            }
        }
    }

    fn send(&self, told: Told) -> Result<(), Gone> {
        self.to.send(told).map_err(|_| Gone)
    }

    fn complain(&mut self, refusal: &Refusal) {
        self.refused += 1;
        if self.complained.is_none_or(|complained| complained.elapsed() >= ALIVE_INTERVAL) {
            warn!("a declaration is not taken: {refusal} ({} since this was last told)", self.refused);
            self.complained = Some(Instant::now());
            self.refused = 0;
        }
    }
}
