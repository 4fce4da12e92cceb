//! The limits of `Meta` in registrations and config entries.

use std::collections::BTreeMap;

use super::fields::{Fields, Result};

const MOST_PAIRS: usize = 64;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 512;

/// Of a service or node: its keys are letters, digits, `-` and `_`, and do not begin with `consul-`.
pub fn of_service(fields: &mut Fields<'_>, field: &'static str) -> Result<BTreeMap<String, String>> {
    let meta = of_entry(fields, field)?;
    for key in meta.keys() {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if key.is_empty() || !key.chars().all(plain) {
            return Err(fields.error(field, format!("the key {key:?} may only have letters, digits, - and _")));
        }
        if key.starts_with("consul-") {
            return Err(fields.error(field, format!("the key {key:?} begins with consul-, which is reserved")));
        }
    }
    Ok(meta)
}

/// Of a config entry.
pub fn of_entry(fields: &mut Fields<'_>, field: &'static str) -> Result<BTreeMap<String, String>> {
    let meta = fields.text_map(field)?;
    if meta.len() > MOST_PAIRS {
        return Err(fields.error(field, format!("has {} pairs, more than the {MOST_PAIRS} allowed", meta.len())));
    }
    for (key, value) in &meta {
        if key.len() > LONGEST_KEY {
            return Err(fields.error(field, format!("the key {key:?} is longer than {LONGEST_KEY} bytes")));
        }
        if value.len() > LONGEST_VALUE {
            return Err(fields.error(field, format!("the value of {key:?} is longer than {LONGEST_VALUE} bytes")));
        }
    }
    Ok(meta)
}
