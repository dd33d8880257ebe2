use toml_edit::{Document, DocumentMut, Item, Table};

/// The text of a policy file in which the permit that stands in `line` (1-based) has these keys, as TOML, beside its own
/// or in their place. `None` if no permit stands there, or if either text is no TOML.
pub fn amend(text: &str, line: u32, keys: &str) -> Option<String> {
    let read = Document::parse(text).ok()?;
    let starts_there = |table: &Table| {
        let before = table.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        before.matches('\n').count() + 1 == line as usize
    };
    let permits = read.as_table().get("permits").and_then(Item::as_array_of_tables)?;
    let place = permits.iter().position(starts_there)?;
    let mut document = read.into_mut();
    let permit = document.get_mut("permits")?.as_array_of_tables_mut()?.get_mut(place)?;
    let keys: DocumentMut = keys.parse().ok()?;
    for (key, value) in keys.iter() {
        permit.insert(key, value.clone());
    }
    Some(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[[permits]]\nactor = \"a\"\n\n# the second\n[[permits]]\nvalue = { max = 8 } # so\n";

    #[test]
    fn a_key_is_changed_where_it_stands_and_nowhere_else() {
        let changed = amend(TEXT, 5, "# why\nvalue = { max = 9 }\n").expect("a permit is there");
        assert!(changed.starts_with("[[permits]]\nactor = \"a\"\n\n# the second\n[[permits]]\n"), "{changed}");
        assert!(changed.contains("value = { max = 9 }") && !changed.contains("max = 8"), "{changed}");
        assert_eq!(amend(TEXT, 4, "a = 1"), None);
        assert_eq!(amend(TEXT, 5, "a ="), None);
    }
}
