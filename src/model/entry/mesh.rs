//! `mesh`: rules for the whole mesh.

use serde::{Deserialize, Serialize};

use crate::model::words::words;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Mesh {
    /// For connections that sidecars accept.
    pub incoming: TlsSettings,
    /// For connections that sidecars open.
    pub outgoing: TlsSettings,
    /// Whether other entries may ask for permissive mutual TLS.
    pub allow_permissive_mutual_tls: bool,
    /// Envoy refuses a route that names a cluster it does not have.
    pub validate_clusters: bool,
    /// What a caller says about certificates is dropped.
    pub sanitize_forwarded_client_cert: bool,
    pub request_normalization: RequestNormalization,
    /// Transparent proxies lead connections to services of the mesh and nowhere else.
    pub mesh_destinations_only: bool,
}

/// What a sidecar makes of a request before it looks at rules and routes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestNormalization {
    /// Paths stay as they came, so that rules over paths can be got round.
    pub insecure_disable_path_normalization: bool,
    pub merge_slashes: bool,
    /// `None`: Envoy's.
    pub escaped_slashes: Option<EscapedSlashes>,
    /// `None`: allow.
    pub underscores: Option<Underscores>,
}

words! {
    /// What becomes of `%2F` and `%5C` in a path.
    EscapedSlashes {
        ImplementationSpecificDefault = "IMPLEMENTATION_SPECIFIC_DEFAULT",
        KeepUnchanged = "KEEP_UNCHANGED",
        RejectRequest = "REJECT_REQUEST",
        UnescapeAndRedirect = "UNESCAPE_AND_REDIRECT",
        UnescapeAndForward = "UNESCAPE_AND_FORWARD",
    }

    /// What becomes of headers with underscores in their names.
    Underscores { Allow = "ALLOW", RejectRequest = "REJECT_REQUEST", DropHeader = "DROP_HEADER" }
}

/// `None` and empty leave Envoy's defaults.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct TlsSettings {
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
    /// Envoy's (OpenSSL's) names; only when the minimum is at most TLS 1.2.
    pub cipher_suites: Vec<String>,
}

impl TlsSettings {
    /// With the version that the `others` demand in reach: Envoy as a client stops at TLS 1.2 when it is not told more.
    #[must_use]
    pub fn reaching(mut self, others: &Self) -> Self {
        let open = matches!(self.max_version, None | Some(TlsVersion::Auto));
        if open && others.min_version == Some(TlsVersion::V1_3) {
            self.max_version = Some(TlsVersion::V1_3);
        }
        self
    }
}

words! {
    TlsVersion {
        Auto = "TLS_AUTO",
        V1_0 = "TLSv1_0",
        V1_1 = "TLSv1_1",
        V1_2 = "TLSv1_2",
        V1_3 = "TLSv1_3",
    }
}
