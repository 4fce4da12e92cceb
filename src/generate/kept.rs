//! A piece that is made again only when a fact it was made of has been replaced by another.

use std::any::Any;
use std::sync::Arc;

/// A fact, whatever it says. Facts do not change, so the same allocation is the same fact; and as long as it is held here
/// no other can lie in its place.
type Fact = Arc<dyn Any + Send + Sync>;

pub(super) fn fact<T: Any + Send + Sync>(fact: &Arc<T>) -> Fact {
    Arc::clone(fact) as Fact
}

/// What was made, and the `N` facts that it was made of.
pub(super) struct Kept<const N: usize, T> {
    made: Option<([Fact; N], T)>,
}

impl<const N: usize, T> Default for Kept<N, T> {
    fn default() -> Self {
        Self { made: None }
    }
}

impl<const N: usize, T: Clone> Kept<N, T> {
    /// Makes it, unless it was made of these very facts already.
    pub(super) fn of(&mut self, facts: [Fact; N], make: impl FnOnce() -> T) -> T {
        let same = |of: &[Fact; N]| of.iter().zip(&facts).all(|(then, now)| Arc::ptr_eq(then, now));
        if let Some((of, made)) = &self.made
            && same(of)
        {
            return made.clone();
        }
        let made = make();
        self.made = Some((facts, made.clone()));
        made
    }
}

/// The same for a piece that is made of as many facts as there happen to be.
pub(super) struct KeptOfMany<T> {
    made: Option<(Vec<Fact>, T)>,
}

impl<T> Default for KeptOfMany<T> {
    fn default() -> Self {
        Self { made: None }
    }
}

impl<T: Clone> KeptOfMany<T> {
    /// Makes it, unless it was made of these very facts already.
    pub(super) fn of(&mut self, facts: Vec<Fact>, make: impl FnOnce() -> T) -> T {
        let same = |of: &[Fact]| of.len() == facts.len() && of.iter().zip(&facts).all(|(a, b)| Arc::ptr_eq(a, b));
        if let Some((of, made)) = &self.made
            && same(of)
        {
            return made.clone();
        }
        let made = make();
        self.made = Some((facts, made.clone()));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_made_again_for_another_fact_and_not_for_the_same() {
        let (one, other) = (Arc::new(1), Arc::new(1));
        let mut kept = Kept::default();
        let mut times = 0;
        let mut make = |facts| {
            kept.of(facts, || {
                times += 1;
                times
            })
        };
        assert_eq!(make([fact(&one)]), 1);
        assert_eq!(make([fact(&one)]), 1);
        // it says the same, but that would have to be read to be known
        assert_eq!(make([fact(&other)]), 2);
    }
}
