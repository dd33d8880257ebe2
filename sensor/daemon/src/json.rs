//! Records as JSON: what `serde_json` writes, to the byte, in two thirds of the instructions. Names of fields are taken as they are, and
//! text is looked at for what JSON escapes many bytes at once. Numbers, and text that needs escapes, are left to `serde_json`.

use std::fmt::Display;
use std::io::Write;

use serde::Serialize;
use serde::ser::{self, Serializer};
use serde_json::{Error, Result};

/// Appends a value to a line, without spaces or breaks.
///
/// # Errors
/// When a value does not serialize, or the key of a map is not text. The line is of no use then.
pub(crate) fn append(line: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<()> {
    value.serialize(Writer(line))
}

/// A record as a line of text, without its break. Records are made of text and numbers, which JSON takes: of anything that it does
/// not take, the line is empty.
pub(crate) fn line(record: &impl Serialize) -> String {
    let mut line = Vec::with_capacity(1024);
    append(&mut line, record).ok().and_then(|()| String::from_utf8(line).ok()).unwrap_or_default()
}

/// Whether JSON escapes nothing of a text, which is looked at eight bytes at a time; the last ones may be looked at twice.
fn is_plain(text: &[u8]) -> bool {
    if let Some(last) = text.last_chunk() {
        return are_plain(*last) && text.as_chunks().0.iter().all(|eight| are_plain(*eight));
    }
    match (text.first_chunk(), text.last_chunk()) {
        (Some([a, b, c, d]), Some([e, f, g, h])) => are_plain([*a, *b, *c, *d, *e, *f, *g, *h]),
        _ => text.iter().all(|byte| !matches!(byte, 0..=0x1f | b'"' | b'\\')),
    }
}

/// Whether eight bytes are none that JSON escapes.
fn are_plain(bytes: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x80 * ONES;
    let bytes = u64::from_le_bytes(bytes);
    // Sets the top bit of the first byte that is smaller than `least`; bytes from 0x80 on never have it set.
    let below = |bytes: u64, least: u64| bytes.wrapping_sub(least * ONES) & !bytes;
    let is = |byte: u8| below(bytes ^ (u64::from(byte) * ONES), 1);
    (below(bytes, 0x20) | is(b'"') | is(b'\\')) & TOPS == 0
}

/// Where a value goes.
struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    /// A value that is left to `serde_json`.
    fn other(self, value: &(impl Serialize + ?Sized)) -> Result<()> {
        serde_json::to_writer(self.0, value)
    }

    /// A text of which JSON escapes nothing, between what stands before and behind it.
    #[inline(always)]
    fn plain(&mut self, before: &[u8], text: &str, behind: &[u8]) {
        debug_assert!(is_plain(text.as_bytes()), "{text}");
        self.0.extend_from_slice(before);
        self.0.extend_from_slice(text.as_bytes());
        self.0.extend_from_slice(behind);
    }

    /// The beginning of an object whose one field has the variant's name.
    fn variant(mut self, variant: &'static str) -> Self {
        self.plain(b"{\"", variant, b"\":");
        self
    }

    /// The beginning of what has parts; `close` ends it.
    fn parts(self, open: u8, close: &'static str) -> Parts<'a> {
        self.0.push(open);
        Parts { line: self.0, close, is_first: true }
    }
}

macro_rules! others {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<()> {
            self.other(&value)
        })*
    };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    others!(
        serialize_bool: bool, serialize_char: char, serialize_f32: f32, serialize_f64: f64,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_bytes: &[u8]
    );

    fn serialize_str(mut self, text: &str) -> Result<()> {
        if !is_plain(text.as_bytes()) {
            return self.other(text);
        }
        self.plain(b"\"", text, b"\"");
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<()> {
        let start = self.0.len();
        write!(self.0, "\"{value}\"").map_err(Error::io)?;
        let text = self.0.get(start + 1..self.0.len() - 1).unwrap_or_default();
        if is_plain(text) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(text).into_owned();
        self.0.truncate(start);
        self.other(&text)
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(mut self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.plain(b"\"", variant, b"\"");
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let Self(line) = self.variant(variant);
        append(line, value)?;
        line.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>> {
        Ok(self.parts(b'[', "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>> {
        Ok(self.parts(b'[', "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>> {
        Ok(self.parts(b'[', "]"))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Parts<'a>> {
        Ok(self.variant(variant).parts(b'[', "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>> {
        Ok(self.parts(b'{', "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>> {
        Ok(self.parts(b'{', "}"))
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Parts<'a>> {
        Ok(self.variant(variant).parts(b'{', "}}"))
    }
}

/// The elements of an array or the fields of an object, one after another.
struct Parts<'a> {
    line: &'a mut Vec<u8>,
    close: &'static str,
    is_first: bool,
}

impl Parts<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.line.push(b',');
        }
    }

    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<()> {
        self.separate();
        append(self.line, value)
    }

    /// A field with a name of Rust's, or what a record renames it to. Inlined, since a name that is known when this is compiled
    /// is written in one piece.
    #[inline(always)]
    fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<()> {
        self.separate();
        Writer(self.line).plain(b"\"", name, b"\":");
        append(self.line, value)
    }

    fn close(self) -> Result<()> {
        self.line.extend_from_slice(self.close.as_bytes());
        Ok(())
    }
}

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.separate();
        let start = self.line.len();
        append(self.line, key)?;
        if self.line.get(start) != Some(&b'"') {
            return Err(ser::Error::custom("the key of a map is not text"));
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.line.push(b':');
        append(self.line, value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

macro_rules! parts {
    ($($trait:ident: $method:ident($($name:ident)?) as $part:ident),*) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            #[inline(always)]
            fn $method<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Result<()> {
                self.$part($($name,)? value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        })*
    };
}

parts!(
    SerializeSeq: serialize_element() as element,
    SerializeTuple: serialize_element() as element,
    SerializeTupleStruct: serialize_field() as element,
    SerializeTupleVariant: serialize_field() as element,
    SerializeStruct: serialize_field(name) as field,
    SerializeStructVariant: serialize_field(name) as field
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    fn is_as_serde_json_writes_it(value: &(impl Serialize + Debug)) {
        assert_eq!(line(value), serde_json::to_string(value).unwrap(), "{value:?}");
    }

    #[derive(Serialize, Debug)]
    enum Form<'a> {
        Unit,
        NewType(&'a str),
        Tuple(u8, i128, f32),
        Struct { one: f64, other: Option<char> },
    }

    #[derive(Serialize, Debug)]
    struct UnitStruct;

    #[derive(Serialize, Debug)]
    struct NewType(u64);

    #[derive(Serialize, Debug)]
    struct Pair(bool, i64);

    #[derive(Serialize, Debug)]
    struct Inner<'a> {
        inner: &'a str,
        list: &'a [i16],
    }

    #[derive(Serialize, Debug)]
    struct Outer<'a> {
        unit: UnitStruct,
        new_type: NewType,
        pair: Pair,
        #[serde(flatten)]
        flattened: Inner<'a>,
        nested: Inner<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
        #[serde(rename = "renamed-ä")]
        renamed: (),
        map: BTreeMap<&'a str, Form<'a>>,
        empty: (BTreeMap<String, ()>, [u8; 0]),
    }

    #[test]
    fn every_form_is_written_as_serde_json_writes_it() {
        let inner = || Inner { inner: "line\nbreak", list: &[-1, 0, 1] };
        let forms = [
            ("", Form::Unit),
            ("\"quoted\"", Form::NewType("\\")),
            ("tuple", Form::Tuple(255, i128::MIN, f32::NAN)),
            ("struct", Form::Struct { one: -0.1, other: Some('"') }),
            ("\u{1}", Form::Struct { one: f64::INFINITY, other: None }),
        ];
        is_as_serde_json_writes_it(&Outer {
            unit: UnitStruct,
            new_type: NewType(u64::MAX),
            pair: Pair(true, i64::MIN),
            flattened: inner(),
            nested: inner(),
            left_out: None,
            renamed: (),
            map: forms.into(),
            empty: (BTreeMap::new(), []),
        });
    }

    #[test]
    fn each_character_is_escaped_where_json_escapes_it_wherever_it_stands() {
        for character in (0..=0xff).map(char::from) {
            for (before, behind) in (0..20).flat_map(|before| [0, 3, 9].map(|behind| (before, behind))) {
                is_as_serde_json_writes_it(&format!("{}{character}{}", "x".repeat(before), "ÿ".repeat(behind)));
            }
        }
    }

    #[test]
    fn a_map_whose_keys_are_no_text_is_refused() {
        let error = append(&mut Vec::new(), &BTreeMap::from([(1, 2)])).unwrap_err();
        assert_eq!(error.to_string(), "the key of a map is not text");
    }

    struct Shown(String);

    impl Serialize for Shown {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("<{}>", self.0))
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_writes_it(words in prop::collection::vec(any::<String>(), 0..4)) {
            is_as_serde_json_writes_it(&words);
            for word in words {
                let shown = Shown(word);
                prop_assert_eq!(line(&shown), serde_json::to_string(&shown).unwrap());
            }
        }
    }
}
