//! `MeshGateway`: through which gateways calls to other datacenters go. Here there are neither.

use super::fields::{Fields, Result};

/// Only a mode that leads through no gateway.
pub(super) fn none(fields: &mut Fields<'_>, field: &'static str) -> Result<()> {
    let Some(mut inside) = fields.object(field, "MeshGateway")? else { return Ok(()) };
    let mode = inside.text("Mode")?;
    match mode.as_str() {
        "" | "none" => inside.finish(),
        "local" | "remote" => {
            let message = format!(
                "{mode:?} leads through mesh gateways, which this version of chancery does not have; calls inside of the \
                 datacenter go without: say \"none\" or nothing"
            );
            Err(inside.error("Mode", message))
        }
        _ => Err(inside.error("Mode", format!("{mode:?} is no mode of mesh gateways; expected none"))),
    }
}
