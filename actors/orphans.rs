//! What clients whose stream has ended may hold without saying so when they return: names of responses that they refused,
//! or had not answered.

use std::sync::Arc;

use chancery::model::ProxyId;
use chancery::resource::ResourceType;
use dashmap::DashMap;

#[derive(Default)]
pub(crate) struct Orphans {
    names: DashMap<ProxyId, Vec<(ResourceType, Arc<str>)>>,
}

impl Orphans {
    /// Of all types, or of the one that a stream carries.
    pub fn take(&self, proxy: &ProxyId, type_url: Option<&str>) -> Vec<(ResourceType, Arc<str>)> {
        let Some(mut all) = self.names.get_mut(proxy) else { return Vec::new() };
        let mine = all.extract_if(.., |(kind, _)| type_url.is_none_or(|url| kind.type_url() == url)).collect();
        let is_empty = all.is_empty();
        drop(all);
        if is_empty {
            self.names.remove_if(proxy, |_, orphans| orphans.is_empty());
        }
        mine
    }

    /// Several streams of one client may end with some.
    pub fn keep(&self, proxy: &ProxyId, orphans: Vec<(ResourceType, Arc<str>)>) {
        if !orphans.is_empty() {
            let mut all = self.names.entry(proxy.clone()).or_default();
            all.extend(orphans);
            all.sort();
            all.dedup();
        }
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
}
