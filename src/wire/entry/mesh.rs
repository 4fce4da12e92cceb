//! `mesh`.

use crate::model::entry::mesh::{EscapedSlashes, RequestNormalization, Underscores};
use crate::model::entry::{Mesh, TlsSettings, TlsVersion};
use crate::wire::fields::{Fields, Result};
use crate::wire::members::Members;

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
    let mut mesh = Mesh {
        allow_permissive_mutual_tls: fields.flag("AllowEnablingPermissiveMutualTLS")?,
        validate_clusters: fields.flag("ValidateClusters")?,
        ..Mesh::default()
    };
    if let Some(mut tls) = fields.object("TLS", "TLS of mesh")? {
        mesh.incoming = settings(&mut tls, "Incoming")?;
        mesh.outgoing = settings(&mut tls, "Outgoing")?;
        if let (Some(least), Some(most)) = (exact(mesh.incoming.min_version), exact(mesh.outgoing.max_version))
            && least > most
        {
            let message = format!(
                "{} is below Incoming.TLSMinVersion {}: no sidecar could call another",
                most.as_str(),
                least.as_str()
            );
            return Err(tls.error("Outgoing.TLSMaxVersion", message));
        }
        tls.finish()?;
    }
    if let Some(mut http) = fields.object("HTTP", "HTTP of mesh")? {
        mesh.sanitize_forwarded_client_cert = http.flag("SanitizeXForwardedClientCert")?;
        if let Some(mut incoming) = http.object("Incoming", "incoming HTTP of mesh")? {
            mesh.request_normalization = normalization(&mut incoming)?;
            incoming.finish()?;
        }
        http.finish()?;
    }
    if let Some(mut transparent) = fields.object("TransparentProxy", "TransparentProxy of mesh")? {
        mesh.mesh_destinations_only = transparent.flag("MeshDestinationsOnly")?;
        transparent.finish()?;
    }
    fields.unsupported(&["Peering"])?;
    Ok(mesh)
}

fn exact(version: Option<TlsVersion>) -> Option<TlsVersion> {
    version.filter(|&version| version != TlsVersion::Auto)
}

fn normalization(incoming: &mut Fields<'_>) -> Result<RequestNormalization> {
    let Some(mut fields) = incoming.object("RequestNormalization", "normalization of requests")? else {
        return Ok(RequestNormalization::default());
    };
    let normalization = RequestNormalization {
        insecure_disable_path_normalization: fields.flag("InsecureDisablePathNormalization")?,
        merge_slashes: fields.flag("MergeSlashes")?,
        escaped_slashes: fields.word("PathWithEscapedSlashesAction", "action for escaped slashes")?,
        underscores: fields.word("HeadersWithUnderscoresAction", "action for underscores")?,
    };
    fields.finish()?;
    Ok(normalization)
}

fn settings(tls: &mut Fields<'_>, direction: &'static str) -> Result<TlsSettings> {
    let Some(mut fields) = tls.object(direction, "TLS of mesh")? else { return Ok(TlsSettings::default()) };
    let min_version = fields.word("TLSMinVersion", "TLS version")?;
    let max_version = fields.word("TLSMaxVersion", "TLS version")?;
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

pub(super) fn show(members: Members, body: &Mesh) -> Members {
    let tls = Members::default()
        .object("Incoming", show_settings(&body.incoming))
        .object("Outgoing", show_settings(&body.outgoing));
    let normalization = show_normalization(body.request_normalization);
    let http = Members::default()
        .flag("SanitizeXForwardedClientCert", body.sanitize_forwarded_client_cert)
        .object("Incoming", Members::default().object("RequestNormalization", normalization));
    members
        .always("TransparentProxy", Members::default().always("MeshDestinationsOnly", body.mesh_destinations_only))
        .flag("AllowEnablingPermissiveMutualTLS", body.allow_permissive_mutual_tls)
        .flag("ValidateClusters", body.validate_clusters)
        .object("TLS", tls)
        .object("HTTP", http)
}

fn show_settings(settings: &TlsSettings) -> Members {
    let suite = |suite: &String| CIPHER_SUITES.iter().find(|(_, model)| model == suite).map(|(wire, _)| *wire);
    let suites: Vec<&str> = settings.cipher_suites.iter().filter_map(suite).collect();
    Members::default()
        .text("TLSMinVersion", settings.min_version.map_or("", TlsVersion::as_str))
        .text("TLSMaxVersion", settings.max_version.map_or("", TlsVersion::as_str))
        .texts("CipherSuites", &suites)
}

fn show_normalization(normalization: RequestNormalization) -> Members {
    Members::default()
        .flag("InsecureDisablePathNormalization", normalization.insecure_disable_path_normalization)
        .flag("MergeSlashes", normalization.merge_slashes)
        .text("PathWithEscapedSlashesAction", normalization.escaped_slashes.map_or("", EscapedSlashes::as_str))
        .text("HeadersWithUnderscoresAction", normalization.underscores.map_or("", Underscores::as_str))
}
