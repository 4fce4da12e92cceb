//! Headers that a route or a split changes.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption};

use crate::model::http::HeaderModifiers;

/// Sorted by name; those that are set after those that are added, so that they have the last word.
pub(super) fn added(modifiers: &HeaderModifiers) -> Vec<HeaderValueOption> {
    let option = |action: HeaderAppendAction| {
        move |(key, value): (&String, &String)| HeaderValueOption {
            header: Some(HeaderValue { key: key.clone(), value: value.clone(), ..Default::default() }),
            append_action: action.into(),
            ..Default::default()
        }
    };
    let add = modifiers.add.iter().map(option(HeaderAppendAction::AppendIfExistsOrAdd));
    let set = modifiers.set.iter().map(option(HeaderAppendAction::OverwriteIfExistsOrAdd));
    add.chain(set).collect()
}
