use sha2::{Digest, Sha512_256};
use tagout_core::engine::Policy;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::fit::{self, Use};
use crate::identity::{Identity, KEY_NAME};
use crate::refusal::{Refusal, ensure};
use crate::settings::Settings;
use crate::signature::verify;

/// First bytes of every package.
const MAGIC: [u8; 8] = *b"tagout\0H";
/// Version of the layout.
const SCHEMA: u32 = 1;
/// The kind of board, which is the size of its tables and of its slots. There is one so far.
const PROFILE: u32 = 1;

/// Octets of the longest package that every board has room for.
pub const LONGEST: usize = 128 * 1024 - 32;

/// What is signed: what a package is and what is in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Header {
    magic: [u8; 8],
    schema: U32,
    profile: U32,
    version: U64,
    created: U64,
    settings: U32,
    policy: U32,
    key: [u8; KEY_NAME],
    reserved: [u8; 16],
    hash: [u8; 32],
}

/// A header with its signature: what stands at the start of a package, and what an update is offered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Signed {
    header: Header,
    signature: [u8; 64],
}

impl Header {
    /// The header of a package made `created` seconds after the Unix epoch, to be signed by the owner of `key`.
    pub fn new(version: u64, created: u64, key: &[u8; 32], settings: &[u8], policy: &[u8]) -> Option<Self> {
        let content = Sha512_256::new().chain_update(settings).chain_update(policy).finalize();
        Some(Self {
            magic: MAGIC,
            schema: U32::new(SCHEMA),
            profile: U32::new(PROFILE),
            version: U64::new(version),
            created: U64::new(created),
            settings: U32::new(u32::try_from(settings.len()).ok()?),
            policy: U32::new(u32::try_from(policy.len()).ok()?),
            key: *key.first_chunk()?,
            reserved: [0; 16],
            hash: content.into(),
        })
    }

    /// The header with the signature that was made of its bytes.
    pub const fn signed(self, signature: [u8; 64]) -> Signed {
        Signed { header: self, signature }
    }

    /// Octets of settings and policy.
    fn content(&self) -> Option<usize> {
        self.settings.get().checked_add(self.policy.get()).and_then(|len| usize::try_from(len).ok())
    }
}

impl Signed {
    /// Takes a header that one of the keys of `identity` signed, of a package that fits into `room` octets.
    ///
    /// # Errors
    /// The first thing that speaks against it.
    pub fn read<'b>(bytes: &'b [u8], identity: &Identity, room: usize) -> Result<&'b Self, Refusal> {
        let (signed, _) = Self::ref_from_prefix(bytes).map_err(|_| Refusal::Length)?;
        let header = &signed.header;
        ensure(header.magic == MAGIC, Refusal::NotAPackage)?;
        ensure(header.schema.get() == SCHEMA && header.reserved == [0; 16], Refusal::Schema)?;
        ensure(header.profile.get() == PROFILE, Refusal::Profile)?;
        let key = identity.key(header.key).ok_or(Refusal::ForeignKey)?;
        ensure(verify(key, header.as_bytes(), &signed.signature), Refusal::Signature)?;
        ensure(signed.package().is_some_and(|len| len <= room), Refusal::Length)?;
        Ok(signed)
    }

    /// The version, which grows from package to package of a site.
    pub const fn version(&self) -> u64 {
        self.header.version.get()
    }

    /// Seconds since the Unix epoch when it was made.
    pub const fn created(&self) -> u64 {
        self.header.created.get()
    }

    /// The version that a package claims to have, which nobody checked.
    pub(crate) fn claimed_version(bytes: &[u8]) -> Option<u64> {
        Self::ref_from_prefix(bytes).ok().map(|(signed, _)| signed.version())
    }

    /// Settings and policy of the package at the start of `bytes`.
    fn content_in<'b>(&self, bytes: &'b [u8]) -> Result<&'b [u8], Refusal> {
        self.package().and_then(|end| bytes.get(size_of::<Self>()..end)).ok_or(Refusal::Length)
    }

    /// Octets of the whole package.
    pub(crate) fn package(&self) -> Option<usize> {
        self.header.content().and_then(|content| content.checked_add(size_of::<Self>()))
    }
}

/// A package that was checked from the first octet to the last.
#[derive(Clone, Debug)]
pub struct Package<'a> {
    signed: &'a Signed,
    /// The gateway's settings.
    pub settings: Settings,
    /// The policy, which fits the gateway's tables.
    pub policy: Policy<'a>,
}

impl<'a> Package<'a> {
    /// Takes the package at the start of `bytes`, which may be longer.
    ///
    /// # Errors
    /// The first thing that speaks against it.
    pub fn read(bytes: &'a [u8], identity: &Identity) -> Result<Self, Refusal> {
        let signed = Signed::read(bytes, identity, bytes.len())?;
        let content = signed.content_in(bytes)?;
        ensure(Sha512_256::digest(content).as_slice() == signed.header.hash, Refusal::Content)?;
        Self::unpack(bytes)
    }

    /// Takes a package that was read before, and that nobody wrote to since.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn unpack(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (signed, _) = Signed::ref_from_prefix(bytes).map_err(|_| Refusal::Length)?;
        let split = usize::try_from(signed.header.settings.get()).map_err(|_| Refusal::Length)?;
        let (settings, policy) = signed.content_in(bytes)?.split_at_checked(split).ok_or(Refusal::Length)?;
        let settings = Settings::read(settings).map_err(|_| Refusal::Settings)?;
        let policy = Policy::trust(policy).map_err(|_| Refusal::Policy)?;
        ensure(fit::uses(&policy).iter().all(Use::fits), Refusal::Tables)?;
        Ok(Self { signed, settings, policy })
    }

    /// The version, which grows from package to package of a site.
    pub const fn version(&self) -> u64 {
        self.signed.version()
    }

    /// What it was offered with.
    pub(crate) const fn signed(&self) -> &'a Signed {
        self.signed
    }
}
