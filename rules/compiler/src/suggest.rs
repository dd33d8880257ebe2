/// `did you mean …?` with the nearest of the right names, if any is near.
pub(crate) fn did_you_mean<'n>(found: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let names: Vec<_> = names.into_iter().collect();
    let name = nearest(found, names.iter().copied()).or_else(|| longer_or_shorter(found, &names))?;
    Some(format!("did you mean `{name}`?"))
}

/// The one name that says more, or less, before its last dot, as a point does with its device and without.
fn longer_or_shorter<'n>(found: &str, names: &[&'n str]) -> Option<&'n str> {
    let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with('.'));
    let mut alike = names.iter().filter(|name| ends(found, name) || ends(name, found));
    alike.next().copied().filter(|_| alike.next().is_none())
}

/// The name that takes the fewest edits, unless it takes more than a third of its letters (two are always near
/// enough for names of four letters and more).
fn nearest<'n>(found: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distance = |name: &str| strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase());
    let near = |name: &str| (name.chars().count() / 3).max(if name.len() < 4 { 1 } else { 2 });
    let ranked = names.into_iter().map(|name| (distance(name), name));
    ranked.filter(|(distance, name)| *distance <= near(name)).min().map(|(_, name)| name)
}

/// The names as an English list: `` `a`, `b` or `c` ``.
pub(crate) fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["pump_speed", "level", "inlet"];
        assert_eq!(did_you_mean("pump_sped", names).as_deref(), Some("did you mean `pump_speed`?"));
        assert_eq!(did_you_mean("lvel", names).as_deref(), Some("did you mean `level`?"));
        assert_eq!(did_you_mean("outlet_valve", names), None);
        assert_eq!(did_you_mean("ab", ["ip"]), None);
    }

    #[test]
    fn points_are_suggested_with_their_device_and_without() {
        let suggested = |found, names: [&str; 2]| did_you_mean(found, names);
        assert_eq!(suggested("level", ["plc1.level", "plc1.speed"]).as_deref(), Some("did you mean `plc1.level`?"));
        assert_eq!(suggested("plc1.level", ["level", "speed"]).as_deref(), Some("did you mean `level`?"));
        assert_eq!(suggested("level", ["plc1.level", "plc2.level"]), None, "which of them?");
    }
}
