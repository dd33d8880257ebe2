//! An image, section by section.

use tagout_engine::image::{CRC, Extent, Header, MAGIC, SCHEMA, SECTIONS, Section, Text, UNCHECKED};
use zerocopy::{Immutable, IntoBytes};

use super::{extent, number};

/// An image in the making: sections come in any order, and what is not put stays empty.
pub(super) struct Image {
    /// The bytes of each section and the number of its records.
    sections: [(Vec<u8>, usize); SECTIONS],
}

impl Image {
    pub(super) fn new() -> Self {
        Self { sections: std::array::from_fn(|_| (Vec::new(), 0)) }
    }

    pub(super) fn put<T: IntoBytes + Immutable>(&mut self, section: Section, records: &[T]) {
        self.sections[section as usize] = (records.as_bytes().to_vec(), records.len());
    }

    /// The whole image of a site of this name.
    pub(super) fn finish(self, site: Text) -> Vec<u8> {
        let mut body = Vec::new();
        let sections = self.sections.map(|(bytes, records)| {
            let place = extent(size_of::<Header>() + body.len(), records);
            body.extend(bytes);
            place
        });
        sealed(sections, site, &body)
    }
}

fn sealed(sections: [Extent; SECTIONS], site: Text, body: &[u8]) -> Vec<u8> {
    let length = number(size_of::<Header>() + body.len()).into();
    let header = Header { magic: MAGIC, schema: SCHEMA.into(), crc: 0.into(), length, site, sections };
    let mut image = header.as_bytes().to_vec();
    image.extend(body);
    let crc = CRC.checksum(&image[UNCHECKED..]);
    image[UNCHECKED - 4..UNCHECKED].copy_from_slice(&crc.to_le_bytes());
    image
}
