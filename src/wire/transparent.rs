//! `Mode` and `TransparentProxy`, which registrations, `service-defaults` and `proxy-defaults` share.

use super::fields::{Fields, Result};
use super::members::Members;
use crate::model::TransparentProxy;
use crate::model::transparent::ProxyMode;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<TransparentProxy> {
    let mode = fields.word("Mode", "mode of a proxy")?;
    let Some(mut fields) = fields.object("TransparentProxy", "TransparentProxy")? else {
        return Ok(TransparentProxy { mode, ..TransparentProxy::default() });
    };
    let transparent = TransparentProxy {
        mode,
        outbound_listener_port: fields.port("OutboundListenerPort")?,
        dialed_directly: fields.flag("DialedDirectly")?,
    };
    fields.finish()?;
    Ok(transparent)
}

pub(super) fn mode(transparent: TransparentProxy) -> &'static str {
    transparent.mode.map_or("", ProxyMode::as_str)
}

/// The object beside the mode.
pub(super) fn show(transparent: TransparentProxy) -> Members {
    Members::default()
        .number("OutboundListenerPort", transparent.outbound_listener_port)
        .flag("DialedDirectly", transparent.dialed_directly)
}
