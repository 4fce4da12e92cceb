//! The rarer types of fields: words, timeouts, expressions.

use std::time::Duration;

use serde_json::Value;

use super::duration;
use super::fields::{DecodeError, Fields, Result};
use crate::model::Word;
use crate::model::entry::service_router::Timeout;

impl Fields<'_> {
    /// One of the words of a choice; `what` names it in the refusal, as in `no TLS version`. `None` when absent or empty.
    pub(super) fn word<W: Word>(&mut self, field: &'static str, what: &str) -> Result<Option<W>> {
        let word = self.text(field)?;
        self.as_word(field, &word, what)
    }

    pub(super) fn words<W: Word>(&mut self, field: &'static str, what: &str) -> Result<Vec<W>> {
        let words = self.texts(field)?;
        let read = |(at, word): (usize, &String)| {
            let field = format!("{field}[{at}]");
            self.as_word(&field, word, what)?.ok_or_else(|| self.error(&field, "must not be empty"))
        };
        words.iter().enumerate().map(read).collect()
    }

    fn as_word<W: Word>(&self, field: &str, word: &str, what: &str) -> Result<Option<W>> {
        let found = W::WORDS.iter().find(|(_, known)| *known == word).map(|(value, _)| *value);
        if found.is_none() && !word.is_empty() {
            let known: Vec<&str> = W::WORDS.iter().map(|(_, word)| *word).collect();
            let message = format!("{word:?} is no {what}; expected one of {}", known.join(", "));
            return Err(self.error(field, message));
        }
        Ok(found)
    }

    /// `None` when absent.
    pub(super) fn optional_count(&mut self, field: &'static str) -> Result<Option<u32>> {
        let number = self.whole(field, 0..=i64::from(u32::MAX))?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// `None` when absent.
    pub(super) fn percent(&mut self, field: &'static str) -> Result<Option<u32>> {
        let number = self.whole(field, 0..=100)?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// `None` when absent or zero.
    pub(super) fn optional_duration(&mut self, field: &'static str) -> Result<Option<Duration>> {
        Ok(Some(self.duration(field)?).filter(|duration| !duration.is_zero()))
    }

    /// `None` when absent or zero.
    pub(super) fn milliseconds(&mut self, field: &'static str) -> Result<Option<Duration>> {
        let number = self.count(field)?;
        Ok((number != 0).then(|| Duration::from_millis(number.into())))
    }

    /// A duration that may be negative: that means never.
    pub(super) fn timeout(&mut self, field: &'static str) -> Result<Timeout> {
        let Some(value) = self.peek(field) else { return Ok(Timeout::Default) };
        let negative = match value {
            Value::String(text) => text.strip_prefix('-').and_then(duration::parse).is_some_and(|of| !of.is_zero()),
            Value::Number(number) => number.as_f64().is_some_and(|number| number < 0.0),
            _ => false,
        };
        if negative {
            self.computed(&[field]);
            return Ok(Timeout::Never);
        }
        let duration = self.optional_duration(field)?;
        Ok(duration.map_or(Timeout::Default, Timeout::After))
    }

    /// An expression that Envoy would take. Empty when absent.
    pub(super) fn regex(&mut self, field: &'static str) -> Result<String> {
        let text = self.text(field)?;
        // two spellings of RE2 that this parser does not have: what they make of it, Envoy says
        let foreign = [r"\Q", r"\C"].iter().any(|of| text.contains(of));
        match regex_syntax::parse(&text) {
            Err(error) if !foreign => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Err(self.error(field, format!("{text:?} is no regular expression: {reason}")))
            }
            _ => Ok(text),
        }
    }

    /// The one field of these that is there.
    pub(super) fn only_one_of(&self, fields: &[&'static str], given: &[bool]) -> Result<()> {
        if given.iter().filter(|given| **given).count() == 1 {
            return Ok(());
        }
        Err(DecodeError::new(self.path(), format!("needs exactly one of {}", fields.join(", "))))
    }
}
