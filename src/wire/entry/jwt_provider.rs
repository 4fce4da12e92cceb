//! `jwt-provider`.

use std::time::Duration;

use super::key_set;
use crate::model::entry::JwtProvider;
use crate::model::entry::jwt_provider::{DEFAULT_CLOCK_SKEW, TokenForwarding, TokenLocation};
use crate::wire::fields::{Fields, Result};
use crate::wire::http::token_problem;
use crate::wire::members::Members;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<JwtProvider> {
    let keys = key_set::decode(fields)?;
    let locations = fields.objects("Locations", "a location of tokens")?.unwrap_or_default();
    let skew = fields.optional_count("ClockSkewSeconds")?.filter(|seconds| *seconds != 0);
    let provider = JwtProvider {
        keys,
        issuer: fields.text("Issuer")?,
        audiences: fields.texts("Audiences")?,
        locations: locations.into_iter().map(location).collect::<Result<_>>()?,
        forwarding: forwarding(fields)?,
        clock_skew: skew.map_or(DEFAULT_CLOCK_SKEW, |seconds| Duration::from_secs(seconds.into())),
        cache_size: cache_size(fields)?,
    };
    fields.default_tenancy()?;
    Ok(provider)
}

fn cache_size(fields: &mut Fields<'_>) -> Result<u32> {
    let Some(mut fields) = fields.object("CacheConfig", "a cache")? else { return Ok(0) };
    let size = fields.count("Size")?;
    fields.finish()?;
    Ok(size)
}

fn location(mut fields: Fields<'_>) -> Result<TokenLocation> {
    let named = |of: Option<Fields<'_>>| of.map(named).transpose();
    let header = fields.object("Header", "a header")?.map(header).transpose()?;
    let parameter = named(fields.object("QueryParam", "a query parameter")?)?.map(TokenLocation::QueryParam);
    let cookie = named(fields.object("Cookie", "a cookie")?)?.map(TokenLocation::Cookie);
    let locations = [header, parameter, cookie];
    fields.only_one_of(&["Header", "QueryParam", "Cookie"], &locations.each_ref().map(Option::is_some))?;
    let found = locations.into_iter().flatten().next();
    let found = found.ok_or_else(|| fields.error("Header", "is required"))?;
    fields.finish()?;
    Ok(found)
}

fn header(mut fields: Fields<'_>) -> Result<TokenLocation> {
    let name = fields.text("Name")?;
    if let Some(problem) = token_problem(&name) {
        return Err(fields.error("Name", problem));
    }
    let (value_prefix, forward) = (fields.text("ValuePrefix")?, fields.flag("Forward")?);
    fields.finish()?;
    Ok(TokenLocation::Header { name, value_prefix, forward })
}

fn named(mut fields: Fields<'_>) -> Result<String> {
    let name = fields.text("Name")?;
    if name.is_empty() {
        return Err(fields.error("Name", "is required"));
    }
    fields.finish()?;
    Ok(name)
}

fn forwarding(fields: &mut Fields<'_>) -> Result<Option<TokenForwarding>> {
    let Some(mut fields) = fields.object("Forwarding", "forwarding of tokens")? else { return Ok(None) };
    let header_name = fields.text("HeaderName")?;
    if let Some(problem) = token_problem(&header_name) {
        return Err(fields.error("HeaderName", problem));
    }
    let pad = fields.flag("PadForwardPayloadHeader")?;
    fields.finish()?;
    Ok(Some(TokenForwarding { header_name, pad }))
}

pub(super) fn show(members: Members, body: &JwtProvider) -> Members {
    let forwarding = body.forwarding.as_ref().map(|forwarding| {
        Members::default().text("HeaderName", &forwarding.header_name).flag("PadForwardPayloadHeader", forwarding.pad)
    });
    members
        .object("JSONWebKeySet", key_set::show(&body.keys))
        .text("Issuer", &body.issuer)
        .texts("Audiences", &body.audiences)
        .objects("Locations", body.locations.iter().map(show_location))
        .object("Forwarding", forwarding.unwrap_or_default())
        .number("ClockSkewSeconds", body.clock_skew.as_secs())
        .object("CacheConfig", Members::default().number("Size", body.cache_size))
}

fn show_location(location: &TokenLocation) -> Members {
    let named = |kind: &str, name: &str| Members::default().object(kind, Members::default().text("Name", name));
    match location {
        TokenLocation::QueryParam(name) => named("QueryParam", name),
        TokenLocation::Cookie(name) => named("Cookie", name),
        TokenLocation::Header { name, value_prefix, forward } => {
            let header =
                Members::default().text("Name", name).text("ValuePrefix", value_prefix).flag("Forward", *forward);
            Members::default().object("Header", header)
        }
    }
}
