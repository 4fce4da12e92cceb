//! What clients whose stream has ended may hold without saying so when they return: names of responses that they refused,
//! or had not answered.

use std::sync::Arc;
use std::time::Duration;

use chancery::model::ProxyId;
use chancery::resource::ResourceType;
use dashmap::DashMap;
use tokio::time::Instant;

/// Who stays away longer is not expected back. Envoy tries again every half minute at the latest.
const KEPT: Duration = Duration::from_secs(3600);

type Names = Vec<(ResourceType, Arc<str>)>;

#[derive(Default)]
pub(crate) struct Orphans {
    /// With when the last stream of the client ended.
    names: DashMap<ProxyId, (Instant, Names)>,
}

impl Orphans {
    /// Of all types, or of the one that a stream carries.
    pub fn take(&self, proxy: &ProxyId, type_url: Option<&str>) -> Names {
        let Some(mut kept) = self.names.get_mut(proxy) else { return Vec::new() };
        let all = &mut kept.1;
        let mine = all.extract_if(.., |(kind, _)| type_url.is_none_or(|url| kind.type_url() == url)).collect();
        let is_empty = all.is_empty();
        drop(kept);
        if is_empty {
            self.names.remove_if(proxy, |_, (_, orphans)| orphans.is_empty());
        }
        mine
    }

    /// Several streams of one client may end with some.
    pub fn keep(&self, proxy: &ProxyId, orphans: Names) {
        if orphans.is_empty() {
            return;
        }
        let now = Instant::now();
        self.names.retain(|_, (ended, _)| now.duration_since(*ended) < KEPT);
        let mut kept = self.names.entry(proxy.clone()).or_insert_with(|| (now, Vec::new()));
        let (ended, all) = &mut *kept;
        *ended = now;
        all.extend(orphans);
        all.sort();
        all.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // row 63
    #[test]
    fn a_stream_of_one_type_takes_the_orphans_of_its_type() {
        let proxy = ProxyId { node: "n1".into(), service: "web".into() };
        let (cluster, listener) = ((ResourceType::Cluster, Arc::from("a")), (ResourceType::Listener, Arc::from("l")));
        let orphans = Orphans::default();
        orphans.keep(&proxy, vec![cluster.clone()]);
        orphans.keep(&proxy, vec![listener.clone(), cluster.clone()]);
        assert_eq!(orphans.take(&proxy, Some(ResourceType::Cluster.type_url())), [cluster]);
        assert_eq!(orphans.take(&proxy, None), [listener]);
        assert!(orphans.names.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_returns_is_forgotten() {
        let proxy = |name: &str| ProxyId { node: "n1".into(), service: name.into() };
        let orphans = Orphans::default();
        orphans.keep(&proxy("web"), vec![(ResourceType::Cluster, Arc::from("a"))]);
        tokio::time::advance(KEPT).await;
        orphans.keep(&proxy("api"), vec![(ResourceType::Cluster, Arc::from("a"))]);
        assert_eq!(orphans.names.len(), 1);
    }
}
