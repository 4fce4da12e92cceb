//! The client status discovery service, from the server's view: how far each resource of each client has come. A client
//! with several streams is one client.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use chancery::delta::{ResourceStatus, SyncState};
use chancery::model::{ProxyId, SidecarNode};
use chancery::resource::{ResourceType, View};
use envoy_types::pb::envoy::admin::v3::UpdateFailureState;
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::status::v3::client_config::GenericXdsConfig;
use envoy_types::pb::envoy::service::status::v3::client_status_discovery_service_server::ClientStatusDiscoveryService;
use envoy_types::pb::envoy::service::status::v3::{
    ClientConfig, ClientStatusRequest, ClientStatusResponse, ConfigStatus,
};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, Struct, Timestamp, Value};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::node_matcher::any_matches;
use crate::xds_stream::{Sheet, Streams};

#[derive(Clone)]
pub(super) struct ClientStatus {
    pub streams: Streams,
}

#[tonic::async_trait]
impl ClientStatusDiscoveryService for ClientStatus {
    type StreamClientStatusStream = Pin<Box<dyn Stream<Item = Result<ClientStatusResponse, Status>> + Send>>;

    async fn stream_client_status(
        &self,
        request: Request<Streaming<ClientStatusRequest>>,
    ) -> Result<Response<Self::StreamClientStatusStream>, Status> {
        let service = self.clone();
        let answers = request.into_inner().map(move |request| service.answer(&request?));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn fetch_client_status(
        &self,
        request: Request<ClientStatusRequest>,
    ) -> Result<Response<ClientStatusResponse>, Status> {
        self.answer(request.get_ref()).map(Response::new)
    }
}

impl ClientStatus {
    fn answer(&self, request: &ClientStatusRequest) -> Result<ClientStatusResponse, Status> {
        let mut clients: BTreeMap<ProxyId, Vec<Arc<Sheet>>> = BTreeMap::new();
        for sheet in self.streams.sheets() {
            clients.entry(sheet.proxy.clone()).or_default().push(sheet);
        }
        let mut config = Vec::new();
        for (proxy, sheets) in clients {
            if any_matches(&request.node_matchers, &proxy)? {
                let generic_xds_configs = self.resources(&proxy, &sheets, !request.exclude_resource_contents);
                config.push(ClientConfig { node: Some(node(&proxy)), generic_xds_configs, ..Default::default() });
            }
        }
        Ok(ClientStatusResponse { config })
    }

    /// Sorted by type and name; of a resource that several streams carry, the one that is furthest behind.
    fn resources(&self, proxy: &ProxyId, sheets: &[Arc<Sheet>], contents: bool) -> Vec<GenericXdsConfig> {
        // while an Envoy is replaced by one of another release there are two: the newer
        let envoy = sheets.iter().filter_map(|sheet| sheet.envoy).max();
        let view = self.streams.publications().view(&SidecarNode { id: proxy.clone(), envoy });
        let view = view.as_deref().filter(|_| contents);
        let mut resources: BTreeMap<(String, String), GenericXdsConfig> = BTreeMap::new();
        for sheet in sheets {
            // copied out: the stream is not held up while contents are decoded
            let types = sheet.protocol().status();
            for (kind, resource) in types.iter().flat_map(|of| of.resources.iter().map(|resource| (of.kind, resource)))
            {
                let config = resource_config(kind, resource, sheet, view);
                let at = resources.entry((config.type_url.clone(), config.name.clone()));
                let known = at.or_insert_with(|| config.clone());
                if urgency(config.config_status) > urgency(known.config_status) {
                    *known = config;
                }
            }
        }
        resources.into_values().collect()
    }
}

fn urgency(status: i32) -> u8 {
    match ConfigStatus::try_from(status) {
        Ok(ConfigStatus::Error) => 3,
        Ok(ConfigStatus::NotSent) => 2,
        Ok(ConfigStatus::Stale) => 1,
        Ok(ConfigStatus::Synced | ConfigStatus::Unknown) | Err(_) => 0,
    }
}

fn resource_config(
    kind: ResourceType,
    resource: &ResourceStatus,
    sheet: &Sheet,
    view: Option<&View>,
) -> GenericXdsConfig {
    let config_status = match resource.state {
        SyncState::Synced => ConfigStatus::Synced,
        SyncState::NotSent => ConfigStatus::NotSent,
        SyncState::Stale => ConfigStatus::Stale,
        SyncState::Error => ConfigStatus::Error,
    };
    let newest = view.and_then(|view| content(kind, &resource.name, view));
    let refused = (resource.state == SyncState::Error).then(|| sheet.refused(kind, &resource.name)).flatten();
    let error_state = refused.map(|refused| UpdateFailureState {
        failed_configuration: newest.clone(),
        last_update_attempt: Some(Timestamp {
            seconds: i64::try_from(refused.at.as_secs()).unwrap_or(i64::MAX),
            nanos: refused.at.subsec_nanos().cast_signed(),
        }),
        details: format!("{} (from {})", refused.message, refused.origin),
        version_info: refused.version.map(|version| version.to_string()).unwrap_or_default(),
    });
    // what the client holds is the content only if it has accepted it
    let is_held = resource.accepted == resource.wanted;
    let version = resource.accepted.or(resource.wanted);
    GenericXdsConfig {
        type_url: kind.type_url().to_owned(),
        name: resource.name.to_string(),
        version_info: version.map(|version| version.to_string()).unwrap_or_default(),
        xds_config: newest.filter(|_| is_held || error_state.is_none()),
        config_status: config_status.into(),
        error_state,
        ..Default::default()
    }
}

/// Secrets are never shown.
fn content(kind: ResourceType, name: &str, view: &View) -> Option<Any> {
    let resource = view.get(kind, name).filter(|_| kind != ResourceType::Secret)?;
    resource.any().inspect_err(|error| tracing::error!(%error, name, "a resource of ours cannot be decoded")).ok()
}

fn node(proxy: &ProxyId) -> Node {
    let name = Value { kind: Some(Kind::StringValue(proxy.node.to_string())) };
    let fields = [("node_name".to_owned(), name)].into();
    Node { id: proxy.service.to_string(), metadata: Some(Struct { fields }), ..Default::default() }
}
