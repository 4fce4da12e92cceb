//! `mesh`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::entry::{Entry, Mesh, TlsSettings, TlsVersion};
use crate::model::{EntryKind, Index};
use crate::wire::fields::{Fields, Result};

/// The names on the wire (IANA's) and in the model (OpenSSL's, which are Envoy's).
const CIPHER_SUITES: [(&str, &str); 14] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
];

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Mesh> {
    let mut mesh = Mesh::default();
    if let Some(mut tls) = fields.object("TLS", "TLS of mesh")? {
        mesh.incoming = settings(&mut tls, "Incoming")?;
        mesh.outgoing = settings(&mut tls, "Outgoing")?;
        tls.finish()?;
    }
    fields.unsupported(&[
        "TransparentProxy",
        "AllowEnablingPermissiveMutualTLS",
        "ValidateClusters",
        "HTTP",
        "Peering",
    ])?;
    Ok(mesh)
}

fn settings(tls: &mut Fields<'_>, direction: &'static str) -> Result<TlsSettings> {
    let Some(mut fields) = tls.object(direction, "TLS of mesh")? else { return Ok(TlsSettings::default()) };
    let min_version = version(&mut fields, "TLSMinVersion")?;
    let max_version = version(&mut fields, "TLSMaxVersion")?;
    let exact = |version: Option<TlsVersion>| version.filter(|&version| version != TlsVersion::Auto);
    if let (Some(min), Some(max)) = (exact(min_version), exact(max_version))
        && min > max
    {
        return Err(fields.error("TLSMinVersion", format!("{} is above the maximum {}", min.as_str(), max.as_str())));
    }
    let mut cipher_suites = Vec::new();
    for (at, name) in fields.texts("CipherSuites")?.iter().enumerate() {
        let known = CIPHER_SUITES.iter().find(|(wire, _)| wire == name);
        let (_, suite) = known.ok_or_else(|| {
            fields.error(&format!("CipherSuites[{at}]"), format!("{name:?} is no cipher suite that Envoy has"))
        })?;
        cipher_suites.push((*suite).to_owned());
    }
    if min_version == Some(TlsVersion::V1_3) && !cipher_suites.is_empty() {
        return Err(fields.error("CipherSuites", "can only be chosen when TLSMinVersion is at most TLSv1_2"));
    }
    fields.finish()?;
    Ok(TlsSettings { min_version, max_version, cipher_suites })
}

fn version(fields: &mut Fields<'_>, field: &'static str) -> Result<Option<TlsVersion>> {
    let word = fields.text(field)?;
    let version = TlsVersion::parse(&word);
    if version.is_none() && !word.is_empty() {
        let known = TlsVersion::ALL.map(TlsVersion::as_str).join(", ");
        return Err(fields.error(field, format!("{word:?} is no TLS version; expected one of {known}")));
    }
    Ok(version)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer<'a> {
    kind: &'static str,
    transparent_proxy: TransparentProxy,
    #[serde(rename = "TLS", skip_serializing_if = "Option::is_none")]
    tls: Option<Tls>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meta: &'a BTreeMap<String, String>,
    create_index: Index,
    modify_index: Index,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TransparentProxy {
    mesh_destinations_only: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tls {
    #[serde(skip_serializing_if = "Option::is_none")]
    incoming: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing: Option<Direction>,
}

#[derive(Serialize)]
struct Direction {
    #[serde(rename = "TLSMinVersion", skip_serializing_if = "Option::is_none")]
    min_version: Option<&'static str>,
    #[serde(rename = "TLSMaxVersion", skip_serializing_if = "Option::is_none")]
    max_version: Option<&'static str>,
    #[serde(rename = "CipherSuites", skip_serializing_if = "Vec::is_empty")]
    cipher_suites: Vec<&'static str>,
}

pub(super) fn encode<'a>(entry: &'a Entry, body: &Mesh) -> Answer<'a> {
    let (incoming, outgoing) = (direction(&body.incoming), direction(&body.outgoing));
    let any = incoming.is_some() || outgoing.is_some();
    Answer {
        kind: EntryKind::Mesh.as_str(),
        transparent_proxy: TransparentProxy { mesh_destinations_only: false },
        tls: any.then_some(Tls { incoming, outgoing }),
        meta: &entry.meta,
        create_index: entry.create_index,
        modify_index: entry.modify_index,
    }
}

fn direction(settings: &TlsSettings) -> Option<Direction> {
    let suite = |suite: &String| CIPHER_SUITES.iter().find(|(_, model)| model == suite).map(|(wire, _)| *wire);
    (*settings != TlsSettings::default()).then(|| Direction {
        min_version: settings.min_version.map(TlsVersion::as_str),
        max_version: settings.max_version.map(TlsVersion::as_str),
        cipher_suites: settings.cipher_suites.iter().filter_map(suite).collect(),
    })
}
