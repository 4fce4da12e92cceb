//! Faults of routes: the caller's Envoy delays requests or answers them in place of the service.

use std::collections::HashMap;

use envoy_types::pb::envoy::extensions::filters::common::fault::v3::{FaultDelay, fault_delay::FaultDelaySecifier};
use envoy_types::pb::envoy::extensions::filters::http::fault::v3::{FaultAbort, HttpFault, fault_abort::ErrorType};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
use envoy_types::pb::google::protobuf::Any;
use envoy_types::util::pack_any;

use super::listener::http_filter;
use super::{duration, share};
use crate::chain::Chain;
use crate::model::fault::{Abort, AbortStatus, Delay, Fault};

const FILTER: &str = "envoy.filters.http.fault";

/// Does nothing by itself: routes say what. `None` when none does.
pub(super) fn filter(chain: &Chain) -> Option<HttpFilter> {
    let faulty = chain.routes().iter().any(|route| !route.destination.fault.is_none());
    faulty.then(|| http_filter(FILTER, HttpFault::default()))
}

/// `typed_per_filter_config` of a route, with its one key or none.
pub(super) fn of_route(fault: &Fault) -> HashMap<String, Any> {
    if fault.is_none() {
        return HashMap::new();
    }
    let config = HttpFault { delay: fault.delay.map(delay), abort: fault.abort.map(abort), ..Default::default() };
    HashMap::from([(FILTER.to_owned(), pack_any(config))])
}

fn delay(delay: Delay) -> FaultDelay {
    FaultDelay {
        percentage: Some(share(delay.share)),
        fault_delay_secifier: Some(FaultDelaySecifier::FixedDelay(duration(delay.duration))),
    }
}

fn abort(abort: Abort) -> FaultAbort {
    let status = match abort.status {
        AbortStatus::Http(status) => ErrorType::HttpStatus(status),
        AbortStatus::Grpc(status) => ErrorType::GrpcStatus(status),
    };
    FaultAbort { percentage: Some(share(abort.share)), error_type: Some(status), ..Default::default() }
}
