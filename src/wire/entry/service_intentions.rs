//! `service-intentions`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::entry::{Entry, ServiceIntentions, SourceIntention};
use crate::model::intention::{WILDCARD, precedence};
use crate::model::{EntryKind, Index, ServiceName};
use crate::wire::fields::{Fields, Result};
use crate::wire::intention::{action, description};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ServiceIntentions> {
    let sources = fields.objects("Sources", "a source of service-intentions")?.unwrap_or_default();
    fields.unsupported(&["JWT"])?;
    if sources.is_empty() {
        return Err(fields.error("Sources", "needs at least one source"));
    }
    let mut seen = BTreeSet::new();
    let mut decoded = Vec::new();
    for mut fields in sources {
        let source = source(&mut fields)?;
        if !seen.insert(source.name.clone()) {
            return Err(fields.error("Name", format!("another source has the name {:?} already", source.name)));
        }
        fields.finish()?;
        decoded.push(source);
    }
    // as they are tried: a wildcard after all names
    decoded.sort_by_key(|source| Reverse(source.name != WILDCARD));
    Ok(ServiceIntentions { sources: decoded })
}

fn source(fields: &mut Fields<'_>) -> Result<SourceIntention> {
    let name = fields.text("Name")?.trim().to_owned();
    if name.is_empty() {
        return Err(fields.error("Name", "is required"));
    }
    if name.contains('*') && name != WILDCARD {
        return Err(fields.error("Name", format!("{name:?} must be one service or \"*\", not a part of names")));
    }
    fields.unsupported(&["Permissions", "Peer", "SamenessGroup"])?;
    fields.unsupported(&["LegacyID", "LegacyMeta", "LegacyCreateTime", "LegacyUpdateTime"])?;
    fields.only("Type", &["consul"])?;
    fields.default_tenancy()?;
    fields.computed(&["Precedence"]);
    Ok(SourceIntention { name: ServiceName::from(name), action: action(fields)?, description: description(fields)? })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer<'a> {
    kind: &'static str,
    name: &'a str,
    sources: Vec<Source<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meta: &'a BTreeMap<String, String>,
    create_index: Index,
    modify_index: Index,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Source<'a> {
    name: &'a str,
    action: &'static str,
    precedence: u8,
    r#type: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
}

pub(super) fn encode<'a>(entry: &'a Entry, body: &'a ServiceIntentions) -> Answer<'a> {
    let destination = ServiceName::from(entry.name.as_str());
    let source = |source: &'a SourceIntention| Source {
        name: source.name.as_str(),
        action: source.action.as_str(),
        precedence: precedence(&source.name, &destination),
        r#type: "consul",
        description: &source.description,
    };
    Answer {
        kind: EntryKind::ServiceIntentions.as_str(),
        name: &entry.name,
        sources: body.sources.iter().map(source).collect(),
        meta: &entry.meta,
        create_index: entry.create_index,
        modify_index: entry.modify_index,
    }
}
