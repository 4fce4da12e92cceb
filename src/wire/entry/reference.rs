//! How one entry names the service, and the subset of it, that requests go to.

use crate::model::ServiceName;
use crate::model::intention::WILDCARD;
use crate::wire::fields::{Fields, Result};

/// The service (`None`: the one that the entry is named after) and its subset (empty: none).
pub(super) fn decode(fields: &mut Fields<'_>) -> Result<(Option<ServiceName>, String)> {
    let service = fields.text("Service")?;
    if service == WILDCARD {
        return Err(fields.error("Service", "must be one service, not a wildcard"));
    }
    let subset = fields.text("ServiceSubset")?;
    if let Some(problem) = subset_problem(&subset).filter(|_| !subset.is_empty()) {
        return Err(fields.error("ServiceSubset", problem));
    }
    fields.default_tenancy()?;
    Ok((Some(ServiceName::from(service)).filter(|service| !service.is_empty()), subset))
}

/// Why it can be the name of no subset: subsets become a part of server names.
pub(super) fn subset_problem(name: &str) -> Option<String> {
    let inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let outer = |letter: Option<char>| letter.is_some_and(|letter| inner(letter) && letter != '-');
    let fits = name.len() <= 63 && name.chars().all(inner) && outer(name.chars().next()) && outer(name.chars().last());
    (!fits).then(|| {
        format!("{name:?} can be the name of no subset: at most 63 of a-z, 0-9 and -, with no - at either end")
    })
}
