//! Comparing what came with what a scenario wants.

use serde_json::Value;

/// `*` is any text, `none` is its absence.
pub fn text(wanted: &str, found: Option<&str>) -> bool {
    match wanted {
        "*" => found.is_some(),
        "none" => found.is_none(),
        wanted => found == Some(wanted),
    }
}

/// Exactly, but for `"*"` (any value) and `"..."` (further fields).
///
/// # Errors
/// Where the first difference is.
pub fn json(wanted: &Value, found: &Value) -> Result<(), String> {
    at("", wanted, found)
}

fn at(path: &str, wanted: &Value, found: &Value) -> Result<(), String> {
    match (wanted, found) {
        (Value::String(any), _) if any == "*" => Ok(()),
        (Value::Object(wanted), Value::Object(found)) => {
            for (key, value) in wanted.iter().filter(|(key, _)| *key != "...") {
                let inner = found.get(key).ok_or_else(|| format!("{path}.{key} is missing"))?;
                at(&format!("{path}.{key}"), value, inner)?;
            }
            let further = found.keys().find(|key| !wanted.contains_key(*key) && !wanted.contains_key("..."));
            further.map_or(Ok(()), |key| Err(format!("{path}.{key} is there and should not be")))
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
            .iter()
            .zip(found)
            .enumerate()
            .try_for_each(|(i, (wanted, found))| at(&format!("{path}[{i}]"), wanted, found)),
        _ if wanted == found => Ok(()),
        _ => Err(format!("{path}: want {wanted}, got {found}")),
    }
}

#[test]
fn a_difference_is_found() {
    let found = serde_json::json!({"a": [1, {"b": null}], "c": "x"});
    let wanted = |text| serde_json::from_str::<Value>(text).expect("JSON");
    assert_eq!(json(&wanted(r#"{"a": [1, {"b": null}], "c": "*"}"#), &found), Ok(()));
    assert_eq!(json(&wanted(r#"{"a": "*", "...": 0}"#), &found), Ok(()));
    for other in
        [r#"{"a": "*"}"#, r#"{"a": [1], "...": 0}"#, r#"{"a": [1, {"b": []}], "c": "x"}"#, r#"{"d": "*", "...": 0}"#]
    {
        assert!(json(&wanted(other), &found).is_err(), "{other}");
    }
}
