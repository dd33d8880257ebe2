use std::borrow::Cow;
use std::iter::Peekable;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use tagout_core::dnp3::objects::{FileMode, FileStatus};
use tagout_core::dnp3::{self, FileTransfer, Fragment, LinkExchange, LinkMessage, Relation, Status};

use super::super::flow::Message;
use super::super::text::{Hex, Text};
use super::{Control, PointRecord, ValueRecord, text};

/// What an exchange belongs to beside its own request and response.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Relations<'a> {
    /// The link layer's own frames, where they carry no application fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link<'a>>,
    /// The fragment that a confirm confirms, if it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirms: Option<Message>,
    /// The message whose sender an authentication challenges.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenges: Option<Message>,
    /// The challenge that an authentication replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    replies_to: Option<Message>,
    /// The SELECT that an OPERATE carries out.
    #[serde(skip_serializing_if = "Option::is_none")]
    select: Option<Select<'a>>,
    /// The file that is transferred, and how far that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Transfer<'a>>,
}

impl<'a> Relations<'a> {
    /// The relations of an exchange with this response.
    pub(super) fn of(relation: &Relation<'a>, response: Option<Fragment<'a>>) -> Self {
        let none = Self::default();
        match *relation {
            Relation::None => none,
            Relation::Link(link) => Self { link: Some(Link::from(link)), ..none },
            Relation::Confirms(seen) => Self { confirms: Some(seen.into()), ..none },
            Relation::Challenges(seen) => Self { challenges: Some(seen.into()), ..none },
            Relation::Replies(seen) => Self { replies_to: Some(seen.into()), ..none },
            Relation::Select(select) => Self { select: Some(Select::of(select, response)), ..none },
            Relation::File(file) => Self { file: Some(Transfer::from(file)), ..none },
        }
    }
}

/// Frames of the link layer itself.
#[derive(Serialize, JsonSchema)]
struct Link<'a> {
    /// The primary frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<LinkFrame<'a>>,
    /// The secondary frame that completes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<LinkFrame<'a>>,
}

impl<'a> From<LinkExchange<'a>> for Link<'a> {
    fn from(link: LinkExchange<'a>) -> Self {
        Self { request: link.request.map(LinkFrame::from), response: link.response.map(LinkFrame::from) }
    }
}

/// A frame of the link layer itself.
#[derive(Serialize, JsonSchema)]
struct LinkFrame<'a> {
    /// Link function code.
    function: u8,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    function_name: Option<&'static str>,
    /// DIR: whether a master sent it.
    dir: bool,
    /// PRM: whether it asks, and does not answer.
    prm: bool,
    /// FCB: the frame count bit, in primary frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    fcb: Option<bool>,
    /// FCV: whether FCB counts, in primary frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    fcv: Option<bool>,
    /// DFC: whether the sender has no room for more, in secondary frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    dfc: Option<bool>,
    /// User data in hexadecimal, where there should be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<Text<Hex<'a>>>,
}

impl<'a> From<LinkMessage<'a>> for LinkFrame<'a> {
    fn from(LinkMessage { control, user_data }: LinkMessage<'a>) -> Self {
        Self {
            function: control.function(),
            function_name: control.function_name(),
            dir: control.dir(),
            prm: control.prm(),
            fcb: control.prm().then_some(control.fcb()),
            fcv: control.prm().then_some(control.fcv()),
            dfc: (!control.prm()).then_some(control.dfc()),
            user_data: (!user_data.is_empty()).then_some(Text(Hex(user_data))),
        }
    }
}

/// The SELECT before an OPERATE.
#[derive(Serialize, JsonSchema)]
struct Select<'a> {
    /// Where and when it was seen.
    request: Message,
    /// Where and when its response was.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Message>,
    /// Microseconds from the SELECT to the OPERATE.
    delay_us: u64,
    /// Whether the OPERATE has the sequence number next to the SELECT's, as it must.
    in_sequence: bool,
    /// Whether both name the same controls, octet for octet but for the statuses; left out where that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<bool>,
    /// What was selected, and what became of it.
    #[schemars(with = "Vec<SelectedPoint<'a>>")]
    points: SelectedPoints<'a>,
}

impl<'a> Select<'a> {
    fn of(select: &dnp3::Select<'a>, operated: Option<Fragment<'a>>) -> Self {
        Self {
            request: select.request_seen.into(),
            response: select.response_seen.map(Message::from),
            delay_us: select.delay_us,
            in_sequence: select.in_sequence,
            matches: select.matches,
            points: SelectedPoints {
                request: Fragment::parse(select.request),
                response: Fragment::parse(select.response),
                operated,
            },
        }
    }
}

/// The points of a SELECT with the statuses in its response and in that of the OPERATE.
struct SelectedPoints<'a> {
    request: Option<Fragment<'a>>,
    response: Option<Fragment<'a>>,
    operated: Option<Fragment<'a>>,
}

impl Serialize for SelectedPoints<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (mut selected, mut operated) = (statuses(self.response), statuses(self.operated));
        let headers = self.request.iter().flat_map(|request| request.headers().flatten());
        serializer.collect_seq(headers.flat_map(|header| header.points().map(move |point| (header, point))).map(
            |(header, point)| {
                let place = (header.group, point.index);
                let PointRecord { index, value, control, .. } = PointRecord::of(&header, point);
                let select_status = status_of(&mut selected, place);
                let operate_status = status_of(&mut operated, place);
                SelectedPoint {
                    group: header.group,
                    variation: header.variation,
                    index,
                    value,
                    control,
                    select_status: select_status.map(|status| status.0),
                    select_status_name: select_status.and_then(Status::name),
                    operate_status: operate_status.map(|status| status.0),
                    operate_status_name: operate_status.and_then(Status::name),
                }
            },
        ))
    }
}

/// Group, index and status of every control that a response echoes.
fn statuses<'a>(response: Option<Fragment<'a>>) -> Peekable<impl Iterator<Item = ((u8, u32), Status)> + use<'a>> {
    let headers = response.into_iter().flat_map(|response| response.headers().flatten());
    let points =
        headers.flat_map(|header| header.points().map(move |point| ((header.group, point.index), point.status)));
    points.filter_map(|(place, status)| Some((place, status?))).peekable()
}

/// The next status, if it is the one of this point: outstations echo controls in their order.
fn status_of(statuses: &mut Peekable<impl Iterator<Item = ((u8, u32), Status)>>, place: (u8, u32)) -> Option<Status> {
    statuses.next_if(|(of, _)| *of == place).map(|(_, status)| status)
}

/// A point of a SELECT.
#[derive(Serialize, JsonSchema)]
struct SelectedPoint<'a> {
    /// Object group.
    group: u8,
    /// Object variation.
    variation: u8,
    /// Index of the point.
    index: u32,
    /// The setpoint that was selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ValueRecord<'a>>,
    /// The control that was selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<Control>,
    /// Control status code in the response to the SELECT.
    #[serde(skip_serializing_if = "Option::is_none")]
    select_status: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    select_status_name: Option<&'static str>,
    /// Control status code in the response to the OPERATE.
    #[serde(skip_serializing_if = "Option::is_none")]
    operate_status: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    operate_status_name: Option<&'static str>,
}

/// A step in the transfer of a file, with what was said of the file before.
#[derive(Serialize, JsonSchema)]
struct Transfer<'a> {
    /// The file's name, if it was seen to be opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    /// Set when the name was longer than what is kept of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    name_cut: bool,
    /// What it was opened for.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<u16>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode_name: Option<&'static str>,
    /// Octets of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    /// The most octets of a block, as agreed on when it was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    block_size: Option<u16>,
    /// Handle of the open file.
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<u32>,
    /// Number of the block, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u32>,
    /// Whether it is the last block.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<bool>,
    /// Octets of the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    block_bytes: Option<u32>,
    /// Octets that were transferred since the file was opened, each block once.
    bytes: u64,
    /// How many blocks those were.
    blocks: u32,
    /// What became of it, in the outstation's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_name: Option<&'static str>,
}

impl<'a> From<&'a FileTransfer<'a>> for Transfer<'a> {
    fn from(file: &'a FileTransfer<'a>) -> Self {
        Self {
            name: file.name.and_then(text),
            name_cut: file.name_cut,
            mode: file.mode.map(|mode| mode.0),
            mode_name: file.mode.and_then(FileMode::name),
            size: file.size,
            block_size: file.block_size,
            handle: file.handle,
            block: file.block,
            last: file.last,
            block_bytes: file.block_bytes,
            bytes: file.bytes,
            blocks: file.blocks,
            status: file.status.map(|status| status.0),
            status_name: file.status.and_then(FileStatus::name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tagout_core::dnp3::link;
    use tagout_core::{Seen, Timestamp};

    use super::*;

    fn told(relation: &Relation<'_>, response: &[u8]) -> Value {
        serde_json::to_value(Relations::of(relation, Fragment::parse(response))).expect("records are JSON")
    }

    #[test]
    fn a_select_tells_each_point_with_both_statuses() {
        let control = |index: u8, status: u8| [index, 0x41, 1, 100, 0, 0, 0, 0, 0, 0, 0, status];
        let controls = |header: &[u8], statuses: [u8; 2]| {
            [header, &[12, 1, 0x17, 2], &control(5, statuses[0]), &control(6, statuses[1])].concat()
        };
        let select = dnp3::Select {
            request_seen: Seen { frame: 3, time: Timestamp(0) },
            request: &controls(&[0xc1, 3], [0, 0]),
            response_seen: Some(Seen { frame: 4, time: Timestamp(0) }),
            response: &controls(&[0xc1, 129, 0, 0], [0, 4]),
            delay_us: 250,
            in_sequence: true,
            matches: Some(true),
        };
        let operated = [&[0xc2, 129, 0, 0, 12, 1, 0x17, 1][..], &control(6, 2)].concat();
        let told = told(&Relation::Select(&select), &operated);
        let select = &told["select"];
        assert_eq!((&select["request"]["frame"], &select["response"]["frame"]), (&json!(3), &json!(4)));
        assert_eq!((&select["delay_us"], &select["matches"]), (&json!(250), &json!(true)));
        let statuses =
            |point: &Value| ["index", "select_status_name", "operate_status_name"].map(|field| point[field].clone());
        let points: Vec<_> = select["points"].as_array().expect("a list").iter().map(statuses).collect();
        let expected =
            [[json!(5), json!("SUCCESS"), Value::Null], [json!(6), json!("NOT_SUPPORTED"), json!("NO_SELECT")]];
        assert_eq!(points, expected);
        assert_eq!(select["points"][0]["control"]["trip_close"], "CLOSE");
    }

    #[test]
    fn link_frames_have_the_bits_of_their_direction() {
        let message = |control| Some(LinkMessage { control: link::Control(control), user_data: &[] });
        let link = LinkExchange { request: message(0xf2), response: message(0x10) };
        assert_eq!(
            told(&Relation::Link(link), &[]),
            json!({"link": {
                "request": {"function": 2, "function_name": "TEST_LINK_STATES", "dir": true, "prm": true, "fcb": true, "fcv": true},
                "response": {"function": 0, "function_name": "ACK", "dir": false, "prm": false, "dfc": true}
            }})
        );
    }

    #[test]
    fn a_file_has_what_is_known_of_it() {
        let file = FileTransfer { name: Some(b"a.txt"), block: Some(2), bytes: 9, blocks: 3, ..Default::default() };
        assert_eq!(
            told(&Relation::File(&file), &[]),
            json!({"file": {"name": "a.txt", "block": 2, "bytes": 9, "blocks": 3}})
        );
    }
}
