use std::collections::{BTreeMap, HashMap};

use super::message::Message;

/// How tagout differs from tshark on one capture: the cases of each class, such as `extra modbus request 3` or
/// `dnp3 g30v1 value`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences(pub BTreeMap<String, Cases>);

/// Messages in which the two differ alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cases {
    /// Their frames.
    pub frames: Vec<u64>,
    /// What the two say of the first, where both say something.
    pub example: Option<String>,
}

impl Differences {
    /// Compares the messages that tagout found with those that tshark found, frame by frame.
    ///
    /// `repeated` are messages that tshark dissected again in retransmissions: tagout may tell of them or not.
    pub fn of(truth: &[Message], repeated: &[Message], found: &[Message]) -> Self {
        let mut balance: HashMap<Message, i64> = HashMap::new();
        truth.iter().for_each(|message| *balance.entry(*message).or_default() += 1);
        found.iter().for_each(|message| *balance.entry(*message).or_default() -= 1);
        for message in repeated {
            if let Some(extra) = balance.get_mut(message).filter(|balance| **balance < 0) {
                *extra += 1;
            }
        }
        let mut differences = Self::default();
        for (message, balance) in balance.into_iter().filter(|(_, balance)| *balance != 0) {
            let word = if balance > 0 { "missing" } else { "extra" };
            let class = format!("{word} {}", message.class());
            (0..balance.unsigned_abs()).for_each(|_| differences.add(class.clone(), message.frame, None));
        }
        differences.0.values_mut().for_each(|cases| cases.frames.sort_unstable());
        differences
    }

    /// Adds a case.
    pub fn add(&mut self, class: String, frame: u64, example: Option<String>) {
        let cases = self.0.entry(class).or_default();
        cases.frames.push(frame);
        cases.example = cases.example.take().or(example);
    }

    /// Adds the cases of another comparison of the same capture.
    pub fn extend(&mut self, other: Self) {
        for (class, cases) in other.0 {
            cases.frames.into_iter().for_each(|frame| self.add(class.clone(), frame, cases.example.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_compared_one_by_one() {
        let found = [Message::dnp3(1, 1), Message::dnp3(2, 129), Message::dnp3(2, 129)];
        let differences = Differences::of(&[Message::dnp3(1, 1), Message::dnp3(3, 129)], &[], &found);
        let frames = differences.0.iter().map(|(class, cases)| (class.as_str(), cases.frames.as_slice()));
        let expected = [("extra dnp3 response 129", &[2, 2][..]), ("missing dnp3 response 129", &[3])];
        assert_eq!(frames.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_repetition_may_be_counted_or_not() {
        let (truth, repeated) = ([Message::dnp3(1, 1)], [Message::dnp3(2, 1)]);
        assert_eq!(Differences::of(&truth, &repeated, &[Message::dnp3(1, 1)]), Differences::default());
        let both = [Message::dnp3(1, 1), Message::dnp3(2, 1)];
        assert_eq!(Differences::of(&truth, &repeated, &both), Differences::default());
    }
}
