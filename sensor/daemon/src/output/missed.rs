use std::iter::repeat;

use tagout_core::Timestamp;

use crate::news::{News, NewsKind};

/// It is told at most once in this long, in milliseconds.
const INTERVAL_MS: u32 = 60_000;
/// Where there was nothing to tell, it is looked again after so long, in milliseconds.
const LOOK_MS: u32 = 1_000;
/// Alerts that the telling itself can push out of a full spool. So few more are told with others, or it would never end.
const PUSHED_OUT: u64 = 2;

/// What was told of the alerts that destinations missed.
#[derive(Default)]
pub(super) struct Missed {
    /// How many of each destination; empty before the first.
    told: Vec<u64>,
    /// When to look next.
    due: Timestamp,
}

impl Missed {
    /// News of what destinations missed since the last, if there is enough. What they `missed` is asked only when it may be told.
    pub(super) fn news(&mut self, now: Timestamp, missed: impl FnOnce() -> Vec<(String, u64)>) -> Option<News> {
        if now < self.due {
            return None;
        }
        let news = self.look(now, &missed());
        self.due = now.plus_ms(if news.is_some() { INTERVAL_MS } else { LOOK_MS });
        news
    }

    fn look(&mut self, now: Timestamp, missed: &[(String, u64)]) -> Option<News> {
        let told = self.told.iter().copied().chain(repeat(0));
        let of_each = missed.iter().zip(told).map(|((name, count), told)| (name.as_str(), count - told));
        let new: Vec<(&str, u64)> = of_each.filter(|(_, count)| *count > 0).collect();
        let most = new.iter().map(|(_, count)| *count).max()?;
        if !self.told.is_empty() && most <= PUSHED_OUT {
            return None;
        }
        self.told = missed.iter().map(|(_, count)| *count).collect();
        let count = new.iter().map(|(_, count)| count).sum();
        Some(News::new(NewsKind::AlertsLost, now, sentence(&new)).with_count(count))
    }
}

fn sentence(new: &[(&str, u64)]) -> String {
    let each: Vec<String> = new.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!(
        "Alerts that destinations will not get: {}. They had no room in memory or in the spool, or waited too long.",
        each.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp(second * 1_000_000_000)
    }

    fn missed(soc: u64, archive: u64) -> impl FnOnce() -> Vec<(String, u64)> {
        move || vec![("soc".to_owned(), soc), ("archive".to_owned(), archive)]
    }

    #[test]
    fn who_missed_alerts_is_named_once_a_minute() {
        let mut told = Missed::default();
        assert_eq!(told.news(at(1), missed(0, 0)), None);
        let first = told.news(at(2), missed(1, 0)).unwrap();
        assert!(first.why.contains("soc 1. ") && !first.why.contains("archive"), "{}", first.why);
        assert_eq!(told.news(at(30), missed(400, 3)), None, "not within a minute");
        let second = told.news(at(62), missed(401, 3)).unwrap();
        assert!(second.why.contains("soc 400, archive 3. "), "{}", second.why);
        assert_eq!(second.count, Some(403));
    }

    #[test]
    fn nobody_is_asked_while_nothing_may_be_told() {
        let mut told = Missed::default();
        assert_eq!(told.news(at(1), missed(0, 0)), None);
        assert_eq!(told.news(at(1).plus_ms(999), || unreachable!()), None);
        assert!(told.news(at(2), missed(1, 0)).is_some());
        assert_eq!(told.news(at(61), || unreachable!()), None);
    }

    #[test]
    fn telling_of_it_is_no_reason_to_tell_again() {
        let mut told = Missed::default();
        let mut lost = 10;
        let mut times = 0;
        for minute in 1..=100 {
            if told.news(at(60 * minute), missed(lost, 0)).is_some() {
                (times, lost) = (times + 1, lost + PUSHED_OUT);
            }
        }
        assert_eq!(times, 1);
        assert!(told.news(at(6_061), missed(lost + 1, 0)).is_some(), "it is told with what came later");
    }
}
