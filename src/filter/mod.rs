//! The filter language: `?filter=` of the API, and the subsets of a service. It is Consul's, which is that of go-bexpr:
//!
//! ```text
//! Service.Meta["canary"] == "true" and (Port == 80 or "v1" in Tags) and not Checks.Status == critical
//! ```
//!
//! A [`Filter`] is made for one kind of value, whose [selectors] it knows: a name that is none of them, an
//! operator that does not fit and a value of the wrong kind are refused when it is made, with the place in the text.
//! Beyond Consul's own language there are go-bexpr's later `any` and `all`:
//!
//! ```text
//! any Checks as check { check.ServiceID != "" and check.Status == "critical" }
//! ```

mod bind;
mod error;
mod evaluate;
mod expression;
mod literal;
mod parse;
mod pattern;
pub mod selectors;
mod table;
#[cfg(test)]
mod tests;

pub use error::FilterError;
pub use table::Table;

use self::bind::Bound;
use self::evaluate::About;
use self::table::Record;
use crate::model::Datacenter;

/// A question to a value of one kind.
pub struct Filter<T: 'static> {
    bound: Bound,
    table: &'static Table<T>,
    datacenter: Datacenter,
}

impl<T: 'static> Filter<T> {
    /// A filter of what the table has selectors for; all of it lies in this datacenter.
    ///
    /// # Errors
    /// When the text is none, or does not fit the table.
    pub fn new(text: &str, table: &'static Table<T>, datacenter: &Datacenter) -> Result<Self, FilterError> {
        let expression = parse::parse(text).map_err(|fault| fault.in_text(text))?;
        let bound = bind::bind(&expression, table).map_err(|fault| fault.in_text(text))?;
        Ok(Self { bound, table, datacenter: datacenter.clone() })
    }

    pub fn selects(&self, value: &T) -> bool {
        let about = About { item: Record::new(value, self.table), datacenter: self.datacenter.as_str() };
        about.satisfies(&self.bound, &[])
    }
}
