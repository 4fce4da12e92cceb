//! `JSONWebKeySet` of a `jwt-provider`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::model::entry::jwt_provider::{FetchRetry, KeyCluster, KeySet, RemoteKeySet, TrustedCa};
use crate::wire::fields::{Fields, Result};
use crate::wire::members::Members;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<KeySet> {
    let set = fields.object("JSONWebKeySet", "a key set")?;
    let Some(mut set) = set else { return Err(fields.error("JSONWebKeySet", "is required")) };
    let local = set.object("Local", "a local key set")?;
    let remote = set.object("Remote", "a remote key set")?;
    set.only_one_of(&["Local", "Remote"], &[local.is_some(), remote.is_some()])?;
    let keys = match (local, remote) {
        (Some(fields), _) => self::local(fields)?,
        (None, Some(fields)) => KeySet::Remote(self::remote(fields)?),
        (None, None) => return Err(set.error("Local", "is required")),
    };
    set.finish()?;
    Ok(keys)
}

fn local(mut fields: Fields<'_>) -> Result<KeySet> {
    let (encoded, file) = (fields.text("JWKS")?, fields.text("Filename")?);
    fields.only_one_of(&["JWKS", "Filename"], &[!encoded.is_empty(), !file.is_empty()])?;
    if !file.is_empty() {
        fields.finish()?;
        return Ok(KeySet::File(file));
    }
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(keys) = decoded else { return Err(fields.error("JWKS", "is not base64 of a key set")) };
    match serde_json::from_str::<Value>(&keys) {
        Ok(set) if set["keys"].is_array() => {}
        Ok(_) => return Err(fields.error("JWKS", "is no key set: it has no list \"keys\"")),
        Err(error) => return Err(fields.error("JWKS", format!("is not base64 of JSON: {error}"))),
    }
    fields.finish()?;
    Ok(KeySet::Inline(keys))
}

fn remote(mut fields: Fields<'_>) -> Result<RemoteKeySet> {
    let uri = fields.text("URI")?;
    let host = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")).unwrap_or_default();
    let authority = host.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') {
        return Err(fields.error("URI", format!("{uri:?} is no address of the form https://host/path")));
    }
    let remote = RemoteKeySet {
        uri,
        request_timeout: fields.milliseconds("RequestTimeoutMs")?,
        cache_duration: fields.optional_duration("CacheDuration")?,
        fetch_asynchronously: fields.flag("FetchAsynchronously")?,
        use_sni: fields.flag("UseSNI")?,
        retry: retry(&mut fields)?,
        cluster: cluster(&mut fields)?,
    };
    fields.finish()?;
    Ok(remote)
}

fn retry(fields: &mut Fields<'_>) -> Result<Option<FetchRetry>> {
    let Some(mut fields) = fields.object("RetryPolicy", "a retry policy")? else { return Ok(None) };
    let mut retry = FetchRetry { most: fields.count("NumRetries")?, ..FetchRetry::default() };
    if let Some(mut fields) = fields.object("RetryPolicyBackOff", "a back-off")? {
        retry.base_interval = fields.optional_duration("BaseInterval")?;
        retry.max_interval = fields.optional_duration("MaxInterval")?;
        match (retry.base_interval, retry.max_interval) {
            (None, Some(_)) => return Err(fields.error("BaseInterval", "is required with a MaxInterval")),
            (Some(base), Some(max)) if max < base => {
                return Err(fields.error("MaxInterval", "is below the BaseInterval"));
            }
            _ => fields.finish()?,
        }
    }
    fields.finish()?;
    Ok(Some(retry))
}

fn cluster(fields: &mut Fields<'_>) -> Result<KeyCluster> {
    let Some(mut fields) = fields.object("JWKSCluster", "a cluster of a key set")? else {
        return Ok(KeyCluster::default());
    };
    let cluster = KeyCluster {
        discovery: fields.word("DiscoveryType", "discovery type of a key set")?,
        connect_timeout: fields.optional_duration("ConnectTimeout")?,
        trusted_ca: match fields.object("TLSCertificates", "certificates of a key set")? {
            None => None,
            Some(fields) => trusted_ca(fields)?,
        },
    };
    fields.finish()?;
    Ok(cluster)
}

fn trusted_ca(mut fields: Fields<'_>) -> Result<Option<TrustedCa>> {
    fields.unsupported(&["CaCertificateProviderInstance"])?;
    let Some(mut inside) = fields.object("TrustedCA", "a trusted authority")? else {
        return Err(fields.error("TrustedCA", "is required"));
    };
    let bytes = inside.text("InlineBytes")?;
    let decoded = STANDARD.decode(bytes.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(decoded) = decoded else { return Err(inside.error("InlineBytes", "is not base64 of PEM")) };
    let sources = [
        (inside.text("Filename")?, TrustedCa::File as fn(String) -> TrustedCa),
        (inside.text("EnvironmentVariable")?, TrustedCa::EnvironmentVariable),
        (inside.text("InlineString")?, TrustedCa::Inline),
        (decoded, TrustedCa::Inline),
    ];
    let names = ["Filename", "EnvironmentVariable", "InlineString", "InlineBytes"];
    inside.only_one_of(&names, &sources.each_ref().map(|(text, _)| !text.is_empty()))?;
    let found = sources.into_iter().find(|(text, _)| !text.is_empty()).map(|(text, of)| of(text));
    inside.finish()?;
    fields.finish()?;
    Ok(found)
}

pub(super) fn show(keys: &KeySet) -> Members {
    let local = |members| Members::default().object("Local", members);
    match keys {
        KeySet::Inline(keys) => local(Members::default().text("JWKS", &STANDARD.encode(keys))),
        KeySet::File(file) => local(Members::default().text("Filename", file)),
        KeySet::Remote(remote) => Members::default().object("Remote", show_remote(remote)),
    }
}

fn show_remote(remote: &RemoteKeySet) -> Members {
    let retry = remote.retry.map(|retry| {
        let back_off = Members::default()
            .duration("BaseInterval", retry.base_interval)
            .duration("MaxInterval", retry.max_interval);
        Members::default().number("NumRetries", retry.most).object("RetryPolicyBackOff", back_off)
    });
    Members::default()
        .text("URI", &remote.uri)
        .milliseconds("RequestTimeoutMs", remote.request_timeout)
        .duration("CacheDuration", remote.cache_duration)
        .flag("FetchAsynchronously", remote.fetch_asynchronously)
        .flag("UseSNI", remote.use_sni)
        .object("RetryPolicy", retry.unwrap_or_default())
        .object("JWKSCluster", show_cluster(&remote.cluster))
}

fn show_cluster(cluster: &KeyCluster) -> Members {
    let certificates = cluster.trusted_ca.as_ref().map(|ca| {
        let ca = match ca {
            TrustedCa::File(file) => Members::default().text("Filename", file),
            TrustedCa::EnvironmentVariable(name) => Members::default().text("EnvironmentVariable", name),
            TrustedCa::Inline(pem) => Members::default().text("InlineString", pem),
        };
        Members::default().object("TrustedCA", ca)
    });
    Members::default()
        .text("DiscoveryType", cluster.discovery.map_or("", |of| of.as_str()))
        .duration("ConnectTimeout", cluster.connect_timeout)
        .object("TLSCertificates", certificates.unwrap_or_default())
}
