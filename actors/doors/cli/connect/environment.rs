//! `$NAME` and `${NAME}` in texts that are written once for many machines.

use chancery::bootstrap::ENVIRONMENT_KEYS;
use chancery::model::Opaque;
use serde_json::Value;

use crate::doors::cli::error::CliError;

/// Expands the keys of the proxy's config that may name variables.
pub(super) fn expand_config(config: &mut Opaque, env: impl Fn(&str) -> Option<String>) -> Result<(), CliError> {
    for key in ENVIRONMENT_KEYS {
        if let Some(Value::String(text)) = config.get_mut(key) {
            *text = expand(text, &env).map_err(|reason| CliError::usage(format!("{key}: {reason}")))?;
        }
    }
    Ok(())
}

fn expand(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let name;
        (name, rest) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or_else(|| format!("no closing brace in {text:?}"))?,
            None => after.split_at(after.find(|letter| !is_name(letter)).unwrap_or(after.len())),
        };
        expanded.push_str(&env(name).ok_or_else(|| format!("the environment variable {name:?} is not set"))?);
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{expand, expand_config};

    fn env(name: &str) -> Option<String> {
        (name == "HOST_IP").then(|| "10.0.0.7".to_owned())
    }

    #[test]
    fn variables_are_expanded_in_both_forms() {
        assert_eq!(expand("udp://$HOST_IP:8125", env).as_deref(), Ok("udp://10.0.0.7:8125"));
        assert_eq!(expand("udp://${HOST_IP}:8125", env).as_deref(), Ok("udp://10.0.0.7:8125"));
        assert_eq!(expand("udp://127.0.0.1:8125", env).as_deref(), Ok("udp://127.0.0.1:8125"));
        assert!(expand("udp://$NOBODY:1", env).is_err_and(|told| told.contains("\"NOBODY\" is not set")));
        assert!(expand("udp://${HOST_IP:1", env).is_err());
    }

    #[test]
    fn only_keys_that_may_name_variables_are_touched() {
        let given =
            json!({ "envoy_dogstatsd_url": "udp://$HOST_IP:8125", "envoy_tracing_json": "{\"a\":\"$HOST_IP\"}" });
        let mut config = given.as_object().cloned().expect("an object");
        expand_config(&mut config, env).expect("it is set");
        assert_eq!(config["envoy_dogstatsd_url"], "udp://10.0.0.7:8125");
        assert_eq!(config["envoy_tracing_json"], given["envoy_tracing_json"]);
    }
}
