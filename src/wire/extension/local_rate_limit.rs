//! `builtin/http/localratelimit`.

use std::time::Duration;

use super::proxy_type;
use crate::model::extension::LocalRateLimit;
use crate::wire::fields::{Fields, Result};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<LocalRateLimit> {
    proxy_type(fields)?;
    match fields.text("Listener")?.as_str() {
        "" | "inbound" => {}
        other => {
            let message =
                format!("{other:?} is not supported: requests are counted where they come in, at \"inbound\"");
            return Err(fields.error("Listener", message));
        }
    }
    let required = |fields: &mut Fields<'_>, field| match fields.count(field)? {
        0 => Err(fields.error(field, "is required, and more than 0")),
        number => Ok(number),
    };
    let (max_tokens, seconds) = (required(fields, "MaxTokens")?, required(fields, "FillInterval")?);
    let tokens_per_fill = fields.optional_count("TokensPerFill")?.unwrap_or(1);
    if tokens_per_fill == 0 {
        return Err(fields.error("TokensPerFill", "must be more than 0"));
    }
    let enabled = fields.percent("FilterEnabled")?.unwrap_or(100);
    let enforced = fields.percent("FilterEnforced")?.unwrap_or(100);
    let fill_interval = Duration::from_secs(seconds.into());
    Ok(LocalRateLimit { max_tokens, tokens_per_fill, fill_interval, enabled, enforced })
}
