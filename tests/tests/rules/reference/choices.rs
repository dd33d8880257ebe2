/// Decisions drawn from a list of numbers: a shorter list of smaller numbers makes a simpler case, so that whoever
/// shrinks the list simplifies what failed. Where the list is used up, every decision is the first there is.
#[derive(Debug)]
pub(super) struct Choices<'n>(std::slice::Iter<'n, u16>);

impl<'n> Choices<'n> {
    /// Decisions by these numbers, in order.
    pub(super) fn of(numbers: &'n [u16]) -> Self {
        Self(numbers.iter())
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.next().map_or(0, |number| usize::from(*number) % end)
    }

    /// One of these.
    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Yes in `percent` of a hundred.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// Something in `percent` of a hundred, else nothing.
    pub(super) fn sometimes<T>(&mut self, percent: usize, what: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(percent).then(|| what(self))
    }

    /// Some of these, at least one.
    pub(super) fn some<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let all: Vec<_> = of.iter().copied().filter(|_| self.chance(60)).collect();
        if all.is_empty() { vec![self.one(of)] } else { all }
    }

    /// At least `least` and at most `most`.
    pub(super) fn several<T>(&mut self, least: usize, most: usize, what: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| what(self)).collect()
    }

    /// What is left, in so many parts.
    pub(super) fn split(self, parts: usize) -> impl Iterator<Item = Self> {
        let left = self.0.as_slice();
        left.chunks(left.len().div_ceil(parts).max(1)).map(Self::of)
    }

    /// Whether there is nothing left to decide by.
    pub(super) fn is_used_up(&self) -> bool {
        self.0.len() == 0
    }
}
