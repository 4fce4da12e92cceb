//! Where Envoy pushes its statistics, besides being scraped.

use serde_json::{Value, json};

use super::address;
use super::config::{BootstrapConfig, SinkAddress};

pub(super) fn build(config: &BootstrapConfig) -> Vec<Value> {
    let statsd = config.statsd.as_ref().map(|to| sink("envoy.stat_sinks.statsd", "StatsdSink", to));
    let dogstatsd = config.dogstatsd.as_ref().map(|to| sink("envoy.stat_sinks.dog_statsd", "DogStatsdSink", to));
    statsd.into_iter().chain(dogstatsd).chain(config.extra_stats_sinks.iter().cloned()).collect()
}

fn sink(name: &str, message: &str, to: &SinkAddress) -> Value {
    let address = match to {
        SinkAddress::Udp(socket) => address::udp(*socket),
        SinkAddress::Unix(path) => address::pipe(path),
    };
    let type_url = format!("type.googleapis.com/envoy.config.metrics.v3.{message}");
    json!({ "name": name, "typed_config": { "@type": type_url, "address": address } })
}
