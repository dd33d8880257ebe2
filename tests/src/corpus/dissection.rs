use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A field of tshark's JSON: its name, or where it has none its label; its value; and the fields below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// Name as in a display filter, such as `modbus.func_code`, or a label.
    pub name: String,
    /// Value as a display filter writes it; empty if there is none.
    pub value: String,
    /// What stands below it, in the order of the octets.
    pub children: Vec<Node>,
}

impl Node {
    /// The values of every field called `name`, here and anywhere below.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        let here = (self.name == name).then_some(self.value.as_str());
        Box::new(here.into_iter().chain(self.children.iter().flat_map(move |child| child.values(name))))
    }

    /// The first of [`Node::values`], as a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.values(name).next().and_then(number)
    }
}

/// A number as display filters write it: decimal, or hexadecimal with `0x`.
pub(super) fn number(text: &str) -> Option<u64> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |digits| u64::from_str_radix(digits, 16).ok())
}

/// Reads what `tshark -T json` wrote, and hands over the layers of each frame, one frame at a time.
///
/// # Errors
/// If it is no such JSON.
pub(super) fn read_frames(json: &[u8], each: &mut dyn FnMut(Vec<Node>)) -> serde_json::Result<()> {
    serde_json::Deserializer::from_slice(json).deserialize_seq(Frames(each))
}

struct Frames<'a>(&'a mut dyn FnMut(Vec<Node>));

impl<'de> Visitor<'de> for Frames<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of frames")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut frames: A) -> Result<(), A::Error> {
        while let Some(Content { children, .. }) = frames.next_element()? {
            let layers = children.into_iter().find(|node| node.name == "_source");
            let layers = layers.and_then(|source| source.children.into_iter().find(|node| node.name == "layers"));
            (self.0)(layers.map(|layers| layers.children).unwrap_or_default());
        }
        Ok(())
    }
}

/// What stands behind a name: a value, or further fields. A name may come several times.
#[derive(Default)]
struct Content {
    value: String,
    children: Vec<Node>,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or further fields")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::default())
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content { value: value.to_owned(), children: Vec::new() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Content::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut children: Vec<Node> = Vec::new();
        while let Some((name, Content { value, children: below })) = map.next_entry::<String, Content>()? {
            match children.last_mut().filter(|last| name.strip_suffix("_tree") == Some(last.name.as_str())) {
                Some(last) => last.children = below,
                None => children.push(Node { name, value, children: below }),
            }
        }
        Ok(Content { value: String::new(), children })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_repeat_and_trees_belong_to_their_field() {
        let json = br#"[{"_score": null, "_source": {"layers": {"dnp3": {
            "al.obj": "0x0102", "al.obj_tree": {"Point 0": {"index": "7"}}, "al.obj": "0x1e01"}}}}]"#;
        let mut frames = Vec::new();
        read_frames(json, &mut |layers| frames.push(layers)).expect("well-formed JSON");
        let [layers] = frames.as_slice() else { panic!("one frame: {frames:?}") };
        let [dnp3] = layers.as_slice() else { panic!("one layer: {layers:?}") };
        assert_eq!(dnp3.values("al.obj").collect::<Vec<_>>(), ["0x0102", "0x1e01"]);
        assert_eq!(dnp3.children[0].number("index"), Some(7));
        assert_eq!(dnp3.children[1].number("index"), None);
        assert_eq!(number("0x1e01"), Some(0x1E01));
    }
}
