//! `/v1/connect/ca/configuration`. Of a root that somebody brought, the key comes in and never goes out again.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::answer::key_kind as shown_key_kind;
use super::duration;
use super::fields::{DecodeError, Fields, Result, Typing};
use crate::catalog::AuthorityState;
use crate::model::{Index, KeyKind, Lifetimes, Secret};

/// What a new configuration asks for.
#[derive(PartialEq, Eq, Debug)]
pub struct Configuration {
    pub leaf_ttl: Option<Duration>,
    /// Of the next root that is made.
    pub root_ttl: Option<Duration>,
    /// Of a root that is made for it; `None`: as the active one's.
    pub key: Option<KeyKind>,
    /// Certificate and key of a root that takes over, PEM.
    pub root: Option<(String, Secret)>,
    pub without_cross_signing: bool,
}

/// # Errors
/// Naming the field that breaks a rule, and the rule.
pub fn decode(body: &Value) -> Result<Configuration> {
    let mut fields = Fields::new(body, "the configuration of the authority", Typing::Weak)?;
    fields.only("Provider", &["consul"])?;
    fields.unsupported(&["State"])?;
    fields.computed(&["CreateIndex", "ModifyIndex"]);
    let without_cross_signing = fields.flag("ForceWithoutCrossSigning")?;
    let config = fields.object("Config", "the configuration of the provider consul")?;
    fields.finish()?;
    let Some(mut config) = config else {
        return Err(DecodeError::new("Config", "is required"));
    };
    for (field, meaning_nothing) in
        [("IntermediateCertTTL", &["8760h", "8760h0m0s"][..]), ("RotationPeriod", &["2160h", "2160h0m0s"])]
    {
        config.only(field, meaning_nothing)?;
    }
    for (field, given) in [("CSRMaxPerSecond", 50), ("CSRMaxConcurrent", 0)] {
        let number = config.whole(field, 0..=i64::MAX)?.unwrap_or(given);
        if number != given && number != 0 {
            return Err(config.error(field, "is not supported: leaves are made without a limit"));
        }
    }
    let root_ttl = ttl(&mut config, "RootCertTTL", &Lifetimes::OF_ROOTS)?;
    let leaf_ttl = ttl(&mut config, "LeafCertTTL", &Lifetimes::OF_LEAVES)?;
    let (key, root) = (key_kind(&mut config)?, root(&mut config)?);
    config.finish()?;
    Ok(Configuration { leaf_ttl, root_ttl, key, root, without_cross_signing })
}

/// How long certificates live that are made from now on; `None` when nothing is said of it.
///
/// # Errors
/// When it is none of those.
pub fn ttl(config: &mut Fields<'_>, field: &'static str, of: &RangeInclusive<Duration>) -> Result<Option<Duration>> {
    let ttl = Some(config.duration(field)?).filter(|ttl| !ttl.is_zero());
    if ttl.is_some_and(|ttl| !of.contains(&ttl)) {
        let (least, most) = (duration::show(*of.start()), duration::show(*of.end()));
        return Err(config.error(field, format!("must be from {least} to {most}")));
    }
    Ok(ttl)
}

/// `PrivateKeyType` and `PrivateKeyBits`.
///
/// # Errors
/// When they are no kind of key.
pub fn key_kind(config: &mut Fields<'_>) -> Result<Option<KeyKind>> {
    let (kind, bits) = (config.text("PrivateKeyType")?, config.whole("PrivateKeyBits", 0..=65535)?.unwrap_or(0));
    let bits = u16::try_from(bits).unwrap_or_default();
    match (kind.as_str(), bits) {
        ("", 0) => Ok(None),
        ("ec", 0) => Ok(Some(KeyKind::Ec(256))),
        ("" | "ec", _) => Ok(Some(KeyKind::Ec(bits))),
        ("rsa", 0) => Ok(Some(KeyKind::Rsa(2048))),
        ("rsa", _) => Ok(Some(KeyKind::Rsa(bits))),
        _ => Err(config.error("PrivateKeyType", format!("{kind:?} is not one of ec, rsa"))),
    }
}

/// `RootCert` and `PrivateKey`, both or none.
///
/// # Errors
/// When one of them is missing.
pub fn root(config: &mut Fields<'_>) -> Result<Option<(String, Secret)>> {
    let (certificate, key) = (config.text("RootCert")?, config.text("PrivateKey")?);
    match (certificate.is_empty(), key.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Ok(Some((certificate, Secret::new(key)))),
        (true, false) => Err(config.error("RootCert", "is required with a PrivateKey")),
        (false, true) => Err(config.error("PrivateKey", "is required with a RootCert")),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    provider: &'static str,
    config: ConfigAnswer,
    state: Option<()>,
    force_without_cross_signing: bool,
    create_index: Index,
    modify_index: Index,
}

#[derive(Serialize)]
struct ConfigAnswer {
    #[serde(rename = "IntermediateCertTTL")]
    intermediate_cert_ttl: &'static str,
    #[serde(rename = "LeafCertTTL")]
    leaf_cert_ttl: String,
    #[serde(rename = "PrivateKeyBits")]
    private_key_bits: u16,
    #[serde(rename = "PrivateKeyType")]
    private_key_type: &'static str,
    #[serde(rename = "RootCertTTL")]
    root_cert_ttl: String,
}

/// As the path answers; sent back, it changes nothing.
pub fn configuration(state: &AuthorityState, configured: Lifetimes) -> impl Serialize {
    let lifetimes = state.lifetimes(configured);
    let (private_key_type, private_key_bits) =
        shown_key_kind(state.roots.active().map(|root| root.key).unwrap_or_default());
    Answer {
        provider: "consul",
        config: ConfigAnswer {
            intermediate_cert_ttl: "8760h",
            leaf_cert_ttl: duration::show(lifetimes.leaf),
            private_key_bits,
            private_key_type,
            root_cert_ttl: duration::show(lifetimes.root),
        },
        state: None,
        force_without_cross_signing: false,
        create_index: state.create_index,
        modify_index: state.modify_index,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(config: &Value) -> String {
        decode(&json!({ "Provider": "consul", "Config": config })).unwrap_err().to_string()
    }

    #[test]
    fn what_is_shown_may_be_sent_back_and_shows_no_key() {
        let roots = crate::model::Roots { trust_domain: "t.consul".into(), roots: vec![] };
        let state = AuthorityState::new(roots, Secret::new("the key".to_owned()));
        let shown = serde_json::to_value(configuration(&state, Lifetimes::DEFAULT)).unwrap();
        assert!(!shown.to_string().contains("the key"));
        let same = Configuration {
            leaf_ttl: Some(Lifetimes::DEFAULT.leaf),
            root_ttl: Some(Lifetimes::DEFAULT.root),
            key: Some(KeyKind::Ec(256)),
            root: None,
            without_cross_signing: false,
        };
        assert_eq!(decode(&shown).unwrap(), same);
    }

    #[test]
    fn what_has_no_effect_is_refused() {
        for (config, message) in [
            (json!({ "LeafCertTTL": "1m" }), "Config.LeafCertTTL: must be from 1h0m0s"),
            (json!({ "RootCertTTL": "1h" }), "Config.RootCertTTL: must be from 8760h0m0s to 876000h0m0s"),
            (json!({ "IntermediateCertTTL": "1h" }), "Config.IntermediateCertTTL: "),
            (json!({ "CSRMaxPerSecond": 7 }), "Config.CSRMaxPerSecond: is not supported"),
            (json!({ "PrivateKey": "x" }), "Config.RootCert: is required with a PrivateKey"),
            (json!({ "RootCert": "x" }), "Config.PrivateKey: is required with a RootCert"),
            (json!({ "PrivateKeyType": "dsa" }), "Config.PrivateKeyType: \"dsa\" is not one of ec, rsa"),
            (json!({ "Address": "https://vault" }), "Config: unknown field \"Address\""),
        ] {
            assert!(refused(&config).starts_with(message), "{}", refused(&config));
        }
    }
}
