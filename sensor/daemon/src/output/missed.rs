use std::time::Duration;

use tagout_core::Timestamp;

use crate::news::{News, NewsKind};

/// It is told at most once in this long.
const INTERVAL: Duration = Duration::from_secs(60);
/// Alerts that the telling itself can push out of a full spool. So few more are told with others, or it would never end.
const PUSHED_OUT: u64 = 2;

/// What was told of the alerts that destinations missed.
#[derive(Default)]
pub(super) struct Missed {
    told: Vec<u64>,
    last: Option<Timestamp>,
}

impl Missed {
    /// News of what destinations missed since the last, if there is enough and it is time.
    pub(super) fn news(&mut self, now: Timestamp, missed: &[(String, u64)]) -> Option<News> {
        if self.last.is_some_and(|last| now.0 < last.0.saturating_add(INTERVAL.as_nanos() as u64)) {
            return None;
        }
        self.told.resize(missed.len(), 0);
        let of_each = missed.iter().zip(&self.told).map(|((name, count), told)| (name.as_str(), count - told));
        let new: Vec<(&str, u64)> = of_each.filter(|(_, count)| *count > 0).collect();
        let most = new.iter().map(|(_, count)| *count).max()?;
        if self.last.is_some() && most <= PUSHED_OUT {
            return None;
        }
        self.told = missed.iter().map(|(_, count)| *count).collect();
        self.last = Some(now);
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

    fn missed(soc: u64, archive: u64) -> [(String, u64); 2] {
        [("soc".to_owned(), soc), ("archive".to_owned(), archive)]
    }

    #[test]
    fn who_missed_alerts_is_named_once_a_minute() {
        let mut told = Missed::default();
        assert_eq!(told.news(at(1), &missed(0, 0)), None);
        let first = told.news(at(2), &missed(1, 0)).unwrap();
        assert!(first.why.contains("soc 1. ") && !first.why.contains("archive"), "{}", first.why);
        assert_eq!(told.news(at(30), &missed(400, 3)), None, "not within a minute");
        let second = told.news(at(62), &missed(401, 3)).unwrap();
        assert!(second.why.contains("soc 400, archive 3. "), "{}", second.why);
        assert_eq!(second.count, Some(403));
    }

    #[test]
    fn telling_of_it_is_no_reason_to_tell_again() {
        let mut told = Missed::default();
        let mut lost = 10;
        let mut times = 0;
        for minute in 1..=100 {
            if told.news(at(60 * minute), &missed(lost, 0)).is_some() {
                (times, lost) = (times + 1, lost + PUSHED_OUT);
            }
        }
        assert_eq!(times, 1);
        assert!(told.news(at(6_061), &missed(lost + 1, 0)).is_some(), "it is told with what came later");
    }
}
