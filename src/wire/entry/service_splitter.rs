//! `service-splitter`.

use std::collections::BTreeSet;

use super::reference;
use crate::model::ServiceName;
use crate::model::entry::ServiceSplitter;
use crate::model::entry::service_splitter::{ServiceSplit, Weight};
use crate::wire::fields::{Fields, Result};
use crate::wire::http;
use crate::wire::members::Members;
use crate::wire::weight::shown;

pub(super) fn decode(fields: &mut Fields<'_>, name: &str) -> Result<ServiceSplitter> {
    let mut splits = Vec::new();
    let mut seen = BTreeSet::new();
    for mut fields in fields.objects("Splits", "a split")?.unwrap_or_default() {
        let split = split(&mut fields)?;
        let service = split.service.clone().unwrap_or_else(|| name.into());
        if !seen.insert((service.clone(), split.subset.clone())) {
            let what = if split.subset.is_empty() { String::new() } else { format!(", subset {:?}", split.subset) };
            return Err(fields.error("Service", format!("another split leads to {service:?}{what} already")));
        }
        fields.finish()?;
        splits.push(split);
    }
    if splits.is_empty() {
        return Err(fields.error("Splits", "needs at least one split"));
    }
    let sum = Weight(splits.iter().map(|split| split.weight.0).sum());
    if sum != Weight::WHOLE {
        return Err(fields.error("Splits", format!("the weights must make 100, they make {}", shown(sum))));
    }
    Ok(ServiceSplitter { splits })
}

fn split(fields: &mut Fields<'_>) -> Result<ServiceSplit> {
    let weight = fields.weight("Weight")?;
    let (service, subset) = reference::decode(fields)?;
    Ok(ServiceSplit {
        weight,
        service,
        subset,
        request_headers: http::modifiers(fields, "RequestHeaders")?,
        response_headers: http::modifiers(fields, "ResponseHeaders")?,
    })
}

pub(super) fn show(members: Members, body: &ServiceSplitter) -> Members {
    members.objects("Splits", body.splits.iter().map(show_split))
}

pub(in crate::wire) fn show_split(split: &ServiceSplit) -> Members {
    Members::default()
        .always("Weight", shown(split.weight))
        .text("Service", split.service.as_ref().map_or("", ServiceName::as_str))
        .text("ServiceSubset", &split.subset)
        .object("RequestHeaders", http::show_modifiers(&split.request_headers))
        .object("ResponseHeaders", http::show_modifiers(&split.response_headers))
}
