//! The paths of a sidecar's application that are exposed, each with its listener.

use std::sync::Arc;

use super::telemetry::Telemetry;
use super::{Reason, cluster, listener};
use crate::model::expose::{ExposedPath, ExposedProtocol};
use crate::model::{Bind, ProxyConfig};
use crate::resource::Resource;

/// What came of one path.
#[derive(Clone)]
pub(super) struct Exposed {
    pub bind: Bind,
    pub name: String,
    /// `None`: the application's own, which is there.
    pub cluster: Option<Arc<Resource>>,
    pub listener: Arc<Resource>,
}

/// One for each path of the configuration, in its order.
pub(super) fn exposed(proxy: &ProxyConfig) -> Vec<Result<Exposed, (String, Reason)>> {
    let telemetry = Telemetry::of(&proxy.telemetry);
    proxy.inbound.expose.iter().map(|path| of_path(proxy, path, &telemetry)).collect()
}

fn of_path(proxy: &ProxyConfig, path: &ExposedPath, telemetry: &Telemetry) -> Result<Exposed, (String, Reason)> {
    let bind = Bind::Address { address: proxy.bind_address.clone(), port: path.listener_port };
    let name = listener::exposed_name(path, &bind);
    let make = || {
        let cluster =
            if is_of_application(proxy, path) { None } else { Some(Arc::new(cluster::exposed(proxy, path)?)) };
        let leads_to = cluster.as_ref().map_or(cluster::LOCAL_APP, |cluster| &cluster.name);
        let listener = Arc::new(listener::exposed(path, &bind, leads_to, telemetry)?);
        Ok((cluster, listener))
    };
    let (cluster, listener) = make().map_err(|reason| (name.clone(), reason))?;
    Ok(Exposed { bind, name, cluster, listener })
}

/// Where the path is asked for is where all other requests go, and in the same protocol.
fn is_of_application(proxy: &ProxyConfig, path: &ExposedPath) -> bool {
    let port = matches!(&proxy.local_app.address, Bind::Address { port, .. } if *port == path.local_path_port);
    port && proxy.protocol.is_http2() == (path.protocol == ExposedProtocol::Http2)
}
