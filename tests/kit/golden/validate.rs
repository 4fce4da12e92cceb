//! Asks the real Envoy whether it would take what was generated: the resources become a static bootstrap, with a real
//! certificate in the place of the golden one, so that TLS contexts load too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chancery::authority;
use chancery::canonical;
use chancery::generate::Generated;
use chancery::model::{SpiffeId, UnixTime};
use chancery::resource::ResourceType;
use serde_json::{Value, json};

/// # Errors
/// With Envoy's words, when it refuses the configuration or calls something in it deprecated.
///
/// # Panics
/// When there is no Envoy, or a file cannot be written.
pub fn validate(generated: &Generated, envoy: &Path) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder for the bootstrap");
    let file = folder.path().join("bootstrap.json");
    let bootstrap = serde_json::to_vec_pretty(&bootstrap(generated)).expect("a value is JSON");
    fs::write(&file, &bootstrap).expect("the bootstrap can be written");
    let output = Command::new(envoy)
        .args(["--mode", "validate", "--log-level", "warn", "--config-path"])
        .arg(&file)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", envoy.display()));
    let words = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && !words.to_ascii_lowercase().contains("deprecated") {
        return Ok(());
    }
    Err(format!("{words}\n{}", String::from_utf8_lossy(&bootstrap)))
}

/// A bootstrap of what was generated, for an Envoy without an agent.
///
/// # Panics
/// When endpoints are of no cluster.
pub fn bootstrap(generated: &Generated) -> Value {
    let mut assignments: BTreeMap<String, Value> = told(generated, ResourceType::Endpoint)
        .into_iter()
        .map(|assignment| (assignment["cluster_name"].as_str().unwrap_or_default().to_owned(), assignment))
        .collect();
    let mut clusters = told(generated, ResourceType::Cluster);
    for cluster in &mut clusters {
        let name = cluster["name"].as_str().unwrap_or_default().to_owned();
        let fields = cluster.as_object_mut().expect("a cluster is an object");
        if fields.remove("eds_cluster_config").is_some() {
            fields.insert("type".to_owned(), json!("STATIC"));
            fields.insert("load_assignment".to_owned(), assignments.remove(&name).expect("endpoints of the cluster"));
        }
    }
    assert!(assignments.is_empty(), "endpoints of no cluster: {assignments:?}");
    let routes = told(generated, ResourceType::Route).into_iter();
    let routes: BTreeMap<String, Value> =
        routes.map(|route| (route["name"].as_str().unwrap_or_default().to_owned(), route)).collect();
    let mut listeners = Value::from(told(generated, ResourceType::Listener));
    put_routes_inline(&mut listeners, &routes);
    let mut resources = json!({
        "clusters": clusters,
        "listeners": listeners,
        "secrets": secrets(),
    });
    take_secrets_from_the_bootstrap(&mut resources);
    json!({
        "node": { "id": "golden", "cluster": "golden" },
        "static_resources": resources,
        // as in the bootstrap of a sidecar: names of services make long expressions
        "layered_runtime": { "layers": [
            { "name": "base", "static_layer": { "re2.max_program_size.error_level": 1_048_576 } },
        ] },
    })
}

fn told(generated: &Generated, kind: ResourceType) -> Vec<Value> {
    let resources = generated.view.list(kind).iter();
    resources
        .map(|resource| canonical::json(&resource.any().expect("it decodes")).expect("it can be told as JSON"))
        .collect()
}

/// Inline, Envoy also looks whether the clusters are there that they name.
fn put_routes_inline(value: &mut Value, routes: &BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            if let Some(rds) = fields.remove("rds") {
                let name = rds["route_config_name"].as_str().unwrap_or_default();
                let routes = routes.get(name).unwrap_or_else(|| panic!("no routes are named {name:?}"));
                fields.insert("route_config".to_owned(), routes.clone());
            }
            fields.iter_mut().for_each(|(_, value)| put_routes_inline(value, routes));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| put_routes_inline(value, routes)),
        _ => {}
    }
}

/// A name without a source means the secret of that name in the bootstrap.
fn take_secrets_from_the_bootstrap(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove("sds_config");
            fields.iter_mut().for_each(|(_, value)| take_secrets_from_the_bootstrap(value));
        }
        Value::Array(items) => items.iter_mut().for_each(take_secrets_from_the_bootstrap),
        _ => {}
    }
}

fn secrets() -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let now = UnixTime(i64::try_from(now).expect("a date that certificates know"));
    let identity = SpiffeId {
        trust_domain: "11111111-2222-3333-4444-555555555555.consul".into(),
        datacenter: "dc1".into(),
        service: "web".into(),
    };
    let authority = authority::new_root(
        &identity.trust_domain,
        chancery::model::KeyKind::default(),
        chancery::model::Lifetimes::DEFAULT.root,
        now,
    )
    .expect("a root");
    let leaf = authority::issue_leaf(&authority, &identity, now, Duration::from_secs(3600), [1; 16]).expect("a leaf");
    let root = authority.roots.active().expect("the root is active");
    json!([
        { "name": "leaf", "tls_certificate": {
            "certificate_chain": { "inline_string": leaf.cert_pem },
            "private_key": { "inline_string": leaf.key_pem.reveal() },
        } },
        { "name": "roots", "validation_context": { "trusted_ca": { "inline_string": root.pem } } },
    ])
}
