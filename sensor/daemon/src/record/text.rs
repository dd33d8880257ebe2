use std::fmt::Display;

use serde::{Serialize, Serializer};

/// Writes what displays as a JSON string, without building it first.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
