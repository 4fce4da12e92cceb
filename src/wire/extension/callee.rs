//! Whom an extension calls.

use crate::model::extension::{Callee, GrpcCallee, Location, Retry, TextMatch, TextMatchKind};
use crate::wire::fields::{Fields, Result};

/// `Target`: a service or an address.
pub(super) fn target(fields: &mut Fields<'_>) -> Result<Callee> {
    let mut fields = fields
        .object("Target", "a target")?
        .ok_or_else(|| fields.error("Target", "is required: a Service, or a URI"))?;
    let callee = callee(&mut fields)?;
    fields.finish()?;
    Ok(callee)
}

/// The members of a target: exactly one of `Service` and `URI`.
pub(super) fn callee(fields: &mut Fields<'_>) -> Result<Callee> {
    let service = match fields.object("Service", "a service")? {
        None => String::new(),
        Some(mut service) => {
            let name = service.text("Name")?;
            if name.is_empty() {
                return Err(service.error("Name", "is required"));
            }
            service.default_tenancy()?;
            service.finish()?;
            name
        }
    };
    let uri = fields.text("URI")?;
    let timeout = fields.optional_duration("Timeout")?;
    fields.only_one_of(&["Service", "URI"], &[!service.is_empty(), !uri.is_empty()])?;
    if uri.is_empty() {
        return Ok(Callee { service: service.into(), port: 0, timeout });
    }
    let port = local_port(&uri).ok_or_else(|| {
        fields.error(
            "URI",
            format!("{uri:?} must be a port of this machine, as in localhost:9191; others are called as a Service"),
        )
    })?;
    Ok(Callee { service: "".into(), port, timeout })
}

/// Of `localhost:PORT` or `127.0.0.1:PORT`, with or without `http://`.
fn local_port(uri: &str) -> Option<u16> {
    let address = uri.strip_prefix("http://").unwrap_or(uri).trim_end_matches('/');
    let (host, port) = address.rsplit_once(':')?;
    matches!(host, "localhost" | "127.0.0.1").then(|| port.parse().ok()).flatten().filter(|port| *port != 0)
}

pub(super) fn grpc(fields: &mut Fields<'_>) -> Result<GrpcCallee> {
    Ok(GrpcCallee {
        callee: target(fields)?,
        authority: fields.text("Authority")?,
        initial_metadata: pairs(fields, "InitialMetadata")?,
    })
}

/// A list of `Key` and `Value`.
pub(super) fn pairs(fields: &mut Fields<'_>, field: &'static str) -> Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for mut pair in fields.objects(field, "a key and its value")?.unwrap_or_default() {
        let (key, value) = (pair.text("Key")?, pair.text("Value")?);
        if key.is_empty() {
            return Err(pair.error("Key", "is required"));
        }
        pair.finish()?;
        pairs.push((key, value));
    }
    Ok(pairs)
}

pub(super) fn text_matches(fields: &mut Fields<'_>, field: &'static str) -> Result<Vec<TextMatch>> {
    const KINDS: [(&str, TextMatchKind); 5] = [
        ("Exact", TextMatchKind::Exact),
        ("Prefix", TextMatchKind::Prefix),
        ("Suffix", TextMatchKind::Suffix),
        ("Contains", TextMatchKind::Contains),
        ("SafeRegex", TextMatchKind::Regex),
    ];
    let mut matches = Vec::new();
    for mut one in fields.objects(field, "a match of a text")?.unwrap_or_default() {
        let mut found = Vec::new();
        for (name, kind) in KINDS {
            let text = if kind == TextMatchKind::Regex { one.regex(name)? } else { one.text(name)? };
            found.push((kind, text));
        }
        let given: Vec<bool> = found.iter().map(|(_, text)| !text.is_empty()).collect();
        one.only_one_of(&KINDS.map(|(name, _)| name), &given)?;
        let ignore_case = one.flag("IgnoreCase")?;
        let Some((kind, text)) = found.into_iter().find(|(_, text)| !text.is_empty()) else { continue };
        if ignore_case && kind == TextMatchKind::Regex {
            return Err(one.error("IgnoreCase", "has no effect on a SafeRegex: write (?i) in it"));
        }
        one.finish()?;
        matches.push(TextMatch { kind, text, ignore_case });
    }
    Ok(matches)
}

/// `InsertOptions`; `default` when they are not there.
pub(super) fn location(fields: &mut Fields<'_>, default: Location) -> Result<Location> {
    let Some(mut fields) = fields.object("InsertOptions", "InsertOptions")? else { return Ok(default) };
    let (location, filter) = (fields.text("Location")?, fields.text("FilterName")?);
    let by_filter: Option<fn(String) -> Location> = match location.as_str() {
        "BeforeFirstMatch" => Some(Location::BeforeFirst),
        "AfterFirstMatch" => Some(Location::AfterFirst),
        "BeforeLastMatch" => Some(Location::BeforeLast),
        "AfterLastMatch" => Some(Location::AfterLast),
        _ => None,
    };
    let found = match (location.as_str(), by_filter) {
        (_, Some(_)) if filter.is_empty() => {
            return Err(fields.error("FilterName", format!("is required for {location}")));
        }
        (_, Some(of)) => of(filter),
        ("" | "First" | "Last", None) if !filter.is_empty() => {
            return Err(fields.error("FilterName", "needs a Location such as BeforeFirstMatch"));
        }
        ("", None) => default,
        ("First", None) => Location::First,
        ("Last", None) => Location::Last,
        _ => {
            let message = format!(
                "{location:?} is no location; expected one of First, Last, BeforeFirstMatch, AfterFirstMatch, BeforeLastMatch, \
                 AfterLastMatch"
            );
            return Err(fields.error("Location", message));
        }
    };
    fields.finish()?;
    Ok(found)
}

/// `RetryPolicy`.
pub(super) fn retry(fields: &mut Fields<'_>, back_off: &'static str) -> Result<Option<Retry>> {
    let Some(mut fields) = fields.object("RetryPolicy", "a retry policy")? else { return Ok(None) };
    let mut retry = Retry { times: fields.optional_count("NumRetries")?, base_interval: None, max_interval: None };
    if let Some(mut back_off) = fields.object(back_off, "a back-off")? {
        retry.base_interval = back_off.optional_duration("BaseInterval")?;
        retry.max_interval = back_off.optional_duration("MaxInterval")?;
        if retry.base_interval.is_none() {
            return Err(back_off.error("BaseInterval", "is required"));
        }
        if retry.max_interval.is_some_and(|max| retry.base_interval > Some(max)) {
            return Err(back_off.error("MaxInterval", "must not be less than BaseInterval"));
        }
        back_off.finish()?;
    }
    fields.finish()?;
    Ok(Some(retry))
}
