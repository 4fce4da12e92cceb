//! The load reporting service: takes what clients report of the requests they have sent.

use std::collections::BTreeMap;

use axum::body::Body;
use bytes::{BufMut as _, Bytes, BytesMut};
use chancery::delta;
use chancery::model::SidecarNode;
use chancery::resource::ResourceType;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterStats, UpstreamLocalityStats};
use envoy_types::pb::envoy::service::load_stats::v3::LoadStatsResponse;
use envoy_types::pb::google::protobuf::Duration;
use http::{Request, Response};
use prost::Message;
use tokio::sync::mpsc;
use tonic::Status;

use super::GrpcParts;
use super::body::{Ending, Messages};
use super::incoming::Incoming;
use super::node::NodeHead;
use crate::loads::{ClusterLoad, LoadKey, Place, Reporter, Requests};

pub(super) const SERVICE: &str = "envoy.service.load_stats.v3.LoadReportingService";

/// The client understands `send_all_clusters`; others must be told names.
const ALL_CLUSTERS: &str = "envoy.lrs.supports_send_all_clusters";

/// `envoy.service.load_stats.v3.LoadStatsRequest`; Envoy repeats its whole node in each.
#[derive(Clone, PartialEq, Message)]
struct Report {
    #[prost(bytes = "bytes", tag = "1")]
    node: Bytes,
    #[prost(message, repeated, tag = "2")]
    clusters: Vec<ClusterStats>,
}

#[derive(Clone)]
pub(super) struct LoadReporting(pub GrpcParts);

impl LoadReporting {
    pub async fn open(&self, request: Request<Body>) -> Result<Response<Body>, Status> {
        if !request.uri().path().ends_with("/StreamLoadStats") {
            return Err(Status::unimplemented(format!("{SERVICE} has the method StreamLoadStats alone")));
        }
        let mut incoming = Incoming::new(request.into_body(), self.0.streams.settings().max_request_bytes);
        let first = incoming
            .next()
            .await?
            .ok_or_else(|| Status::invalid_argument("the stream ended before its first message"))?;
        let first = read(first)?;
        let node = NodeHead::read(first.node.clone())?;
        let (out, messages) = mpsc::channel(1);
        let ending = Ending::default();
        let collection = Collection {
            parts: self.0.clone(),
            reporter: self.0.loads.reporter(),
            asks_all: node.has_feature(ALL_CLUSTERS),
            node,
            asked: None,
            out,
        };
        tokio::spawn(collection.run(first, incoming, ending.clone()));
        Ok(Messages::new(messages, ending).into_response())
    }
}

/// One client's reports, from the first message to its end.
struct Collection {
    parts: GrpcParts,
    reporter: Reporter,
    node: NodeHead,
    asks_all: bool,
    /// The clusters it was asked to report.
    asked: Option<Vec<String>>,
    out: mpsc::Sender<delta::Message>,
}

impl Collection {
    async fn run(mut self, first: Report, mut incoming: Incoming, ending: Ending) {
        let mut next = Ok(Some(first));
        loop {
            match next {
                Ok(Some(report)) => self.add(report),
                Ok(None) => return ending.set(Status::ok("")),
                Err(status) => return ending.set(status),
            }
            if !self.ask().await {
                return;
            }
            next = match incoming.next().await {
                Ok(message) => message.map(read).transpose(),
                Err(status) => Err(status),
            };
        }
    }

    fn add(&mut self, report: Report) {
        for stats in report.clusters {
            let (key, load) = load_of(stats);
            if !self.reporter.add(&key, &load) {
                tracing::warn!(client = %self.node.id, "load of a cluster was left out: there are too many names");
            }
        }
    }

    /// Says what to report, at first and when that has changed. False: the client has gone.
    async fn ask(&mut self) -> bool {
        let clusters = if self.asks_all { Vec::new() } else { self.clusters() };
        if self.asked.as_ref() == Some(&clusters) {
            return true;
        }
        let interval = self.parts.streams.settings().load_report_interval;
        let response = LoadStatsResponse {
            clusters: clusters.clone(),
            send_all_clusters: self.asks_all,
            load_reporting_interval: Some(Duration {
                seconds: i64::try_from(interval.as_secs()).unwrap_or(i64::MAX),
                nanos: interval.subsec_nanos().cast_signed(),
            }),
            ..Default::default()
        };
        self.asked = Some(clusters);
        self.out.send(framed(&response)).await.is_ok()
    }

    /// What the client shall hold.
    fn clusters(&self) -> Vec<String> {
        let proxy = self.node.proxy(&self.parts.own_node).ok();
        let client = proxy.map(|id| SidecarNode { id, envoy: self.node.envoy() });
        let view = client.and_then(|client| self.parts.streams.publications().view(&client));
        let list = view.iter().flat_map(|view| view.list(ResourceType::Cluster).iter());
        list.map(|cluster| cluster.name.to_string()).collect()
    }
}

fn read(message: Bytes) -> Result<Report, Status> {
    Report::decode(message).map_err(|error| Status::invalid_argument(format!("the report cannot be read: {error}")))
}

fn load_of(stats: ClusterStats) -> (LoadKey, ClusterLoad) {
    let key = LoadKey { cluster: stats.cluster_name, service: stats.cluster_service_name };
    let mut dropped_by = BTreeMap::new();
    for dropped in stats.dropped_requests {
        *dropped_by.entry(dropped.category).or_default() += dropped.dropped_count;
    }
    let mut requests: BTreeMap<Place, Requests> = BTreeMap::new();
    // a locality comes once for each priority
    for stats in stats.upstream_locality_stats {
        let of_place = requests.entry(place_of(&stats)).or_default();
        of_place.issued += stats.total_issued_requests;
        of_place.successful += stats.total_successful_requests;
        of_place.errors += stats.total_error_requests;
        of_place.in_progress += stats.total_requests_in_progress;
    }
    (key, ClusterLoad { requests, dropped: stats.total_dropped_requests, dropped_by })
}

fn place_of(stats: &UpstreamLocalityStats) -> Place {
    let locality = stats.locality.clone().unwrap_or_default();
    Place { region: locality.region, zone: locality.zone, sub_zone: locality.sub_zone }
}

/// As a gRPC message.
fn framed(message: &impl Message) -> delta::Message {
    let body = message.encode_to_vec();
    let mut out = BytesMut::with_capacity(5 + body.len());
    out.put_u8(0);
    out.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.put_slice(&body);
    delta::Message { pieces: vec![out.freeze()] }
}
