//! Fields that a line of the Common Event Format is given once it is known: which sensor it comes from, where the packets are.

use tagout_core::words::{CEF_MOST, CEF_SENTENCE_LEAST};

/// Where the sentence begins, which is the last field: no value holds this, as values write an equals sign behind a backslash.
const SENTENCE: &str = " msg=";

/// The line with these fields before its sentence, which is cut to make room; a field for which there is none is left out.
pub(crate) fn with_fields(mut line: String, fields: &[(&str, &str)]) -> String {
    let Some(start) = line.rfind(SENTENCE) else { return line };
    let sentence = line.split_off(start);
    for (key, value) in fields {
        let field = format!(" {key}={}", escaped(value));
        if line.len() + field.len() + CEF_SENTENCE_LEAST.min(sentence.len()) <= CEF_MOST {
            line += &field;
        }
    }
    let room = CEF_MOST.saturating_sub(line.len());
    line + cut(&sentence, room)
}

/// A value, in which equals signs and backslashes stand behind a backslash, and nothing ends the line.
fn escaped(value: &str) -> String {
    let plain: String = value.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    plain.replace('\\', "\\\\").replace('=', "\\=")
}

/// As much of a sentence as fits, within no character and nothing that stands behind a backslash.
fn cut(sentence: &str, room: usize) -> &str {
    if sentence.len() <= room {
        return sentence;
    }
    let kept = &sentence[..sentence.floor_char_boundary(room)];
    let backslashes = kept.len() - kept.trim_end_matches('\\').len();
    &kept[..kept.len() - backslashes % 2]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "CEF:0|tagout|tagout|1|2|a msg=b|8|rt=1";

    #[test]
    fn fields_stand_before_the_sentence() {
        let line = with_fields(format!("{HEAD} msg=it is \\= 3"), &[("dvchost", "plant=7"), ("fname", "a.pcapng")]);
        assert_eq!(line, format!("{HEAD} dvchost=plant\\=7 fname=a.pcapng msg=it is \\= 3"));
    }

    #[test]
    fn a_field_without_room_is_left_out_whole() {
        let spare = 20;
        let actor = "x".repeat(CEF_MOST - HEAD.len() - " cs1=".len() - CEF_SENTENCE_LEAST - spare);
        let sentence = "y".repeat(CEF_SENTENCE_LEAST + spare - SENTENCE.len());
        let full = format!("{HEAD} cs1={actor}{SENTENCE}{sentence}");
        let line = with_fields(full.clone(), &[("fileHash", &"f".repeat(64)), ("fname", "a.pcapng")]);
        assert!(!line.contains("fileHash") && line.contains(" fname=a.pcapng msg=yyy"), "{line}");
        assert_eq!((full.len(), line.len()), (CEF_MOST, CEF_MOST));
        assert_eq!(with_fields(full.clone(), &[]), full);
    }

    proptest! {
        /// Whatever the sentence holds, the line keeps to its bytes and ends in nothing half.
        #[test]
        fn a_line_keeps_to_its_bytes(words in "[ax€\\\\=]{0,900}", spare in 0..200_usize) {
            let sentence = escaped(&words);
            let line = format!("{HEAD}{SENTENCE}{}", cut(&sentence, CEF_MOST - HEAD.len() - SENTENCE.len()));
            let (host, sha256) = ("h".repeat(spare), "f".repeat(64));
            let with = with_fields(line, &[("dvchost", &host), ("fname", "a"), ("fileHash", &sha256)]);
            prop_assert!(with.len() <= CEF_MOST);
            let kept = with.rsplit(SENTENCE).next().unwrap();
            prop_assert!(sentence.starts_with(kept));
            prop_assert_eq!((kept.len() - kept.trim_end_matches('\\').len()) % 2, 0);
        }
    }
}
