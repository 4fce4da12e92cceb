//! The table as an OpenAPI description.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Endpoint, Family, Kind, Parameter};
use crate::version::CHANCERY_VERSION;

/// What these families serve.
pub fn describe<'a>(families: impl IntoIterator<Item = &'a Family>) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut tags: BTreeMap<&str, &str> = BTreeMap::new();
    for family in families {
        if !family.endpoints.is_empty() {
            tags.insert(family.name, family.about);
        }
        for endpoint in &family.endpoints {
            let methods = paths.entry(&endpoint.path).or_default();
            methods.insert(endpoint.method.as_str().to_lowercase(), operation(family, endpoint));
        }
    }
    let tags: Vec<Value> =
        tags.into_iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chancery",
            "version": CHANCERY_VERSION,
            "description": "The HTTP API of a Chancery agent, spelled as Consul spells it. Errors are plain text that \
                            says what to do.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "tags": tags,
        "paths": paths,
    })
}

fn operation(family: &Family, endpoint: &Endpoint) -> Value {
    let in_path = endpoint
        .path_parameters()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = endpoint.query().map(query);
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let name = endpoint.path.trim_start_matches('/').replace(['{', '}'], "").replace(['/', '.'], "-");
    let mut operation = json!({
        "operationId": format!("{}-{name}", endpoint.method.as_str().to_lowercase()),
        "tags": [family.name],
        "summary": endpoint.about,
        "parameters": parameters,
        "responses": {
            "200": { "description": "It was done." },
            "default": { "description": "It was not done; the text says why.", "content": { "text/plain": {} } },
        },
    });
    if let Some(body) = endpoint.body {
        operation["requestBody"] = json!({ "description": body, "content": { "*/*": {} } });
    }
    operation
}

fn query(parameter: &'static Parameter) -> Value {
    let text = || json!({ "type": "string" });
    let schema = match parameter.kind {
        Kind::Text | Kind::Filter => text(),
        Kind::Texts => json!({ "type": "array", "items": text() }),
        Kind::Flag => json!({ "type": "string", "enum": ["", "true", "false", "1", "0"] }),
        Kind::Whole => json!({ "type": "integer", "minimum": 0 }),
        Kind::Duration => json!({ "type": "string", "examples": ["10s"] }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
    };
    let mut described =
        json!({ "name": parameter.name, "in": "query", "description": parameter.about, "schema": schema });
    match parameter.kind {
        Kind::Flag => described["allowEmptyValue"] = true.into(),
        Kind::Texts => described["explode"] = true.into(),
        _ => {}
    }
    described
}
