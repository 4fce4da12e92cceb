//! `service-intentions`.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::model::ServiceName;
use crate::model::entry::{ServiceIntentions, SourceIntention};
use crate::model::intention::{WILDCARD, precedence};
use crate::wire::fields::{Fields, Result};
use crate::wire::intention::{access, description, show_access};
use crate::wire::members::Members;
use crate::wire::permission;

pub(super) fn decode(fields: &mut Fields<'_>, destination: &str) -> Result<ServiceIntentions> {
    let sources = fields.objects("Sources", "a source of service-intentions")?.unwrap_or_default();
    let jwt = permission::jwt(fields)?;
    if sources.is_empty() {
        return Err(fields.error("Sources", "needs at least one source"));
    }
    let mut seen = BTreeSet::new();
    let mut decoded = Vec::new();
    for mut fields in sources {
        let source = source(&mut fields, destination)?;
        if !seen.insert(source.name.clone()) {
            return Err(fields.error("Name", format!("another source has the name {:?} already", source.name)));
        }
        fields.finish()?;
        decoded.push(source);
    }
    // as they are tried: a wildcard after all names
    decoded.sort_by_key(|source| Reverse(source.name != WILDCARD));
    Ok(ServiceIntentions { sources: decoded, jwt })
}

fn source(fields: &mut Fields<'_>, destination: &str) -> Result<SourceIntention> {
    let name = fields.text("Name")?.trim().to_owned();
    if name.is_empty() {
        return Err(fields.error("Name", "is required"));
    }
    if name.contains('*') && name != WILDCARD {
        return Err(fields.error("Name", format!("{name:?} must be one service or \"*\", not a part of names")));
    }
    fields.unsupported(&["Peer", "SamenessGroup"])?;
    // as in Consul, an entry that is written back forgets how its intentions were written once
    fields.computed(&["LegacyID", "LegacyMeta", "LegacyCreateTime", "LegacyUpdateTime"]);
    fields.only("Type", &["consul"])?;
    fields.default_tenancy()?;
    fields.computed(&["Precedence"]);
    let (action, permissions) = access(fields, destination)?;
    Ok(SourceIntention { name: ServiceName::from(name), action, permissions, description: description(fields)? })
}

pub(super) fn show(members: Members, name: &str, body: &ServiceIntentions) -> Members {
    let destination = ServiceName::from(name);
    let source = |source: &SourceIntention| {
        show_access(Members::default().text("Name", source.name.as_str()), source.action, &source.permissions)
            .always("Precedence", precedence(&source.name, &destination))
            .text("Type", "consul")
            .text("Description", &source.description)
    };
    members.objects("Sources", body.sources.iter().map(source)).object("JWT", permission::show_jwt(&body.jwt))
}
