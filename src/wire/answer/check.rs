//! Health checks, as every path shows them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::model::check::TlsProbe;
use crate::model::{Check, CheckDefinition, Index, Probe, Status, Target};
use crate::wire::duration;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::wire) struct CheckAnswer<'a> {
    node: &'a str,
    #[serde(rename = "CheckID")]
    check_id: &'a str,
    name: &'a str,
    status: &'static str,
    notes: &'a str,
    output: &'a str,
    #[serde(rename = "ServiceID")]
    service_id: &'a str,
    service_name: &'a str,
    service_tags: &'a [String],
    r#type: &'static str,
    interval: String,
    timeout: String,
    exposed_port: u16,
    definition: Definition<'a>,
    create_index: Index,
    modify_index: Index,
}

/// Only what is set.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::wire) struct Definition<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    interval: String,
    #[serde(skip_serializing_if = "is_zero")]
    output_max_size: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    timeout: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    deregister_critical_service_after: String,
    #[serde(rename = "HTTP", skip_serializing_if = "str::is_empty")]
    http: &'a str,
    #[serde(rename = "TLSServerName", skip_serializing_if = "str::is_empty")]
    tls_server_name: &'a str,
    #[serde(rename = "TLSSkipVerify", skip_serializing_if = "std::ops::Not::not")]
    tls_skip_verify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<&'a BTreeMap<String, Vec<String>>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    method: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    body: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_redirects: bool,
    #[serde(rename = "TCP", skip_serializing_if = "str::is_empty")]
    tcp: &'a str,
    #[serde(rename = "TCPUseTLS", skip_serializing_if = "std::ops::Not::not")]
    tcp_use_tls: bool,
    #[serde(rename = "UDP", skip_serializing_if = "str::is_empty")]
    udp: &'a str,
    #[serde(rename = "GRPC", skip_serializing_if = "String::is_empty")]
    grpc: String,
    #[serde(rename = "GRPCUseTLS", skip_serializing_if = "std::ops::Not::not")]
    grpc_use_tls: bool,
    #[serde(rename = "H2PING", skip_serializing_if = "str::is_empty")]
    h2ping: &'a str,
    /// Shown when it is off too, because it is on by default.
    #[serde(rename = "H2PingUseTLS", skip_serializing_if = "Option::is_none")]
    h2ping_use_tls: Option<bool>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    script_args: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    alias_node: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    alias_service: &'a str,
    /// Nanoseconds: the one duration that Consul leaves as a number here.
    #[serde(rename = "TTL", skip_serializing_if = "is_zero_nanos")]
    ttl: u128,
}

/// An element of `/v1/health/…` lists and of the map that `/v1/agent/checks` answers.
pub fn check(check: &Check) -> impl Serialize + '_ {
    CheckAnswer::from(check)
}

impl<'a> From<&'a Check> for CheckAnswer<'a> {
    fn from(check: &'a Check) -> Self {
        let definition = check.definition.as_ref();
        let shown =
            |part: fn(&CheckDefinition) -> Duration| definition.map(part).map(duration::show).unwrap_or_default();
        Self {
            node: check.node.as_str(),
            check_id: check.id.as_str(),
            name: &check.name,
            status: Status::as_str(check.status),
            notes: &check.notes,
            output: &check.output,
            service_id: check.service_id.as_str(),
            service_name: check.service_name.as_str(),
            service_tags: &check.service_tags,
            r#type: check.kind(),
            interval: shown(|definition| definition.interval),
            timeout: shown(|definition| definition.timeout),
            exposed_port: check.exposed.as_ref().map_or(0, |exposed| exposed.port),
            definition: definition.map(Definition::from).unwrap_or_default(),
            create_index: check.create_index,
            modify_index: check.modify_index,
        }
    }
}

impl<'a> From<&'a CheckDefinition> for Definition<'a> {
    fn from(definition: &'a CheckDefinition) -> Self {
        let shown = |part| if part == Duration::ZERO { String::new() } else { duration::show(part) };
        let mut answer = Self {
            interval: shown(definition.interval),
            timeout: shown(definition.timeout),
            deregister_critical_service_after: shown(definition.deregister_critical_service_after),
            output_max_size: definition.output_max_size,
            ..Self::default()
        };
        match &definition.probe {
            Probe::Ttl(ttl) => answer.ttl = ttl.as_nanos(),
            Probe::Alias { node, service } => {
                answer.alias_node = node.as_str();
                answer.alias_service = service.as_str();
            }
            Probe::Periodic(target) => answer.target(target),
        }
        answer
    }
}

impl<'a> Definition<'a> {
    fn target(&mut self, target: &'a Target) {
        match target {
            Target::Http(http) => {
                self.http = &http.url;
                self.header = Some(&http.header).filter(|header| !header.is_empty());
                self.method = &http.method;
                self.body = &http.body;
                self.disable_redirects = http.disable_redirects;
                self.tls(Some(&http.tls));
            }
            Target::Tcp(socket) => {
                self.tcp = &socket.address;
                self.tcp_use_tls = self.tls(socket.tls.as_ref());
            }
            Target::Udp(address) => self.udp = address,
            Target::Grpc { server, service } => {
                let service = if service.is_empty() { String::new() } else { format!("/{service}") };
                self.grpc = format!("{}{service}", server.address);
                self.grpc_use_tls = self.tls(server.tls.as_ref());
            }
            Target::H2Ping(socket) => {
                self.h2ping = &socket.address;
                self.h2ping_use_tls = Some(self.tls(socket.tls.as_ref()));
            }
            Target::Script(args) => self.script_args = args,
        }
    }

    /// Whether there is any.
    fn tls(&mut self, tls: Option<&'a TlsProbe>) -> bool {
        if let Some(tls) = tls {
            self.tls_server_name = &tls.server_name;
            self.tls_skip_verify = tls.skip_verify;
        }
        tls.is_some()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_zero_nanos(number: &u128) -> bool {
    *number == 0
}
