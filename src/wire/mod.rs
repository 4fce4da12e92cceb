//! Consul's spellings, in both directions. What comes in (JSON over HTTP, HCL or JSON in files) becomes words of the
//! [model](crate::model), checked against every rule that needs no tables; what goes out gets exactly the field names,
//! empty lists and nulls that Consul's clients expect. No other room knows a spelling.
//!
//! In: [`registration`], [`entry::decode`], [`intention::decode`], [`transaction::decode`], all through one reader, [`fields::Fields`].
//! Out: [`answer`], [`entry::encode`], [`intention::encode`], [`kv::encode`], [`transaction::done`].

mod access_logs;
pub mod answer;
pub mod authority;
pub mod authorization;
pub mod chain;
pub mod date;
mod decode_error;
#[cfg(test)]
mod documented;
pub mod duration;
pub mod entry;
mod expose;
mod extension;
pub mod fields;
pub mod hcl;
mod http;
pub mod intention;
pub mod kv;
pub mod locality;
mod members;
mod mesh_gateway;
mod meta;
mod permission;
mod proxy_config;
mod rate_limits;
mod readings;
pub mod registration;
pub mod spelling;
pub mod transaction;
mod transparent;
mod upstream_settings;
mod value;
pub mod virtual_ip;
mod weight;

pub use fields::{DecodeError, Fields, Typing};
pub use hcl::{Document, Format, SyntaxError};

/// Text of a JSON request body.
///
/// # Errors
/// When it is not JSON; the message has line and column.
pub fn json(body: &[u8]) -> Result<serde_json::Value, DecodeError> {
    serde_json::from_slice(body).map_err(|error| DecodeError::new("", format!("the body is not JSON: {error}")))
}

/// Cases in a text file: a body on one line, what is said to it on the next one, indented.
#[cfg(test)]
fn bodies(text: &str) -> Vec<(serde_json::Value, &str)> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(!lines.is_empty() && lines.len().is_multiple_of(2), "each body has one answer");
    lines.chunks(2).map(|pair| (serde_json::from_str(pair[0]).unwrap(), pair[1].trim_start())).collect()
}
