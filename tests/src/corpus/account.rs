use std::collections::{BTreeMap, HashMap};

use super::difference::Differences;
use super::message::Message;

/// What one decoder says of one message: of its header first, then of each object in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The message.
    pub message: Message,
    parts: Vec<Part>,
}

/// A header or an object: for every field its values, in the order of the octets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: String,
    fields: BTreeMap<&'static str, String>,
}

impl Account {
    /// An account that says nothing of its header yet.
    pub fn new(message: Message) -> Self {
        Self { message, parts: vec![Part::new(format!("{} {}", message.kind, message.function))] }
    }

    /// Goes on to a further object of the message.
    pub fn begin(&mut self, object: String) {
        self.parts.push(Part::new(object));
    }

    /// Adds a value to those of a field of the latest object.
    pub fn say(&mut self, field: &'static str, value: &str) {
        let fields = self.parts.last_mut().map(|part| &mut part.fields);
        let Some(fields) = fields else { return };
        match fields.get_mut(field) {
            Some(values) => values.extend([" ", value]),
            None => drop(fields.insert(field, value.to_owned())),
        }
    }

    /// How many fields it tells.
    pub fn fields(&self) -> usize {
        self.parts.iter().map(|part| part.fields.len()).sum()
    }

    /// In how many fields two accounts of a message agree.
    fn agreements(&self, other: &Self) -> usize {
        let agrees = |ours: &Part, theirs: &Part| {
            ours.fields.iter().filter(|(field, values)| theirs.values(field) == values.as_str()).count()
        };
        self.common(other).map(|(ours, theirs)| agrees(ours, theirs)).sum()
    }

    /// The parts of two accounts as far as both tell of the same.
    fn common<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Part, &'a Part)> {
        self.parts.iter().zip(&other.parts).take_while(|(ours, theirs)| ours.name == theirs.name)
    }

    /// Where two accounts of a message differ: the class, and what either says. Objects are compared as far as both tell
    /// of the same.
    fn differences<'a>(&'a self, other: &'a Self) -> Vec<(String, [&'a str; 2])> {
        let mut differences: Vec<_> = self.common(other).flat_map(|(ours, theirs)| ours.differences(theirs)).collect();
        let common = self.common(other).count();
        let next = [self, other].map(|account| account.parts.get(common).map_or(NOTHING, |part| &part.name));
        if next != [NOTHING; 2] {
            differences.push((format!("{} next object", self.parts[common - 1].name), next));
        }
        differences
    }
}

const NOTHING: &str = "nothing";

impl Part {
    fn new(name: String) -> Self {
        Self { name, fields: BTreeMap::new() }
    }

    fn differences<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (String, [&'a str; 2])> {
        let only_theirs = other.fields.keys().filter(|field| !self.fields.contains_key(*field));
        let both = |field: &&'static str| (*field, [self.values(field), other.values(field)]);
        let differing = self.fields.keys().chain(only_theirs).map(both).filter(|(_, [ours, theirs])| ours != theirs);
        differing.map(|(field, both)| (format!("{} {field}", self.name), both))
    }

    fn values(&self, field: &str) -> &str {
        self.fields.get(field).map_or(NOTHING, String::as_str)
    }
}

/// Compares field by field the messages that both decoders tell of.
///
/// Of several like messages in one frame, those that agree are taken for the same, and the others as they agree most.
pub fn compare(tshark: &[Account], tagout: &[Account]) -> Differences {
    let mut found: HashMap<Message, Vec<&Account>> = HashMap::new();
    tagout.iter().for_each(|account| found.entry(account.message).or_default().push(account));
    let mut disputed: Vec<&Account> = tshark.iter().collect();
    disputed.retain(|account| take(&mut found, account, |ours| (ours == *account).then_some(0)).is_none());
    let mut differences = Differences::default();
    for account in disputed {
        let agree_most = |ours: &Account| Some(account.fields() - account.agreements(ours));
        let Some(ours) = take(&mut found, account, agree_most) else { continue };
        for (class, [theirs, ours]) in account.differences(ours) {
            let class = format!("{} {class}", account.message.protocol);
            differences.add(class, account.message.frame, Some(contrast(theirs, ours)));
        }
    }
    differences
}

/// Takes from what was found the account of the same message that `rank` puts first.
fn take<'a>(
    found: &mut HashMap<Message, Vec<&'a Account>>,
    account: &Account,
    rank: impl Fn(&Account) -> Option<usize>,
) -> Option<&'a Account> {
    let alike = found.get_mut(&account.message)?;
    let ranked = alike.iter().enumerate().filter_map(|(at, ours)| Some((rank(ours)?, at)));
    let (_, at) = ranked.min()?;
    Some(alike.remove(at))
}

/// What the two say, from a little before the first character that differs.
fn contrast(theirs: &str, ours: &str) -> String {
    let same = theirs.chars().zip(ours.chars()).take_while(|(theirs, ours)| theirs == ours).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(20)).take(60).collect::<String>();
    format!("tshark {}, tagout {}", part(theirs), part(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A response with objects of one value each.
    fn account(frame: u64, objects: &[(&str, &str)]) -> Account {
        let mut account = Account::new(Message::dnp3(frame, 129));
        for (name, value) in objects {
            account.begin((*name).to_owned());
            account.say("value", value);
        }
        account
    }

    /// Every class with the example of it.
    fn classes(tshark: &[&Account], tagout: &[&Account]) -> Vec<String> {
        let owned = |accounts: &[&Account]| accounts.iter().copied().cloned().collect::<Vec<_>>();
        let differences = compare(&owned(tshark), &owned(tagout));
        let examples =
            differences.0.iter().map(|(class, cases)| format!("{class}: {}", cases.example.clone().unwrap()));
        examples.collect()
    }

    #[test]
    fn a_field_is_compared_with_all_its_values() {
        let [mut one, mut other] = [account(4, &[("g30v1", "1")]), account(4, &[("g30v1", "1")])];
        one.say("value", "2");
        other.say("value", "3");
        assert_eq!(classes(&[&one], &[&one]), [""; 0]);
        assert_eq!(classes(&[&one], &[&other]), ["dnp3 g30v1 value: tshark 1 2, tagout 1 3"]);
    }

    #[test]
    fn a_field_that_one_side_lacks_is_a_difference() {
        let [mut one, other] = [account(4, &[]), account(4, &[])];
        one.say("iin", "NEED_TIME");
        assert_eq!(classes(&[&one], &[&other]), ["dnp3 response 129 iin: tshark NEED_TIME, tagout nothing"]);
        assert_eq!(classes(&[&other], &[&one]), ["dnp3 response 129 iin: tshark nothing, tagout NEED_TIME"]);
    }

    #[test]
    fn objects_are_compared_as_far_as_both_tell_of_the_same() {
        let one = account(4, &[("g1v2", "1"), ("g30v1", "1"), ("g10v2", "1")]);
        let other = account(4, &[("g1v2", "0"), ("g30v2", "0")]);
        let expected = ["dnp3 g1v2 next object: tshark g30v1, tagout g30v2", "dnp3 g1v2 value: tshark 1, tagout 0"];
        assert_eq!(classes(&[&one], &[&other]), expected);
        let expected = ["dnp3 response 129 next object: tshark g1v2, tagout nothing"];
        assert_eq!(classes(&[&one], &[&account(4, &[])]), expected);
    }

    #[test]
    fn like_messages_of_a_frame_may_come_in_any_order() {
        let [one, two, three] = ["1", "2", "3"].map(|value| account(4, &[("g1v2", value), ("g10v2", "1")]));
        assert_eq!(classes(&[&one, &two], &[&two, &one]), [""; 0]);
        let (far, other_frame) = (account(4, &[("g30v1", "2")]), account(5, &[("g1v2", "2")]));
        let expected = ["dnp3 g1v2 value: tshark 2, tagout 3"];
        assert_eq!(classes(&[&two, &one], &[&far, &one, &three, &other_frame]), expected);
    }

    #[test]
    fn a_message_that_only_one_decoder_tells_of_is_not_compared() {
        let one = account(4, &[("g1v2", "1")]);
        assert_eq!(classes(&[&one], &[]), [""; 0]);
        assert_eq!(classes(&[], &[&one]), [""; 0]);
    }
}
