//! `EnvoyExtensions` of `service-defaults` and `proxy-defaults`. Arguments are read whole when they are written, so that
//! nobody waits for a proxy to find a slip in them.

mod aws_lambda;
mod callee;
mod ext_authz;
mod local_rate_limit;
mod otel;
mod property_override;
mod wasm;

use serde_json::Value;

use super::fields::{Fields, Result, unsupported};
use super::members::Members;
use crate::model::Opaque;
use crate::model::extension::{Direction, Extension, ExtensionBody, ExtensionName, Lua};

/// Of `service-defaults`.
pub(super) fn of_service(fields: &mut Fields<'_>) -> Result<Vec<Extension>> {
    let extensions = decode(fields)?;
    if extensions.iter().filter(|extension| extension.function().is_some()).count() > 1 {
        return Err(fields.error("EnvoyExtensions", "a service is one function: name one builtin/aws/lambda"));
    }
    Ok(extensions)
}

/// Of `proxy-defaults`.
pub(super) fn of_all(fields: &mut Fields<'_>) -> Result<Vec<Extension>> {
    let extensions = decode(fields)?;
    if let Some(at) = extensions.iter().position(|extension| extension.function().is_some()) {
        let why = "builtin/aws/lambda makes a function of one service: say it in the service-defaults of that service";
        return Err(fields.error(&format!("EnvoyExtensions[{at}].Name"), why));
    }
    Ok(extensions)
}

fn decode(fields: &mut Fields<'_>) -> Result<Vec<Extension>> {
    let given = fields.objects("EnvoyExtensions", "an Envoy extension")?.unwrap_or_default();
    given.into_iter().map(one).collect()
}

fn one(mut fields: Fields<'_>) -> Result<Extension> {
    let name = fields.text("Name")?;
    if name.is_empty() {
        return Err(fields.error("Name", "is required"));
    }
    let name: ExtensionName =
        fields.word("Name", "Envoy extension")?.ok_or_else(|| fields.error("Name", "is required"))?;
    let required = fields.flag("Required")?;
    let consul_version = constraint(&mut fields, "ConsulVersion")?;
    let envoy_version = constraint(&mut fields, "EnvoyVersion")?;
    let arguments = fields.opaque("Arguments")?;
    let mut inner = fields
        .object("Arguments", "the arguments of the extension")?
        .ok_or_else(|| fields.error("Arguments", "are required"))?;
    let body = match name {
        ExtensionName::AwsLambda => {
            aws_lambda::has_no_constraint(&fields, &consul_version, &envoy_version)?;
            ExtensionBody::AwsLambda(Box::new(aws_lambda::decode(&mut inner)?))
        }
        ExtensionName::ExtAuthz => ExtensionBody::ExtAuthz(Box::new(ext_authz::decode(&mut inner)?)),
        ExtensionName::LocalRateLimit => ExtensionBody::LocalRateLimit(local_rate_limit::decode(&mut inner)?),
        ExtensionName::Lua => ExtensionBody::Lua(lua(&mut inner)?),
        ExtensionName::OtelAccessLogging => ExtensionBody::OtelAccessLogging(Box::new(otel::decode(&mut inner)?)),
        ExtensionName::PropertyOverride => ExtensionBody::PropertyOverride(property_override::decode(&mut inner)?),
        ExtensionName::Wasm => ExtensionBody::Wasm(Box::new(wasm::decode(&mut inner)?)),
    };
    inner.finish()?;
    fields.finish()?;
    Ok(Extension { body, required, consul_version, envoy_version, arguments })
}

fn lua(fields: &mut Fields<'_>) -> Result<Lua> {
    proxy_type(fields)?;
    let direction = fields.word("Listener", "direction")?;
    let direction = direction.ok_or_else(|| fields.error("Listener", "is required: inbound or outbound"))?;
    let script = fields.text("Script")?;
    if script.is_empty() {
        return Err(fields.error("Script", "is required"));
    }
    Ok(Lua { direction, script })
}

/// Of the proxies there are.
fn proxy_type(fields: &mut Fields<'_>) -> Result<()> {
    match fields.text("ProxyType")?.as_str() {
        "" | "connect-proxy" => Ok(()),
        other => Err(fields.error("ProxyType", unsupported(&format!("the type of proxy {other:?}")))),
    }
}

/// `ListenerType`, inbound when it is not said.
fn listener_type(fields: &mut Fields<'_>) -> Result<Direction> {
    Ok(fields.word("ListenerType", "direction")?.unwrap_or(Direction::Inbound))
}

/// Comparisons with commas between them; each holds for a version of up to three numbers.
fn constraint(fields: &mut Fields<'_>, field: &'static str) -> Result<String> {
    let text = fields.text(field)?;
    let good = |part: &str| {
        let version = part.trim().trim_start_matches(['=', '!', '<', '>', '~']).trim();
        let mut numbers = version.split('.');
        version.split('.').count() <= 3 && numbers.all(|number| number.parse::<u32>().is_ok())
    };
    if text.is_empty() || text.split(',').all(good) {
        return Ok(text);
    }
    let expected = "expected one such as \">= 1.16.0\" or \">= 1.16.0, < 1.18.0\"";
    Err(fields.error(field, format!("{text:?} is no constraint on a version: {expected}")))
}

pub(super) fn show(extensions: &[Extension]) -> impl Iterator<Item = Members> {
    extensions.iter().map(|extension| {
        Members::default()
            .always("Name", extension.name().as_str())
            .always("Required", extension.required)
            .always("Arguments", arguments(&extension.arguments))
            .always("ConsulVersion", extension.consul_version.as_str())
            .always("EnvoyVersion", extension.envoy_version.as_str())
    })
}

fn arguments(arguments: &Opaque) -> Value {
    Value::Object(arguments.clone())
}
