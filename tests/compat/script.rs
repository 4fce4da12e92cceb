//! The language of scenarios. Exchanges are separated by blank lines; `#` begins a comment.
//!
//! ```text
//! PUT /v1/agent/service/register
//! with Accept-Encoding: gzip           a header of the request, as often as you like
//! {"Name": "web", "Port": 80}          the body, any number of lines
//! -> 200
//! is OK                                the whole body
//! has part of it                       as often as you like
//! X-Consul-Index: *                    a header: its value, `*` for any, `none` for its absence
//! {"web": {"ID": "web", "...": "*"}}   JSON, any number of lines: "*" is any value, "..." allows further fields
//! ```

use hyper::Method;
use serde_json::Value;

pub struct Exchange {
    pub line: usize,
    pub method: Method,
    pub path: String,
    pub with: Vec<(String, String)>,
    pub body: String,
    pub expected: Expected,
}

#[derive(Default)]
pub struct Expected {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: Option<String>,
    pub parts: Vec<String>,
    pub json: Option<Value>,
}

/// # Errors
/// The line, and what is wrong there.
pub fn parse(text: &str) -> Result<Vec<Exchange>, String> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim_end()))
        .filter(|(_, line)| !line.starts_with('#'))
        .collect();
    let blocks = lines.split(|(_, line)| line.is_empty()).filter(|block| !block.is_empty());
    blocks.map(|block| exchange(block).map_err(|why| format!("{}: {why}", block[0].0))).collect()
}

fn exchange(block: &[(usize, &str)]) -> Result<Exchange, String> {
    let (line, first) = block[0];
    let (method, path) = first.split_once(' ').ok_or("an exchange begins with METHOD PATH")?;
    let arrow = block.iter().position(|(_, line)| line.starts_with("->")).ok_or("no line with -> STATUS")?;
    let status = block[arrow].1[2..].trim().parse().map_err(|_| "a status is a number")?;
    let headers = block[1..arrow].iter().map_while(|(_, line)| line.strip_prefix("with ")?.split_once(": "));
    let with: Vec<(String, String)> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = block[1 + with.len()..arrow].iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n");
    let mut expected = Expected { status, ..Expected::default() };
    let mut json = String::new();
    for (_, line) in &block[arrow + 1..] {
        if !json.is_empty() || line.starts_with(['{', '[', '"']) || matches!(*line, "true" | "false" | "null") {
            json.push_str(line);
        } else if let Some(text) = line.strip_prefix("is ") {
            expected.text = Some(text.to_owned());
        } else if *line == "is" {
            expected.text = Some(String::new());
        } else if let Some(part) = line.strip_prefix("has ") {
            expected.parts.push(part.to_owned());
        } else if let Some((name, value)) = line.split_once(": ") {
            expected.headers.push((name.to_owned(), value.to_owned()));
        } else {
            return Err(format!("not understood: {line}"));
        }
    }
    if !json.is_empty() {
        expected.json = Some(serde_json::from_str(&json).map_err(|error| error.to_string())?);
    }
    let method = method.parse().map_err(|_| "a method is one word")?;
    Ok(Exchange { line, method, path: path.to_owned(), with, body, expected })
}
