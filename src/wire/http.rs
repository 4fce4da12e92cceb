//! What is asked of requests and changed in them, as routers, splitters and intentions spell it.

use std::collections::BTreeSet;

use super::fields::{Fields, Result};
use super::members::Members;
use crate::model::http::{HeaderMatch, HeaderModifiers, PathMatch, QueryMatch, TextMatch};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"];

/// `PathExact`, `PathPrefix` or `PathRegex`.
pub(super) fn path(fields: &mut Fields<'_>) -> Result<Option<PathMatch>> {
    let (exact, prefix) = (rooted(fields, "PathExact")?, rooted(fields, "PathPrefix")?);
    let regex = fields.regex("PathRegex")?;
    let given = [&exact, &prefix, &regex].map(|path| !path.is_empty());
    if given == [false; 3] {
        return Ok(None);
    }
    fields.only_one_of(&["PathExact", "PathPrefix", "PathRegex"], &given)?;
    Ok(Some(match given {
        [true, ..] => PathMatch::Exact(exact),
        [_, true, _] => PathMatch::Prefix(prefix),
        _ => PathMatch::Regex(regex),
    }))
}

fn rooted(fields: &mut Fields<'_>, field: &'static str) -> Result<String> {
    let path = fields.text(field)?;
    if !path.is_empty() && !path.starts_with('/') {
        return Err(fields.error(field, format!("{path:?} does not start with '/'")));
    }
    Ok(path)
}

/// The tests of a header that its object may ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderTests {
    Router,
    /// They may also ask what the header contains, and ignore case.
    Intention,
}

pub(super) fn headers(fields: &mut Fields<'_>, tests: HeaderTests) -> Result<Vec<HeaderMatch>> {
    let headers = fields.objects("Header", "a header match")?.unwrap_or_default();
    headers.into_iter().map(|fields| header(fields, tests)).collect()
}

fn header(mut fields: Fields<'_>, tests: HeaderTests) -> Result<HeaderMatch> {
    let of_intention = tests == HeaderTests::Intention;
    let name = header_name(&mut fields)?;
    let contains = if of_intention { fields.text("Contains")? } else { String::new() };
    let value = test(&mut fields, contains, true)?;
    let ignore_case = of_intention && fields.flag("IgnoreCase")?;
    if ignore_case && matches!(value, TextMatch::Present | TextMatch::Regex(_)) {
        return Err(fields.error("IgnoreCase", "needs one of Exact, Prefix, Suffix, Contains"));
    }
    let invert = fields.flag("Invert")?;
    fields.finish()?;
    Ok(HeaderMatch { name, value, ignore_case, invert })
}

fn header_name(fields: &mut Fields<'_>) -> Result<String> {
    let name = fields.text("Name")?;
    let pseudo = [":authority", ":method", ":path", ":scheme"].contains(&name.as_str());
    match token_problem(&name).filter(|_| !pseudo) {
        Some(problem) => Err(fields.error("Name", problem)),
        None => Ok(name),
    }
}

pub(super) fn query(fields: &mut Fields<'_>) -> Result<Vec<QueryMatch>> {
    let parameters = fields.objects("QueryParam", "a query parameter match")?.unwrap_or_default();
    let parameter = |mut fields: Fields<'_>| {
        let name = fields.text("Name")?;
        if name.is_empty() {
            return Err(fields.error("Name", "is required"));
        }
        let value = test(&mut fields, String::new(), false)?;
        fields.finish()?;
        Ok(QueryMatch { name, value })
    };
    parameters.into_iter().map(parameter).collect()
}

fn test(fields: &mut Fields<'_>, contains: String, is_header: bool) -> Result<TextMatch> {
    let present = fields.flag("Present")?;
    let (exact, regex) = (fields.text("Exact")?, fields.regex("Regex")?);
    let (prefix, suffix) =
        if is_header { (fields.text("Prefix")?, fields.text("Suffix")?) } else { <(String, String)>::default() };
    let tests = [
        present.then_some(TextMatch::Present),
        Some(exact).filter(|text| !text.is_empty()).map(TextMatch::Exact),
        Some(regex).filter(|text| !text.is_empty()).map(TextMatch::Regex),
        Some(prefix).filter(|text| !text.is_empty()).map(TextMatch::Prefix),
        Some(suffix).filter(|text| !text.is_empty()).map(TextMatch::Suffix),
        Some(contains).filter(|text| !text.is_empty()).map(TextMatch::Contains),
    ];
    let names = ["Present", "Exact", "Regex", "Prefix", "Suffix"];
    fields.only_one_of(if is_header { &names } else { &names[..3] }, &tests.each_ref().map(Option::is_some))?;
    Ok(tests.into_iter().flatten().next().unwrap_or(TextMatch::Present))
}

/// Upper case, each once.
pub(super) fn methods(fields: &mut Fields<'_>) -> Result<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut methods = fields.texts("Methods")?;
    for (at, method) in methods.iter_mut().enumerate() {
        method.make_ascii_uppercase();
        let field = format!("Methods[{at}]");
        if !METHODS.contains(&method.as_str()) {
            return Err(
                fields.error(&field, format!("{method:?} is no method; expected one of {}", METHODS.join(", ")))
            );
        }
        if !seen.insert(method.clone()) {
            return Err(fields.error(&field, format!("{method:?} is there already")));
        }
    }
    Ok(methods)
}

/// `RequestHeaders` or `ResponseHeaders`.
pub(super) fn modifiers(fields: &mut Fields<'_>, field: &'static str) -> Result<HeaderModifiers> {
    let Some(mut fields) = fields.object(field, "header modifiers")? else { return Ok(HeaderModifiers::default()) };
    let modifiers =
        HeaderModifiers { add: fields.text_map("Add")?, set: fields.text_map("Set")?, remove: fields.texts("Remove")? };
    for (of, name) in named(&modifiers) {
        if let Some(problem) = modifiable_problem(name) {
            return Err(fields.error(of, problem));
        }
    }
    fields.finish()?;
    Ok(modifiers)
}

fn named(modifiers: &HeaderModifiers) -> impl Iterator<Item = (&'static str, &String)> {
    let add = modifiers.add.keys().map(|name| ("Add", name));
    let set = modifiers.set.keys().map(|name| ("Set", name));
    add.chain(set).chain(modifiers.remove.iter().map(|name| ("Remove", name)))
}

/// What Envoy would refuse the whole route for.
fn modifiable_problem(name: &str) -> Option<String> {
    if name.starts_with(':') || name.eq_ignore_ascii_case("host") {
        return Some(format!("{name:?} is a part of the request itself and cannot be changed here"));
    }
    token_problem(name)
}

/// Why it can be the name of no header.
pub(super) fn token_problem(name: &str) -> Option<String> {
    let token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    if name.is_empty() {
        return Some("a header needs a name".to_owned());
    }
    (!name.chars().all(token)).then(|| format!("{name:?} can be the name of no header"))
}

pub(super) fn show_path(members: Members, path: Option<&PathMatch>) -> Members {
    match path {
        None => members,
        Some(PathMatch::Exact(path)) => members.text("PathExact", path),
        Some(PathMatch::Prefix(path)) => members.text("PathPrefix", path),
        Some(PathMatch::Regex(path)) => members.text("PathRegex", path),
    }
}

pub(super) fn show_headers(members: Members, headers: &[HeaderMatch]) -> Members {
    let header = |header: &HeaderMatch| {
        let members = Members::default().text("Name", &header.name);
        show_test(members, &header.value).flag("Invert", header.invert).flag("IgnoreCase", header.ignore_case)
    };
    members.objects("Header", headers.iter().map(header))
}

pub(super) fn show_query(members: Members, query: &[QueryMatch]) -> Members {
    let parameter =
        |parameter: &QueryMatch| show_test(Members::default().text("Name", &parameter.name), &parameter.value);
    members.objects("QueryParam", query.iter().map(parameter))
}

fn show_test(members: Members, test: &TextMatch) -> Members {
    match test {
        TextMatch::Present => members.flag("Present", true),
        TextMatch::Exact(text) => members.text("Exact", text),
        TextMatch::Prefix(text) => members.text("Prefix", text),
        TextMatch::Suffix(text) => members.text("Suffix", text),
        TextMatch::Contains(text) => members.text("Contains", text),
        TextMatch::Regex(text) => members.text("Regex", text),
    }
}

pub(super) fn show_modifiers(modifiers: &HeaderModifiers) -> Members {
    let members = Members::default().text_map("Add", &modifiers.add).text_map("Set", &modifiers.set);
    members.texts("Remove", &modifiers.remove)
}
