//! Whether an expression holds for a value.

use super::bind::{Bound, From, Reach, Step, Test};
use super::table::{Datum, Record};

/// What an expression is asked about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) item: Record<'a>,
    pub(super) datacenter: &'a str,
}

impl<'a> About<'a> {
    /// `locals` are what the loops around stand at: key and value of each.
    pub(super) fn satisfies(self, bound: &'a Bound, locals: &[Datum<'a>]) -> bool {
        match bound {
            Bound::Or(operands) => operands.iter().any(|operand| self.satisfies(operand, locals)),
            Bound::And(operands) => operands.iter().all(|operand| self.satisfies(operand, locals)),
            Bound::Not(operand) => !self.satisfies(operand, locals),
            Bound::Match { reach, test, negated } => {
                self.holds(self.begin(reach, locals), &reach.steps, test, *negated)
            }
            Bound::Each { all, over, inner } => {
                let holds = |(key, value)| {
                    let mut inside = locals.to_vec();
                    inside.extend([key, value]);
                    self.satisfies(inner, &inside)
                };
                let mut members = self.members(over, locals).into_iter();
                if *all { members.all(holds) } else { members.any(holds) }
            }
        }
    }

    fn begin(self, reach: &Reach, locals: &[Datum<'a>]) -> Datum<'a> {
        match reach.from {
            From::Item => Datum::Record(self.item),
            From::Local(at) => locals[at].clone(),
        }
    }

    fn holds(self, datum: Datum<'a>, steps: &[Step], test: &Test, negated: bool) -> bool {
        let Some((step, rest)) = steps.split_first() else { return test.holds(&datum) != negated };
        // through a list: for any of it
        if let Datum::Records(records) = datum {
            return records.into_iter().any(|record| self.holds(Datum::Record(record), steps, test, negated));
        }
        match self.step(datum, step) {
            Some(next) => self.holds(next, rest, test, negated),
            None => test.holds_for_nothing(negated),
        }
    }

    /// `None`: a map does not have the key.
    fn step(self, datum: Datum<'a>, step: &Step) -> Option<Datum<'a>> {
        match (datum, step) {
            (Datum::Record(record), Step::Row(row)) => Some(record.read(*row, self.datacenter)),
            (Datum::TextMap(map), Step::Key(key)) => {
                map.get(std::str::from_utf8(key).ok()?).map(|text| Datum::Text(text.into()))
            }
            (Datum::RecordMap(map), Step::Key(key)) => {
                map.get(std::str::from_utf8(key).ok()?).copied().map(Datum::Record)
            }
            // binding has seen to it that there is no other
            _ => None,
        }
    }

    /// Keys (of a list, indexes from 0) and values of the collection there; nothing where there is none.
    fn members(self, over: &Reach, locals: &[Datum<'a>]) -> Vec<(Datum<'a>, Datum<'a>)> {
        let begin = Some(self.begin(over, locals));
        let reached = over.steps.iter().fold(begin, |datum, step| self.step(datum?, step));
        let number = |at| Datum::Number(i64::try_from(at).unwrap_or(i64::MAX));
        match reached {
            Some(Datum::Texts(texts)) => {
                texts.iter().enumerate().map(|(at, text)| (number(at), Datum::Text(text.into()))).collect()
            }
            Some(Datum::TextMap(map)) => {
                map.iter().map(|(key, text)| (Datum::Text(key.into()), Datum::Text(text.into()))).collect()
            }
            Some(Datum::Records(records)) => {
                records.into_iter().enumerate().map(|(at, record)| (number(at), Datum::Record(record))).collect()
            }
            Some(Datum::RecordMap(map)) => {
                map.into_iter().map(|(key, record)| (Datum::Text(key.into()), Datum::Record(record))).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Test {
    fn holds(&self, datum: &Datum<'_>) -> bool {
        match (self, datum) {
            (Self::Text(wanted), Datum::Text(text)) => text.as_bytes() == wanted,
            (Self::Flag(wanted), Datum::Flag(flag)) => flag == wanted,
            (Self::Number(wanted), Datum::Number(number)) => number == wanted,
            (Self::Matches(regex), Datum::Text(text)) => regex.is_match(text.as_bytes()),
            (Self::Contains(part), Datum::Text(text)) => {
                part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window == part)
            }
            (Self::Contains(wanted), Datum::Texts(texts)) => texts.iter().any(|text| text.as_bytes() == wanted),
            (Self::Contains(key), Datum::TextMap(map)) => map.keys().any(|known| known.as_bytes() == key),
            (Self::Contains(key), Datum::RecordMap(map)) => map.keys().any(|known| known.as_bytes() == key),
            (Self::Empty, Datum::Texts(texts)) => texts.is_empty(),
            (Self::Empty, Datum::TextMap(map)) => map.is_empty(),
            (Self::Empty, Datum::Records(records)) => records.is_empty(),
            (Self::Empty, Datum::RecordMap(map)) => map.is_empty(),
            // binding has seen to it that there is no other
            _ => false,
        }
    }

    /// Of a key that a map does not have. It equals nothing, contains nothing and is empty; that a pattern and its
    /// opposite both match it is so in Consul.
    fn holds_for_nothing(&self, negated: bool) -> bool {
        match self {
            Self::Matches(_) => true,
            Self::Empty => !negated,
            Self::Text(_) | Self::Flag(_) | Self::Number(_) | Self::Contains(_) => negated,
        }
    }
}
