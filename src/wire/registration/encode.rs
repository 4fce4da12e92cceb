//! A registration as a strict body, for clients that read it from a file.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::Registration;
use crate::model::{Check, Service, ServiceKind};
use crate::wire::answer::check::Definition;
use crate::wire::answer::proxy::{Form, ProxyAnswer};
use crate::wire::answer::{Addresses, LocalityAnswer, WeightsAnswer, addresses, kind};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'static str,
    #[serde(rename = "ID")]
    id: &'a str,
    name: &'a str,
    tags: &'a [String],
    address: &'a str,
    tagged_addresses: Addresses<'a>,
    meta: &'a BTreeMap<String, String>,
    port: u16,
    socket_path: &'a str,
    weights: WeightsAnswer,
    enable_tag_override: bool,
    locality: Option<LocalityAnswer<'a>>,
    proxy: Option<ProxyAnswer<'a>>,
    checks: Option<Vec<CheckBody<'a>>>,
    connect: Connect<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Connect<'a> {
    native: bool,
    sidecar_service: Option<Box<Body<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CheckBody<'a> {
    #[serde(rename = "CheckID")]
    id: &'a str,
    name: &'a str,
    notes: &'a str,
    status: &'static str,
    success_before_passing: u32,
    failures_before_warning: u32,
    failures_before_critical: u32,
    #[serde(flatten)]
    definition: Definition<'a>,
}

/// The body of `/v1/agent/service/register` that registers exactly this.
pub fn encode(registration: &Registration) -> impl Serialize + '_ {
    let sidecar = registration.sidecar.as_ref();
    let sidecar = sidecar.map(|sidecar| Box::new(body(&sidecar.service, sidecar.checks.as_deref(), None)));
    body(&registration.service, Some(&registration.checks), sidecar)
}

fn body<'a>(service: &'a Service, checks: Option<&'a [Check]>, sidecar: Option<Box<Body<'a>>>) -> Body<'a> {
    let proxy = service.proxy.as_ref().filter(|_| service.kind == ServiceKind::ConnectProxy);
    Body {
        kind: kind(service.kind),
        id: service.id.as_str(),
        name: service.name.as_str(),
        tags: &service.tags,
        address: &service.address,
        tagged_addresses: addresses(&service.tagged_addresses),
        meta: &service.meta,
        port: service.port,
        socket_path: &service.socket_path,
        weights: service.weights.into(),
        enable_tag_override: service.enable_tag_override,
        locality: service.locality.as_ref().map(LocalityAnswer::from),
        proxy: proxy.map(|proxy| ProxyAnswer::new(proxy, Form::Agent)),
        checks: checks.map(|checks| checks.iter().filter_map(check).collect()),
        connect: Connect { native: service.connect_native, sidecar_service: sidecar },
    }
}

/// A check that nobody runs cannot be registered with a service.
fn check(check: &Check) -> Option<CheckBody<'_>> {
    let definition = check.definition.as_ref()?;
    Some(CheckBody {
        id: check.id.as_str(),
        name: &check.name,
        notes: &check.notes,
        status: check.status.as_str(),
        success_before_passing: definition.success_before_passing,
        failures_before_warning: definition.failures_before_warning,
        failures_before_critical: definition.failures_before_critical,
        definition: Definition::from(definition),
    })
}
