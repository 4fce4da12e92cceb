//! How a change is recognised where it arrives: each registers an instance of the shared upstream with a port of its own.
//! Instances stand in a fixed number of slots, so that the assignment stays small however many changes there are.

/// Instances of the shared upstream that changes register.
pub const SLOTS: usize = 64;

/// The port of the change before the first.
const BASE: u16 = 10_000;

/// Changes of one run.
pub const MOST_CHANGES: usize = 50_000;

/// The number of a change, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Mark(u16);

impl Mark {
    /// # Panics
    /// With 0, and beyond [`MOST_CHANGES`]; callers count.
    pub fn new(number: usize) -> Self {
        assert!((1..=MOST_CHANGES).contains(&number), "change {number} is out of range");
        Self(u16::try_from(number).expect("at most 50,000"))
    }

    pub fn number(self) -> usize {
        usize::from(self.0)
    }

    pub fn slot(self) -> usize {
        self.number() % SLOTS
    }

    pub fn port(self) -> u16 {
        BASE + self.0
    }

    fn of_port(port: u16) -> Option<Self> {
        port.checked_sub(BASE).filter(|number| (1..=MOST_CHANGES).contains(&usize::from(*number))).map(Self)
    }
}

/// The newest change that is seen in each slot.
#[derive(Clone, PartialEq, Debug)]
pub struct Marks([Mark; SLOTS]);

impl Default for Marks {
    fn default() -> Self {
        Self([Mark::default(); SLOTS])
    }
}

impl Marks {
    pub fn of_ports(ports: impl Iterator<Item = u16>) -> Self {
        let mut marks = Self::default();
        for mark in ports.filter_map(Mark::of_port) {
            marks.add(mark);
        }
        marks
    }

    pub fn add(&mut self, mark: Mark) {
        let slot = &mut self.0[mark.slot()];
        *slot = mark.max(*slot);
    }

    /// Whether all of them are in, or later ones in their places.
    pub fn include_all(&self, others: &Self) -> bool {
        self.0.iter().zip(&others.0).all(|(own, other)| own >= other)
    }

    /// The changes that are in and were not in `before`, those that a later one replaced on the way included.
    pub fn since(&self, before: &Self) -> impl Iterator<Item = Mark> {
        let slots = self.0.iter().zip(before.0).enumerate();
        slots.flat_map(|(slot, (now, before))| {
            let first = if before.0 == 0 { slot } else { before.number() + SLOTS };
            let first = if first == 0 { SLOTS } else { first };
            (first..=now.number()).step_by(SLOTS).filter(|number| *number > 0).map(Mark::new)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(numbers: &[usize]) -> Marks {
        Marks::of_ports(numbers.iter().map(|number| Mark::new(*number).port()))
    }

    #[test]
    fn a_change_is_read_from_its_port_and_other_ports_say_nothing() {
        let seen = Marks::of_ports([9_000, 8_080, Mark::new(7).port()].into_iter());
        assert!(seen.include_all(&marks(&[7])));
        assert!(!seen.include_all(&marks(&[8])));
        assert_eq!(Marks::of_ports([80, 9_999, 10_000, 60_001].into_iter()), Marks::default());
    }

    #[test]
    fn a_later_change_in_the_same_slot_stands_for_the_earlier() {
        let seen = marks(&[7 + SLOTS]);
        assert!(seen.include_all(&marks(&[7])));
        assert!(!seen.include_all(&marks(&[7 + 2 * SLOTS])));
    }

    #[test]
    fn changes_that_were_replaced_on_the_way_are_counted_when_the_last_arrives() {
        let numbers =
            |now: &[usize], before: &[usize]| marks(now).since(&marks(before)).map(Mark::number).collect::<Vec<_>>();
        assert_eq!(numbers(&[3 + 2 * SLOTS, 5], &[3]), [3 + SLOTS, 3 + 2 * SLOTS, 5]);
        assert_eq!(numbers(&[2 * SLOTS], &[]), [SLOTS, 2 * SLOTS]);
        assert_eq!(numbers(&[3], &[3]), [0; 0]);
    }

    #[test]
    fn everything_expected_must_be_in() {
        assert!(marks(&[1, 2, 3 + SLOTS]).include_all(&marks(&[1, 3])));
        assert!(!marks(&[1, 2]).include_all(&marks(&[1, 3])));
    }
}
