//! `service-router`.

use std::time::Duration;

use super::{fault, reference};
use crate::model::ServiceName;
use crate::model::entry::ServiceRouter;
use crate::model::entry::service_router::{
    Mirror, Retries, RetryCondition, RouteDestination, RouteMatch, ServiceRoute, Timeout,
};
use crate::model::http::PathMatch;
use crate::wire::fields::{Fields, Result};
use crate::wire::http::{self, HeaderTests};
use crate::wire::members::Members;
use crate::wire::weight::shown;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ServiceRouter> {
    let routes = fields.objects("Routes", "a route")?.unwrap_or_default();
    Ok(ServiceRouter { routes: routes.into_iter().map(route).collect::<Result<_>>()? })
}

fn route(mut fields: Fields<'_>) -> Result<ServiceRoute> {
    let matches = matches(&mut fields)?;
    let destination = match fields.object("Destination", "a route's destination")? {
        None => RouteDestination::default(),
        Some(mut inside) => {
            let destination = destination(&mut inside)?;
            let rewritable = matches!(matches.path, Some(PathMatch::Exact(_) | PathMatch::Prefix(_)));
            if !destination.prefix_rewrite.is_empty() && !rewritable {
                let message = "needs a Match.HTTP.PathExact or PathPrefix, which it stands in place of";
                return Err(inside.error("PrefixRewrite", message));
            }
            inside.finish()?;
            destination
        }
    };
    fields.finish()?;
    Ok(ServiceRoute { matches, destination })
}

fn matches(fields: &mut Fields<'_>) -> Result<RouteMatch> {
    let Some(mut outer) = fields.object("Match", "a route's match")? else { return Ok(RouteMatch::default()) };
    let matches = match outer.object("HTTP", "a match of requests")? {
        None => RouteMatch::default(),
        Some(mut http) => {
            let matches = RouteMatch {
                path: http::path(&mut http)?,
                ignore_case: http.flag("CaseInsensitive")?,
                headers: http::headers(&mut http, HeaderTests::Router)?,
                query: http::query(&mut http)?,
                methods: http::methods(&mut http)?,
            };
            http.finish()?;
            matches
        }
    };
    outer.finish()?;
    Ok(matches)
}

fn destination(fields: &mut Fields<'_>) -> Result<RouteDestination> {
    let (service, subset) = reference::decode(fields)?;
    let destination = RouteDestination {
        service,
        subset,
        prefix_rewrite: fields.text("PrefixRewrite")?,
        request_timeout: fields.timeout("RequestTimeout")?,
        idle_timeout: fields.timeout("IdleTimeout")?,
        retries: Retries {
            most: fields.count("NumRetries")?,
            on_connect_failure: fields.flag("RetryOnConnectFailure")?,
            on: fields.words("RetryOn", "condition for a retry")?,
            on_status_codes: status_codes(fields)?,
        },
        request_headers: http::modifiers(fields, "RequestHeaders")?,
        response_headers: http::modifiers(fields, "ResponseHeaders")?,
        mirror: mirror(fields)?,
        fault: fault::decode(fields)?,
    };
    Ok(destination)
}

fn mirror(fields: &mut Fields<'_>) -> Result<Option<Mirror>> {
    let Some(mut inside) = fields.object("RequestMirror", "a mirror of requests")? else { return Ok(None) };
    let (service, subset) = reference::decode(&mut inside)?;
    let share = inside.share("Percent")?;
    if service.is_none() && subset.is_empty() && inside.leftovers().is_empty() {
        return Err(fields.error("RequestMirror", "needs a Service or a ServiceSubset to which copies go"));
    }
    inside.finish()?;
    Ok(Some(Mirror { service, subset, share }))
}

fn status_codes(fields: &mut Fields<'_>) -> Result<Vec<u32>> {
    let codes = fields.texts("RetryOnStatusCodes")?;
    let code = |(at, code): (usize, &String)| {
        let found = code.parse().ok().filter(|code| (100..600).contains(code));
        found.ok_or_else(|| {
            let field = format!("RetryOnStatusCodes[{at}]");
            fields.error(&field, format!("expected a status from 100 to 599, got {code}"))
        })
    };
    codes.iter().enumerate().map(code).collect()
}

pub(super) fn show(members: Members, body: &ServiceRouter) -> Members {
    let route = |route: &ServiceRoute| {
        Members::default()
            .object("Match", Members::default().object("HTTP", show_match(&route.matches)))
            .object("Destination", show_destination(&route.destination))
    };
    members.always("Routes", body.routes.iter().map(route).map(serde_json::Value::from).collect::<Vec<_>>())
}

pub(in crate::wire) fn show_match(matches: &RouteMatch) -> Members {
    let members =
        http::show_path(Members::default(), matches.path.as_ref()).flag("CaseInsensitive", matches.ignore_case);
    http::show_query(http::show_headers(members, &matches.headers), &matches.query).texts("Methods", &matches.methods)
}

pub(in crate::wire) fn show_destination(destination: &RouteDestination) -> Members {
    let retries = &destination.retries;
    let on: Vec<&str> = retries.on.iter().copied().map(RetryCondition::as_str).collect();
    let codes = retries.on_status_codes.clone();
    let members = Members::default()
        .text("Service", destination.service.as_ref().map_or("", ServiceName::as_str))
        .text("ServiceSubset", &destination.subset)
        .text("PrefixRewrite", &destination.prefix_rewrite);
    let members = show_timeout(members, "RequestTimeout", destination.request_timeout);
    show_timeout(members, "IdleTimeout", destination.idle_timeout)
        .number("NumRetries", retries.most)
        .flag("RetryOnConnectFailure", retries.on_connect_failure)
        .texts("RetryOn", &on)
        .optional("RetryOnStatusCodes", (!codes.is_empty()).then_some(codes))
        .object("RequestHeaders", http::show_modifiers(&destination.request_headers))
        .object("ResponseHeaders", http::show_modifiers(&destination.response_headers))
        .object("RequestMirror", destination.mirror.as_ref().map(show_mirror).unwrap_or_default())
        .object("Fault", fault::show(&destination.fault))
}

fn show_mirror(mirror: &Mirror) -> Members {
    Members::default()
        .text("Service", mirror.service.as_ref().map_or("", ServiceName::as_str))
        .text("ServiceSubset", &mirror.subset)
        .always("Percent", shown(mirror.share))
}

fn show_timeout(members: Members, name: &str, timeout: Timeout) -> Members {
    match timeout {
        Timeout::Default => members,
        Timeout::After(duration) => {
            members.duration(name, Some(duration).filter(|duration| *duration > Duration::ZERO))
        }
        Timeout::Never => members.text(name, "-1s"),
    }
}
