use toml::value::{Datetime, Offset};

use super::{is_name, name};
use crate::diagnostic::Report;
use crate::grammar::{self, DAYS};
use crate::model::{Time, Window};
use crate::node::{Entry, Fields, Node};

pub(super) fn window(entry: Entry<'_>, report: &mut Report<'_>) -> Option<Window> {
    is_name(&entry, "a window", report);
    let mut fields = entry.node.table(&grammar::WINDOW, report)?;
    let (start, end) = (fields.take("start"), fields.take("end"));
    let time = match (start, end) {
        (None, None) => weekly(&entry, &mut fields, report),
        (Some(start), Some(end)) => {
            for weekly in ["days", "from", "to", "utc_offset"].into_iter().filter_map(|key| fields.take(key)) {
                let draft = report.error(weekly.key, format!("`{}` beside `start`", weekly.name));
                draft.label("a window is there every week, or once").related(start.key, "it is there once");
            }
            once(start, end, report)
        }
        (Some(half), None) | (None, Some(half)) => {
            report.error(half.key, format!("`{}` alone", half.name)).expected("both `start` and `end`");
            None
        }
    };
    fields.finish(report);
    // Permits may name a window that is wrong without another error.
    Some(Window { name: name(&entry), time: time.unwrap_or(Time::Once { start: 0, end: 1 }) })
}

fn weekly(entry: &Entry<'_>, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Time> {
    let offset = fields.take("utc_offset").map_or(Some(0), |entry| offset(entry.node, report));
    let days = fields.take("days");
    let (from, to) = (fields.take("from"), fields.take("to"));
    if days.is_none() && from.is_none() && to.is_none() && fields.is_empty() {
        report.error(entry.key, "a window without a time").expected("`days`, `from` and `to`; or `start` and `end`");
        return None;
    }
    let days = days.map_or(Some(ALL_DAYS), |days| days_of(days, report));
    let from_s = from.map_or(Some(0), |from| clock(from.node, 23, report));
    let to_s = to.map_or(Some(24 * 3_600), |to| clock(to.node, 24, report));
    Some(Time::Weekly { days: days?, from_s: from_s?, to_s: to_s?, offset_s: offset? })
}

/// The set of all days of a week.
const ALL_DAYS: u8 = 0x7F;

fn days_of(entry: Entry<'_>, report: &mut Report<'_>) -> Option<u8> {
    let nodes = entry.node.one_or_more(report);
    let day = |node: Node<'_>| {
        let name = node.word("day", &DAYS, |day| day, report)?;
        DAYS.iter().position(|day| *day == name)
    };
    let days: Option<Vec<_>> = nodes.into_iter().map(day).collect();
    Some(days?.into_iter().fold(0, |set, day| set | 1 << day)).filter(|set| *set != 0)
}

/// Seconds of the day that `06:00` or the like is; `last` is the greatest hour.
fn clock(node: Node<'_>, last: u32, report: &mut Report<'_>) -> Option<u32> {
    let text = node.form("a time of day such as \"06:00\"", report)?;
    let seconds =
        hours_minutes(text).filter(|(hour, minute)| *hour < last || (*hour == last && (last < 24 || *minute == 0)));
    if seconds.is_none() {
        let latest = if last == 24 { "24:00" } else { "23:59" };
        report
            .error(node.span, format!("`{text}` is no time of day"))
            .expected(format!("hours and minutes such as \"06:00\", up to \"{latest}\""));
    }
    seconds.map(|(hour, minute)| hour * 3_600 + minute * 60)
}

/// Seconds that a clock is ahead of UTC.
fn offset(node: Node<'_>, report: &mut Report<'_>) -> Option<i32> {
    let text = node.form("an offset from UTC such as \"+01:00\"", report)?;
    let signed = match text.split_at_checked(1) {
        Some(("+", time)) => hours_minutes(time).map(|time| (1, time)),
        Some(("-", time)) => hours_minutes(time).map(|time| (-1, time)),
        _ => Some((1, (0, 0))).filter(|_| text == "Z"),
    };
    let seconds = signed.filter(|(_, (hour, _))| *hour <= 14).and_then(|(sign, (hour, minute))| {
        i32::try_from(hour * 3_600 + minute * 60).ok().map(|seconds| sign * seconds)
    });
    if seconds.is_none() {
        report
            .error(node.span, format!("`{text}` is no offset from UTC"))
            .expected("an offset such as \"+01:00\", or \"Z\"")
            .help("names of time zones are not known here: summer time takes a window of its own".to_owned());
    }
    seconds
}

/// The two numbers of `06:00`.
fn hours_minutes(text: &str) -> Option<(u32, u32)> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| two_digits(part));
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60).then_some((hour, minute))
}

fn once(start: Entry<'_>, end: Entry<'_>, report: &mut Report<'_>) -> Option<Time> {
    let (from, to) = (moment(start.node, report), moment(end.node, report));
    let (from, to) = (from?, to?);
    if from >= to {
        report
            .error(end.node.span, "a window that ends before it begins")
            .expected("a later time")
            .related(start.node.span, "it begins here");
        return None;
    }
    Some(Time::Once { start: from, end: to })
}

/// Nanoseconds from the Unix epoch to a date and time with its offset from UTC.
pub(super) fn moment(node: Node<'_>, report: &mut Report<'_>) -> Option<u64> {
    let moment = node.datetime(report)?;
    let nanoseconds = since_epoch(&moment);
    if nanoseconds.is_none() {
        report
            .error(node.span, format!("`{moment}` is no moment"))
            .expected("date, time and offset from UTC, such as 2026-03-01T22:00:00+01:00, from 1970 on");
    }
    nanoseconds
}

/// Like [`moment`]; a date alone means all of that day, in UTC.
pub(super) fn end_of(node: Node<'_>, report: &mut Report<'_>) -> Option<u64> {
    match node.datetime(report)? {
        Datetime { date: Some(date), time: None, offset: None } => {
            let next = days_since_epoch(date.year.into(), date.month.into(), date.day.into()) + 1;
            u64::try_from(next).ok()?.checked_mul(86_400_000_000_000)
        }
        _ => moment(node, report),
    }
}

fn since_epoch(moment: &Datetime) -> Option<u64> {
    let (date, time) = moment.date.zip(moment.time)?;
    let minutes_ahead = match moment.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days_since_epoch(date.year.into(), date.month.into(), date.day.into());
    let minutes = days * 1_440 + i64::from(time.hour) * 60 + i64::from(time.minute) - minutes_ahead;
    let seconds = minutes * 60 + i64::from(time.second.unwrap_or(0));
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(time.nanosecond.unwrap_or(0).into())
}

/// Days from 1970-01-01 on, in the Gregorian calendar, counted in years that begin in March, so that the leap day is a
/// year's last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let months = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * months + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_count_from_the_epoch() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00+01:00", 951_822_000),
            ("2024-12-31T23:59:59-05:00", 1_735_707_599),
            ("2026-03-01T22:00:00Z", 1_772_402_400),
        ] {
            let moment: Datetime = text.parse().expect("a date and time");
            assert_eq!(since_epoch(&moment), Some(seconds * 1_000_000_000), "{text}");
        }
        assert_eq!(since_epoch(&"2026-03-01T22:00:00".parse().expect("a local time")), None);
    }
}
