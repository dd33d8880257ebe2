//! Work for both cores of a small machine.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cores that tests count on.
const WORKERS: usize = 2;

/// What `work` makes of each of these, in their order, worked on two at a time.
///
/// # Panics
/// Where `work` does.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let take = || {
        while let Some((at, item)) = items.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(item);
            results.lock().expect("no worker panicked").push((at, result));
        }
    };
    std::thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(take))));
    let mut results = results.into_inner().expect("no worker panicked");
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn results_come_in_the_order_of_what_they_are_of() {
        let items: Vec<u64> = (0..500).collect();
        let slow_first = |item: &u64| (0..(500 - item) * 100).fold(*item, |sum, _| std::hint::black_box(sum));
        assert_eq!(each(&items, slow_first), items);
    }
}
