use heapless::Vec;

use crate::package::Signed;
use crate::protocol::{Answer, Assembly, CHUNK, Request, Status};
use crate::refusal::Refusal;
use crate::slots::{MappedFlash, Slots};

/// Flash is written in words of at most this many octets.
const WORD: usize = 32;

/// The gateway's side of the update protocol: octets of one connection in, octets for it out.
///
/// Signature, key, version and length are checked before any flash is erased. Whatever is wrong later leaves the
/// package in force as it is.
#[derive(Debug, Default)]
pub struct Update {
    assembly: Assembly,
    step: Step,
    /// What a question for the status is answered with; what is known of packages is filled in.
    pub status: Status,
}

#[derive(Clone, Copy, Debug, Default)]
enum Step {
    /// Nothing was offered.
    #[default]
    Idle,
    /// So many octets of so many are written.
    Receiving { written: usize, of: usize },
    /// A package of this version comes into force with the next start.
    Committed(u64),
}

/// What came of the octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Progress {
    /// More is expected.
    Waiting,
    /// The answer tells the other side; then the connection is to be closed. To be alerted on.
    Refused(Refusal),
    /// The package of this version comes into force when the gateway starts again, which it should once the answer is
    /// sent.
    Committed(u64),
}

impl Update {
    /// Nothing was offered yet.
    pub const fn new() -> Self {
        Self { assembly: Assembly::new(), step: Step::Idle, status: Status::new() }
    }

    /// Takes what a connection brought, writes to the idle slot what is to be written, and adds what to answer to
    /// `answer`, which has to have room for a status ([`FRAME`](crate::protocol::FRAME) is enough).
    pub fn take<F: MappedFlash, const N: usize>(
        &mut self,
        bytes: &[u8],
        slots: &mut Slots<'_, F>,
        answer: &mut Vec<u8, N>,
    ) -> Progress {
        match self.take_all(bytes, slots, answer) {
            Ok(progress) => progress,
            Err(refusal) => {
                self.close();
                // Without room the connection closes in silence.
                let _ = send(&Answer::Refused(refusal), answer);
                Progress::Refused(refusal)
            }
        }
    }

    /// Forgets what the connection that ended left unfinished; true if that is a package.
    pub fn close(&mut self) -> bool {
        self.assembly.clear();
        let is_unfinished = matches!(self.step, Step::Receiving { .. });
        if is_unfinished {
            self.step = Step::Idle;
        }
        is_unfinished
    }

    fn take_all<F: MappedFlash, const N: usize>(
        &mut self,
        mut bytes: &[u8],
        slots: &mut Slots<'_, F>,
        answer: &mut Vec<u8, N>,
    ) -> Result<Progress, Refusal> {
        while let Some(frame) = self.assembly.take(&mut bytes)? {
            let request = Request::read(frame).ok_or(Refusal::Frame)?;
            let answered = match request {
                Request::Status => Answer::Status(status(&self.status, self.step, slots)),
                Request::Offer(start) => offer(&mut self.step, start, slots)?,
                Request::Chunk { at, octets } => chunk(&mut self.step, at, octets, slots)?,
                Request::Commit => commit(&mut self.step, slots)?,
            };
            send(&answered, answer)?;
            // Nothing behind it counts: the gateway is about to start again.
            if let Answer::Committed(version) = answered {
                return Ok(Progress::Committed(version));
            }
        }
        Ok(Progress::Waiting)
    }
}

fn send<const N: usize>(answered: &Answer, answer: &mut Vec<u8, N>) -> Result<(), Refusal> {
    answered.add_to(answer).ok_or(Refusal::Frame)
}

#[inline(never)]
fn status<F: MappedFlash>(counted: &Status, step: Step, slots: &Slots<'_, F>) -> Status {
    let pending = if let Step::Committed(version) = step { Some(version) } else { None };
    Status { package: slots.version(), pending, ..counted.clone() }
}

#[inline(never)]
fn offer<F: MappedFlash>(step: &mut Step, start: &[u8], slots: &mut Slots<'_, F>) -> Result<Answer, Refusal> {
    match step {
        Step::Idle => {}
        // Each one erases flash, and the next connection may have to wait for it.
        Step::Receiving { .. } => return Err(Refusal::Order),
        Step::Committed(_) => return Err(Refusal::Pending),
    }
    if start.len() != size_of::<Signed>() {
        return Err(Refusal::Frame);
    }
    match slots.admit(start)? {
        None => Ok(Answer::InForce(slots.version().unwrap_or_default())),
        Some(signed) => {
            let of = signed.package().and_then(|len| len.checked_sub(size_of::<Signed>())).ok_or(Refusal::Length)?;
            slots.begin(signed)?;
            *step = Step::Receiving { written: 0, of };
            Ok(Answer::Received(0))
        }
    }
}

#[inline(never)]
fn chunk<F: MappedFlash>(step: &mut Step, at: u32, octets: &[u8], slots: &mut Slots<'_, F>) -> Result<Answer, Refusal> {
    let Step::Receiving { written, of } = step else { return Err(Refusal::Order) };
    let end = written.checked_add(octets.len()).filter(|end| end <= of).ok_or(Refusal::Length)?;
    if u32::try_from(*written) != Ok(at) || (octets.len() < CHUNK && end < *of) {
        return Err(Refusal::Order);
    }
    let mut words: Vec<u8, CHUNK> = Vec::new();
    words.extend_from_slice(octets).map_err(|_| Refusal::Frame)?;
    // What the flash holds where nothing was written.
    let whole = octets.len().checked_next_multiple_of(WORD).ok_or(Refusal::Length)?;
    words.resize(whole, 0xff).map_err(|_| Refusal::Length)?;
    slots.write(written.checked_add(size_of::<Signed>()).ok_or(Refusal::Length)?, &words)?;
    *written = end;
    Ok(Answer::Received(u32::try_from(end).map_err(|_| Refusal::Length)?))
}

#[inline(never)]
fn commit<F: MappedFlash>(step: &mut Step, slots: &mut Slots<'_, F>) -> Result<Answer, Refusal> {
    match step {
        Step::Receiving { written, of } if written == of => {
            let version = slots.commit()?;
            *step = Step::Committed(version);
            Ok(Answer::Committed(version))
        }
        Step::Committed(_) => Err(Refusal::Pending),
        Step::Receiving { .. } | Step::Idle => Err(Refusal::Order),
    }
}
