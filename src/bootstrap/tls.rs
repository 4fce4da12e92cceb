//! TLS of what stands in the bootstrap itself: towards the xDS server, and for whoever scrapes metrics.

use serde_json::{Value, json};

use crate::model::Secret;

const CERTIFICATE: &str = "prometheus_cert";
const AUTHORITIES: &str = "prometheus_validation_context";

/// How the xDS server is reached with TLS. All of it is PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct XdsTls {
    /// The authorities of which the server must have a certificate.
    pub authorities: String,
    /// The name that must stand in it; `None`: any of those authorities' will do.
    pub server_name: Option<String>,
    /// What is shown to the server: certificate and key.
    pub client: Option<(String, Secret)>,
}

/// What metrics are served with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrometheusTls {
    /// Of clients that show a certificate, PEM.
    pub authorities: String,
    /// Path of a file on Envoy's machine.
    pub certificate: String,
    /// Path of a file on Envoy's machine.
    pub key: String,
}

/// All of it stands in the bootstrap: the Envoy that reads it may run where those files are not.
pub(super) fn towards_xds(tls: &XdsTls) -> Value {
    let mut validation = json!({ "trusted_ca": inline(&tls.authorities) });
    if let Some(name) = &tls.server_name {
        validation["match_typed_subject_alt_names"] = json!([{ "san_type": "DNS", "matcher": { "exact": name } }]);
    }
    let mut common = json!({ "validation_context": validation, "alpn_protocols": ["h2"] });
    if let Some((certificate, key)) = &tls.client {
        common["tls_certificates"] =
            json!([{ "certificate_chain": inline(certificate), "private_key": inline(key.reveal()) }]);
    }
    let mut context = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": common,
    });
    if let Some(name) = &tls.server_name {
        context["sni"] = json!(name);
    }
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": context })
}

/// For a listener; it names the secrets below.
pub(super) fn for_prometheus() -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_certificate_sds_secret_configs": [{ "name": CERTIFICATE }],
                "validation_context_sds_secret_config": { "name": AUTHORITIES },
            },
        },
    })
}

pub(super) fn secrets(tls: &PrometheusTls) -> Vec<Value> {
    let file = |path: &str| json!({ "filename": path });
    vec![
        json!({
            "name": CERTIFICATE,
            "tls_certificate": { "certificate_chain": file(&tls.certificate), "private_key": file(&tls.key) },
        }),
        json!({ "name": AUTHORITIES, "validation_context": { "trusted_ca": inline(&tls.authorities) } }),
    ]
}

fn inline(pem: &str) -> Value {
    json!({ "inline_string": pem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_xds_server_must_have_a_certificate_of_those_authorities() {
        let context = |tls: &XdsTls| towards_xds(tls)["typed_config"].clone();
        let plain = context(&XdsTls { authorities: "CA".to_owned(), server_name: None, client: None });
        let common = &plain["common_tls_context"];
        assert_eq!(common["validation_context"], json!({ "trusted_ca": { "inline_string": "CA" } }));
        assert!(plain.get("sni").is_none() && common.get("tls_certificates").is_none());
        let named = context(&XdsTls {
            authorities: "CA".to_owned(),
            server_name: Some("server.dc1.consul".to_owned()),
            client: Some(("CERT".to_owned(), Secret::new("KEY".to_owned()))),
        });
        assert_eq!(named["sni"], "server.dc1.consul");
        let common = &named["common_tls_context"];
        assert_eq!(
            common["validation_context"]["match_typed_subject_alt_names"],
            json!([{ "san_type": "DNS", "matcher": { "exact": "server.dc1.consul" } }])
        );
        assert_eq!(common["tls_certificates"][0]["private_key"], json!({ "inline_string": "KEY" }));
    }
}
