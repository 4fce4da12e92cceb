//! `builtin/aws/lambda`.

use crate::model::extension::{Arn, AwsLambda, Invocation, SYSTEM_AUTHORITIES};
use crate::wire::fields::{Fields, Result};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<AwsLambda> {
    let arn = fields.text("ARN")?;
    let arn = Arn::parse(&arn).ok_or_else(|| {
        let expected = "arn:aws:lambda:<region>:<account>:function:<name>";
        fields.error("ARN", format!("{arn:?} is not the name of a function: expected one such as {expected}"))
    })?;
    let payload_passthrough = fields.flag("PayloadPassthrough")?;
    let invocation = fields.word("InvocationMode", "invocation mode")?.unwrap_or(Invocation::Synchronous);
    let trusted_ca = match fields.text("TrustedCA")? {
        file if file.is_empty() => SYSTEM_AUTHORITIES.to_owned(),
        file if file.starts_with('/') => file,
        file => return Err(fields.error("TrustedCA", format!("{file:?} is not the absolute path of a file"))),
    };
    Ok(AwsLambda { arn, payload_passthrough, invocation, trusted_ca })
}

/// What is made of it is shared by callers of every version.
pub(super) fn has_no_constraint(fields: &Fields<'_>, consul_version: &str, envoy_version: &str) -> Result<()> {
    let given = [("ConsulVersion", consul_version), ("EnvoyVersion", envoy_version)];
    match given.into_iter().find(|(_, constraint)| !constraint.is_empty()) {
        Some((field, _)) => {
            let why =
                "is not supported with builtin/aws/lambda, which holds for callers of every version: leave it out";
            Err(fields.error(field, why))
        }
        None => Ok(()),
    }
}
