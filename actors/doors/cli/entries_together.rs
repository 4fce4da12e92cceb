//! Entries that are written as one transaction.

use chancery::wire::transaction::MOST;
use http::StatusCode;
use serde_json::{Value, json};

use super::api::AgentApi;
use super::error::CliError;

/// An entry as a file has it.
pub(super) struct Named {
    pub file: String,
    pub kind: String,
    pub name: String,
    pub entry: Value,
}

pub(super) fn put(api: &AgentApi, entries: &[Named]) -> Result<(), CliError> {
    if entries.len() > MOST {
        let given = entries.len();
        return Err(CliError::usage(format!(
            "{given} entries: {MOST} are the most that can be written together; write them in several commands"
        )));
    }
    let operation = |of: &Named| json!({ "Config": { "Verb": "set", "Entry": of.entry } });
    let body = entries.iter().map(operation).collect();
    match api.put("/v1/txn", &[], Some(&body)) {
        Ok(_) => Ok(()),
        Err(CliError::Refused { status, body }) => Err(refused(entries, status, body)),
        Err(error) => Err(error),
    }
}

/// Which of them were refused, and why, a line for each.
fn refused(entries: &[Named], status: StatusCode, body: String) -> CliError {
    let lines = match status {
        StatusCode::CONFLICT => serde_json::from_str::<Value>(&body).ok().and_then(|body| judged(entries, &body)),
        StatusCode::BAD_REQUEST => unread(entries, &body),
        _ => None,
    };
    match lines {
        Some(lines) => CliError::usage(format!("none of the entries was written:\n{}", lines.join("\n"))),
        None => CliError::Refused { status, body },
    }
}

/// `{"Errors": [{"OpIndex": 1, "What": "…"}]}`
fn judged(entries: &[Named], body: &Value) -> Option<Vec<String>> {
    let line = |error: &Value| {
        let position = usize::try_from(error["OpIndex"].as_u64()?).ok()?;
        Some(format!("{}{}", place(entries.get(position)?), error["What"].as_str()?))
    };
    body["Errors"].as_array()?.iter().map(line).collect()
}

/// `Request decode failed: [1].Config.Entry.Protocol: …`, one line for each that cannot be read.
fn unread(entries: &[Named], body: &str) -> Option<Vec<String>> {
    let line = |line: &str| {
        let (position, told) = line.strip_prefix('[')?.split_once("].Config.Entry")?;
        Some(format!(
            "{}{}",
            place(entries.get(position.parse::<usize>().ok()?)?),
            told.trim_start_matches(['.', ':', ' '])
        ))
    };
    body.strip_prefix("Request decode failed: ")?.lines().map(line).collect()
}

fn place(of: &Named) -> String {
    format!("  {}: {}/{}: ", of.file, of.kind, of.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agent_says_of_an_operation_is_said_of_its_file() {
        let named = |file: &str, name: &str| Named {
            file: file.to_owned(),
            kind: "service-router".to_owned(),
            name: name.to_owned(),
            entry: Value::Null,
        };
        let entries = [named("a.hcl", "web"), named("b.hcl", "api")];
        let told = |status, body: &str| refused(&entries, status, body.to_owned()).to_string();
        let judged = r#"{"Results":null,"Errors":[{"OpIndex":1,"What":"no subset"}]}"#;
        assert_eq!(
            told(StatusCode::CONFLICT, judged),
            "none of the entries was written:\n  b.hcl: service-router/api: no subset"
        );
        let unread = "Request decode failed: [0].Config.Entry.Routes: x\n[1].Config.Entry: y";
        assert_eq!(
            told(StatusCode::BAD_REQUEST, unread),
            "none of the entries was written:\n  a.hcl: service-router/web: Routes: x\n  b.hcl: service-router/api: y"
        );
        assert!(told(StatusCode::BAD_GATEWAY, "elsewhere").contains("502"));
    }
}
