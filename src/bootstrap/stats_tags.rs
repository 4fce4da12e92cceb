//! Tags: what Envoy cuts out of the names of its statistics, so that dashboards can group by service.
//!
//! Envoy removes the first group of a tag's expression from the name and takes the second as the tag's value. The
//! expressions keep to what both of Envoy's engines know: no look-around.
//!
//! Names of clusters: `[passthrough~|failover-target~<n>~][<hash>~][<subset>.]<service>.<namespace>.<place>.<uuid>.consul`,
//! where `<place>` is `<dc>.internal`, `<partition>.<dc>.internal-v1`, `<partition>.<peer>.external` or `<dc>.query`.
//! The word that ends the place says how many labels stand before it: that is what makes optional labels readable.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::config::invalid;
use super::{BootstrapError, DEFAULT_TENANT, Inputs};

/// What may stand before the name proper.
const WRAPPER: &str = r"(?:passthrough~|failover-target~[0-9]+~)?";
/// Eight hexadecimal digits: no wrapper can be taken for one.
const HASH: &str = r"(?:[0-9a-f]{8}~)?";
const SUBSET: &str = r"(?:[^.]+\.)?";
const LABEL: &str = r"[^.]+";
/// From the label after the namespace up to the trust domain.
const PLACE: &str =
    r"(?:[^.]+\.internal|[^.]+\.[^.]+\.internal-v1|[^.]+\.[^.]+\.external|[^.]+\.query)\.[^.]+\.consul\.";
/// What stands between a place's word and the end.
const TRUST: &str = r"\.[^.]+\.consul\.";

/// Every tag of a sidecar, the user's own last.
pub(super) fn all(inputs: &Inputs, own: &[(String, String)]) -> Result<Vec<Value>, BootstrapError> {
    let mut tags: Vec<(String, Value)> = Vec::new();
    for (name, regex) in destination() {
        tags.push((format!("consul.destination.{name}"), json!({ "regex": regex })));
    }
    for (name, regex) in upstream() {
        tags.push((format!("consul.upstream.{name}"), json!({ "regex": regex })));
    }
    if !inputs.omit_deprecated_tags {
        // Dashboards older than Consul 1.9 group by these.
        for (name, regex) in destination().into_iter().filter(|(name, _)| !matches!(*name, "partition" | "peer")) {
            tags.push((format!("consul.{name}"), json!({ "regex": regex })));
        }
    }
    for (name, value) in [
        ("local_cluster", inputs.cluster.as_str()),
        ("consul.source.service", &inputs.cluster),
        ("consul.source.namespace", DEFAULT_TENANT),
        ("consul.source.partition", DEFAULT_TENANT),
        ("consul.source.datacenter", &inputs.datacenter),
    ] {
        tags.push((name.to_owned(), json!({ "fixed_value": value })));
    }
    let mut taken: BTreeSet<String> = tags.iter().map(|(name, _)| name.clone()).collect();
    for (name, value) in own {
        if !taken.insert(name.clone()) {
            return Err(invalid("envoy_stats_tags", format!("the tag {name:?} is there already: choose another name")));
        }
        tags.push((name.clone(), json!({ "fixed_value": value })));
    }
    Ok(tags
        .into_iter()
        .map(|(name, mut tag)| {
            tag["tag_name"] = Value::String(name);
            tag
        })
        .collect())
}

/// Tags of clusters. Each removes the whole name of the cluster, so that `cluster.upstream_rq_total` is left.
fn destination() -> Vec<(&'static str, String)> {
    let whole = |name: String| format!(r"^cluster\.({WRAPPER}{name})");
    let start = format!("{HASH}{SUBSET}{LABEL}");
    vec![
        ("custom_hash", whole(format!(r"([0-9a-f]{{8}})~{SUBSET}{LABEL}\.{LABEL}\.{PLACE}"))),
        ("service_subset", whole(format!(r"{HASH}([^.]+)\.{LABEL}\.{LABEL}\.{PLACE}"))),
        ("service", whole(format!(r"{HASH}{SUBSET}({LABEL})\.{LABEL}\.{PLACE}"))),
        ("namespace", whole(format!(r"{start}\.({LABEL})\.{PLACE}"))),
        ("partition", whole(format!(r"{start}\.{LABEL}\.({LABEL})\.{LABEL}\.(?:internal-v1|external){TRUST}"))),
        (
            "datacenter",
            whole(format!(r"{start}\.{LABEL}\.(?:{LABEL}\.)?({LABEL})\.(?:internal-v1|internal|query){TRUST}")),
        ),
        ("peer", whole(format!(r"{start}\.{LABEL}\.{LABEL}\.({LABEL})\.external{TRUST}"))),
        (
            "routing_type",
            whole(format!(r"{start}\.{LABEL}\.(?:{LABEL}\.)?{LABEL}\.(internal-v1|internal|external|query){TRUST}")),
        ),
        (
            "trust_domain",
            whole(format!(
                r"{start}\.{LABEL}\.(?:{LABEL}\.)?{LABEL}\.(?:internal-v1|internal|external|query)\.({LABEL})\.consul\."
            )),
        ),
        (
            "target",
            whole(format!(
                r"{HASH}({SUBSET}{LABEL}\.{LABEL}\.(?:{LABEL}\.)?{LABEL})\.(?:internal-v1|internal|external|query){TRUST}"
            )),
        ),
        (
            "full_target",
            whole(format!(
                r"({HASH}{SUBSET}{LABEL}\.{LABEL}\.(?:{LABEL}\.)?{LABEL}\.(?:internal-v1|internal|external|query)\.{LABEL})\.consul\."
            )),
        ),
    ]
}

/// Tags of upstream listeners: `upstream.<service>.<namespace>.<partition>.<dc>`, or
/// `upstream_peered.<service>.<namespace>.<peer>`. Each removes its own label.
fn upstream() -> Vec<(&'static str, String)> {
    let after = |kind: &str, labels: usize| format!(r"^(?:tcp|http)\.{kind}\.(?:{LABEL}\.){{{labels}}}(({LABEL})\.)");
    let either = "upstream(?:_peered)?";
    vec![
        ("service", after(either, 0)),
        ("namespace", after(either, 1)),
        ("partition", after("upstream", 2)),
        ("datacenter", after("upstream", 3)),
        ("peer", after("upstream_peered", 2)),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use regex::Regex;

    use super::{destination, upstream};

    const TRUST_DOMAIN: &str = "11111111-2222-3333-4444-555555555555";

    /// What Envoy does with a name: the tags found, and what is left of the name when all are cut out.
    fn extract(tags: &[(&'static str, String)], stat: &str) -> (BTreeMap<&'static str, String>, String) {
        let mut found = BTreeMap::new();
        let mut cut = vec![false; stat.len()];
        for (name, regex) in tags {
            let regex = Regex::new(regex).expect("a tag's expression is valid");
            let Some(groups) = regex.captures(stat) else { continue };
            found.insert(*name, groups[2].to_owned());
            let whole = groups.get(1).expect("the first group is not optional");
            cut[whole.range()].fill(true);
        }
        let left = stat.char_indices().filter(|(at, _)| !cut[*at]).map(|(_, letter)| letter).collect();
        (found, left)
    }

    fn expect(tags: &[(&'static str, String)], stat: &str, wanted: &[(&'static str, &str)], left: &str) {
        let wanted: BTreeMap<_, _> = wanted.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        assert_eq!(extract(tags, stat), (wanted, left.to_owned()), "{stat}");
    }

    #[test]
    fn a_plain_cluster_is_taken_apart() {
        let full = format!("backend.default.dc1.internal.{TRUST_DOMAIN}");
        let wanted = [
            ("service", "backend"),
            ("namespace", "default"),
            ("datacenter", "dc1"),
            ("routing_type", "internal"),
            ("trust_domain", TRUST_DOMAIN),
            ("target", "backend.default.dc1"),
            ("full_target", &full),
        ];
        let left = "cluster.upstream_rq_total";
        expect(&destination(), &format!("cluster.{full}.consul.upstream_rq_total"), &wanted, left);
        expect(&destination(), &format!("cluster.passthrough~{full}.consul.upstream_rq_total"), &wanted, left);
        expect(&destination(), &format!("cluster.failover-target~0~{full}.consul.upstream_rq_total"), &wanted, left);
    }

    #[test]
    fn hash_and_subset_are_told_from_the_service() {
        let full = format!("1a47f6e1~v1.backend.default.dc1.internal.{TRUST_DOMAIN}");
        let wanted = [
            ("custom_hash", "1a47f6e1"),
            ("service_subset", "v1"),
            ("service", "backend"),
            ("namespace", "default"),
            ("datacenter", "dc1"),
            ("routing_type", "internal"),
            ("trust_domain", TRUST_DOMAIN),
            ("target", "v1.backend.default.dc1"),
            ("full_target", &full),
        ];
        expect(&destination(), &format!("cluster.{full}.consul.bind_errors"), &wanted, "cluster.bind_errors");
    }

    #[test]
    fn a_partition_is_not_taken_for_a_subset() {
        let full = format!("backend.ns1.part1.dc1.internal-v1.{TRUST_DOMAIN}");
        let wanted = [
            ("service", "backend"),
            ("namespace", "ns1"),
            ("partition", "part1"),
            ("datacenter", "dc1"),
            ("routing_type", "internal-v1"),
            ("trust_domain", TRUST_DOMAIN),
            ("target", "backend.ns1.part1.dc1"),
            ("full_target", &full),
        ];
        expect(&destination(), &format!("cluster.{full}.consul.bind_errors"), &wanted, "cluster.bind_errors");
    }

    #[test]
    fn a_peered_cluster_names_its_peer_and_no_datacenter() {
        let full = format!("backend.default.default.cluster-01.external.{TRUST_DOMAIN}");
        let wanted = [
            ("service", "backend"),
            ("namespace", "default"),
            ("partition", "default"),
            ("peer", "cluster-01"),
            ("routing_type", "external"),
            ("trust_domain", TRUST_DOMAIN),
            ("target", "backend.default.default.cluster-01"),
            ("full_target", &full),
        ];
        expect(&destination(), &format!("cluster.{full}.consul.bind_errors"), &wanted, "cluster.bind_errors");
    }

    #[test]
    fn clusters_that_are_no_service_have_no_destination() {
        for stat in
            ["cluster.local_app.upstream_rq_total", "cluster.local_agent.http2.tx_reset", "listener_manager.lds.x"]
        {
            expect(&destination(), stat, &[], stat);
        }
    }

    #[test]
    fn upstream_listeners_are_taken_apart() {
        let wanted = [("service", "backend"), ("namespace", "default"), ("partition", "part1"), ("datacenter", "dc1")];
        expect(
            &upstream(),
            "tcp.upstream.backend.default.part1.dc1.downstream_cx_total",
            &wanted,
            "tcp.upstream.downstream_cx_total",
        );
        expect(
            &upstream(),
            "http.upstream.backend.default.part1.dc1.downstream_rq_xx",
            &wanted,
            "http.upstream.downstream_rq_xx",
        );
        expect(
            &upstream(),
            "http.upstream_peered.backend.default.cluster-01.downstream_rq_xx",
            &[("service", "backend"), ("namespace", "default"), ("peer", "cluster-01")],
            "http.upstream_peered.downstream_rq_xx",
        );
    }

    #[test]
    fn the_public_listener_is_nobodys_upstream() {
        for stat in ["http.public_listener.downstream_rq_total", "tcp.public_listener.downstream_cx_total"] {
            expect(&upstream(), stat, &[], stat);
        }
    }
}
