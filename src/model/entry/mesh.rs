//! `mesh`: rules for the whole mesh.

use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Mesh {
    /// For connections that sidecars accept.
    pub incoming: TlsSettings,
    /// For connections that sidecars open.
    pub outgoing: TlsSettings,
}

/// `None` and empty leave Envoy's defaults.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct TlsSettings {
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
    /// Envoy's (OpenSSL's) names; only when the minimum is at most TLS 1.2.
    pub cipher_suites: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum TlsVersion {
    Auto,
    V1_0,
    V1_1,
    V1_2,
    V1_3,
}

impl TlsVersion {
    pub const ALL: [Self; 5] = [Self::Auto, Self::V1_0, Self::V1_1, Self::V1_2, Self::V1_3];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "TLS_AUTO",
            Self::V1_0 => "TLSv1_0",
            Self::V1_1 => "TLSv1_1",
            Self::V1_2 => "TLSv1_2",
            Self::V1_3 => "TLSv1_3",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == word)
    }
}
