//! Polls as cadences write them: `read holding-register 0..9`, `read class 1, class 2`, `identify function 43 sub 14`.

use tagout_engine::{Action, Asked, PollKey, Space};

use crate::diagnostic::Report;
use crate::model::Poll;
use crate::node::Node;

/// The most things that one poll asks for.
const MOST: usize = 64;

/// Reads a poll.
pub(super) fn poll(node: Node<'_>, report: &mut Report<'_>) -> Option<Poll> {
    let text = node.text(report)?;
    match read(text) {
        Ok((action, asked)) => {
            let key = PollKey::of(action, &mut asked.iter().copied());
            let parts: Vec<_> = asked.iter().map(ToString::to_string).collect();
            Some(Poll { span: node.span, text: format!("{} {}", action.name(), parts.join(", ")), key })
        }
        Err(why) => {
            let draft = report.error(node.span, format!("`{text}` is no poll")).label(why);
            draft.help("as in \"read holding-register 0..9\" or \"read class 1, class 2\"".to_owned());
            None
        }
    }
}

fn read(text: &str) -> Result<(Action, Vec<Asked>), String> {
    let (action, asked) = text.trim().split_once(' ').ok_or("what does it ask for?")?;
    let action = Action::from_name(action).ok_or_else(|| format!("`{action}` is no action"))?;
    let asked = asked.split(',').map(|part| part_of(part.trim())).collect::<Result<Vec<_>, _>>()?;
    if action == Action::Confirm {
        return Err("a confirm is no poll".to_owned());
    }
    if asked.len() > MOST { Err(format!("it asks for more than {MOST} things")) } else { Ok((action, asked)) }
}

fn part_of(part: &str) -> Result<Asked, String> {
    let words: Vec<_> = part.split_whitespace().collect();
    let no_part =
        || format!("`{part}` is none of `SPACE FIRST..LAST`, `class N`, `group N variation N …`, `function N`");
    let asked = match words.as_slice() {
        ["class", class] => number(class, 3).map(|class| Asked::class(class as u8)),
        ["group", group, "variation", variation, rest @ ..] => objects(group, variation, rest),
        ["function", code] => function(code, "0"),
        ["function", code, "sub", sub] => function(code, sub),
        [space, range] => {
            let space = Space::from_name(space).ok_or_else(|| format!("`{space}` is no address space"))?;
            span(range).map(|(address, count)| Asked::Span { space, address, count })
        }
        _ => None,
    };
    asked.ok_or_else(no_part)
}

fn objects(group: &str, variation: &str, rest: &[&str]) -> Option<Asked> {
    let (first, count) = match rest {
        [] => (None, None),
        ["count", count] => (None, Some(number(count, u32::MAX)?)),
        [range] => span(range).map(|(first, count)| (Some(first), Some(count)))?,
        _ => return None,
    };
    let (group, variation) = (number(group, 255)? as u8, number(variation, 255)? as u8);
    Some(Asked::Objects { group, variation, first, count })
}

fn function(code: &str, sub: &str) -> Option<Asked> {
    Some(Asked::Function { code: number(code, 255)? as u8, sub: number(sub, 65_535)? as u16 })
}

/// First and number of `0..9`, or of `7` alone.
pub(super) fn span(range: &str) -> Option<(u32, u32)> {
    let (first, last) = range.split_once("..").unwrap_or((range, range));
    let (first, last) = (number(first, u32::MAX - 1)?, number(last, u32::MAX - 1)?);
    Some((first, last.checked_sub(first)? + 1))
}

fn number(text: &str, most: u32) -> Option<u32> {
    text.parse().ok().filter(|number| *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "read holding-register 0..9",
            "read coil 7",
            "read class 1, class 2, class 3, class 0",
            "read group 30 variation 2 0..7, group 1 variation 0",
            "read group 2 variation 1 count 10",
            "diagnostics function 8 sub 10",
            "identify function 17",
            "write holding-register 100..101",
        ] {
            let (action, asked) = read(text).unwrap();
            let parts: Vec<_> = asked.iter().map(ToString::to_string).collect();
            assert_eq!(format!("{} {}", action.name(), parts.join(", ")), text);
        }
    }

    #[test]
    fn no_two_polls_have_one_key() {
        let texts = [
            "read coil 0",
            "read coil 0..1",
            "read coil 1",
            "write coil 0",
            "read group 0 variation 0 0",
            "read function 0",
        ];
        let keys: std::collections::BTreeSet<_> = texts
            .iter()
            .map(|text| read(text).map(|(action, asked)| PollKey::of(action, &mut asked.into_iter())))
            .collect();
        assert_eq!(keys.len(), texts.len());
    }
}
