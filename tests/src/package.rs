//! Signed packages for gateways, and what a tool sends to bring one.

use ed25519_dalek::{Signer, SigningKey};
use tagout_firmware::protocol::{CHUNK, Request};
use tagout_firmware::{Header, Identity, Settings, Signed};
use zerocopy::IntoBytes;

/// When packages say that they were made: 2026-01-01.
const MADE: u64 = 1_767_225_600;

/// The site's key.
pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A gateway that takes what [`key`] signed.
pub fn identity(mac: [u8; 6]) -> Identity {
    Identity::new([key().verifying_key().to_bytes(), [0; 32]], [mac; 2], "GW-1")
}

/// A package of settings and a policy's image.
pub fn package(version: u64, key: &SigningKey, settings: &Settings, image: &[u8]) -> Vec<u8> {
    let mut room = [0; 512];
    let settings = settings.write(&mut room).expect("settings fit");
    let header = Header::new(version, MADE, &key.verifying_key().to_bytes(), settings, image).expect("lengths fit");
    let signed = header.signed(key.sign(header.as_bytes()).to_bytes());
    [signed.as_bytes(), settings, image].concat()
}

/// What a tool sends of a package, a request at a time.
pub fn requests(package: &[u8]) -> Vec<Request<'_>> {
    let (start, content) = package.split_at(size_of::<Signed>());
    let chunks = content.chunks(CHUNK).enumerate();
    let chunks = chunks.map(|(number, octets)| Request::Chunk { at: (number * CHUNK) as u32, octets });
    [Request::Offer(start)].into_iter().chain(chunks).chain([Request::Commit]).collect()
}
