//! Everything that one proxy shall hold.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::{Resource, ResourceHash, ResourceType};

/// Resources of one type, sorted by name, each name once.
pub type ResourceList = Arc<[Arc<Resource>]>;

/// The resource of that name in a sorted list.
pub fn find<'a>(list: &'a [Arc<Resource>], name: &str) -> Option<&'a Arc<Resource>> {
    list.binary_search_by(|resource| (*resource.name).cmp(name)).ok().map(|at| &list[at])
}

/// Everything one proxy shall hold: a list of pointers per type. The version is the hash of all of them.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    pub version: ResourceHash,
    lists: [ResourceList; ResourceType::ALL.len()],
    /// Of which types some resource has a time to live or aliases.
    special: [bool; ResourceType::ALL.len()],
}

impl View {
    /// Sorts; of two resources with one name the first stays (generation reports the second as refused).
    pub fn new(resources: impl IntoIterator<Item = Arc<Resource>>) -> Self {
        let mut lists: [Vec<Arc<Resource>>; ResourceType::ALL.len()] = Default::default();
        for resource in resources {
            lists[resource.kind as usize].push(resource);
        }
        let mut hash = Xxh3::new();
        for list in &mut lists {
            list.sort_by(|a, b| a.name.cmp(&b.name));
            list.dedup_by(|later, first| later.name == first.name);
            for resource in list {
                hash.update(resource.name.as_bytes());
                hash.update(&resource.version.0.to_be_bytes());
            }
        }
        let special = lists.each_ref().map(|list| list.iter().any(|resource| resource.extras.is_some()));
        Self { version: ResourceHash(hash.digest()), lists: lists.map(Into::into), special }
    }

    /// Takes over the lists of an earlier view that say the same, so that whoever compares the two sees at a glance
    /// which types have not changed.
    #[must_use]
    pub fn reusing(mut self, earlier: &Self) -> Self {
        for (list, before) in self.lists.iter_mut().zip(&earlier.lists) {
            if list.len() == before.len() && list.iter().zip(before.iter()).all(|(now, then)| now.is(then)) {
                *list = Arc::clone(before);
            }
        }
        self
    }

    pub fn list(&self, kind: ResourceType) -> &ResourceList {
        &self.lists[kind as usize]
    }

    /// Some resource of this type has a time to live or aliases.
    pub fn has_special(&self, kind: ResourceType) -> bool {
        self.special[kind as usize]
    }

    pub fn get(&self, kind: ResourceType, name: &str) -> Option<&Arc<Resource>> {
        find(self.list(kind), name)
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.lists.iter().flat_map(|list| list.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use envoy_types::pb::envoy::config::cluster::v3::Cluster;

    fn cluster(name: &str) -> Resource {
        let message = Cluster { name: name.to_owned(), ..Default::default() };
        Resource::new(ResourceType::Cluster, name, vec![], &message)
    }

    #[test]
    fn a_view_is_sorted_and_its_version_depends_on_content_alone() {
        let (a, b) = (Arc::new(cluster("a")), Arc::new(cluster("b")));
        let one = View::new([Arc::clone(&b), Arc::clone(&a)]);
        let other = View::new([a, b]);
        assert_eq!(one, other);
        assert_eq!(&*one.list(ResourceType::Cluster)[0].name, "a");
        assert!(one.get(ResourceType::Cluster, "b").is_some());
        assert_ne!(one.version, View::new([]).version);
    }

    #[test]
    fn a_view_takes_over_the_lists_that_say_the_same() {
        let earlier = View::new([Arc::new(cluster("a"))]);
        let same = View::new([Arc::new(cluster("a"))]).reusing(&earlier);
        assert!(Arc::ptr_eq(same.list(ResourceType::Cluster), earlier.list(ResourceType::Cluster)));
        let other = View::new([Arc::new(cluster("b"))]).reusing(&earlier);
        assert_eq!(&*other.list(ResourceType::Cluster)[0].name, "b");
    }
}
