//! Shares in percent, to the hundredth.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::fields::{Fields, Result};
use crate::model::entry::service_splitter::Weight;

impl Fields<'_> {
    /// 0 when absent.
    pub(super) fn weight(&mut self, field: &'static str) -> Result<Weight> {
        Ok(self.optional_weight(field)?.unwrap_or_default())
    }

    /// `None` when absent.
    pub(super) fn optional_weight(&mut self, field: &'static str) -> Result<Option<Weight>> {
        self.hundredths(field, 0..=Weight::WHOLE.0).map(|hundredths| hundredths.map(Weight))
    }

    /// Of requests. All of them when absent.
    pub(super) fn share(&mut self, field: &'static str) -> Result<Weight> {
        match self.optional_weight(field)? {
            Some(Weight(0)) => {
                Err(self.error(field, "must be at least 0.01: what shall happen to no request is left out"))
            }
            share => Ok(share.unwrap_or(Weight::WHOLE)),
        }
    }

    /// A number with two digits behind the point, as that many hundredths. `None` when absent.
    pub(super) fn hundredths(&mut self, field: &'static str, range: RangeInclusive<u32>) -> Result<Option<u32>> {
        let Some(value) = self.take(field) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let [least, most] = [*range.start(), *range.end()].map(|of| f64::from(of) / 100.0);
        let number = number.filter(|number| (least..=most).contains(number));
        let number = number
            .ok_or_else(|| self.error(field, format!("expected a number from {least} to {most}, got {value}")))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range")]
        Ok(Some((number * 100.0).round() as u32))
    }
}

pub(super) fn shown(Weight(weight): Weight) -> Value {
    show_hundredths(weight)
}

pub(super) fn show_hundredths(number: u32) -> Value {
    if number.is_multiple_of(100) { (number / 100).into() } else { (f64::from(number) / 100.0).into() }
}
