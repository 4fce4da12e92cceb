//! Whom a transparent proxy is led to, and at which addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::central::transparent;
use crate::catalog::tables::Tables;
use crate::model::entry::{ServiceIntentions, SourceIntention};
use crate::model::intention::{Action, WILDCARD};
use crate::model::transparent::{Addresses, REACHABLE_MAX, Reachable};
use crate::model::{Service, ServiceName};

/// The services of the mesh that `source` may call, requests unseen: a rule that looks at requests counts as one that
/// allows. Of too many the first by name.
pub fn reachable(tables: &Tables, source: &ServiceName) -> Reachable {
    let names: BTreeSet<ServiceName> = if allowed(tables, source, None) {
        let all = tables.virtual_ips.services();
        all.filter(|service| allowed(tables, source, Some(service))).cloned().collect()
    } else {
        // only who is named can be allowed
        let everybody = ServiceName::from(WILDCARD);
        let named = tables.destinations(source).chain(tables.destinations(&everybody));
        let in_mesh = named.filter(|service| tables.virtual_ips.of(service).is_some());
        in_mesh.filter(|service| allowed(tables, source, Some(service))).cloned().collect()
    };
    let left_out = names.len().saturating_sub(REACHABLE_MAX);
    Reachable { services: names.into_iter().take(REACHABLE_MAX).collect(), left_out }
}

/// Whether the source may call the destination; without one, whether it may call one that nobody has named.
fn allowed(tables: &Tables, source: &ServiceName, destination: Option<&ServiceName>) -> bool {
    let entries = destination.map(ServiceName::as_str).into_iter().chain([WILDCARD]);
    // those of the destination itself come first, and in each of them who is named comes first
    let decide = |entry: &str| {
        let sources = &tables.body::<ServiceIntentions>(entry)?.sources;
        let of = |name: &str| sources.iter().find(|known| known.name == *name);
        of(source.as_str()).or_else(|| of(WILDCARD))
    };
    let says = |rule: &SourceIntention| rule.action == Action::Allow || !rule.permissions.is_empty();
    let found = entries.filter_map(decide).next();
    found.map_or(tables.default_intention() == Action::Allow, says)
}

/// The virtual addresses of the service, those that its instances were tagged with, and the instances' own where they may
/// be called there.
pub fn addresses(tables: &Tables, service: &ServiceName) -> Addresses {
    let given = tables.virtual_ips.of(service).map(|ip| ip.addresses()).unwrap_or_default();
    let mut virtual_ips: BTreeSet<IpAddr> = given.into_iter().collect();
    let mut instances = BTreeSet::new();
    for instance in tables.instances_for_connect(service) {
        // what a scheduler calls the service at
        let tagged = instance.tagged_addresses.get("virtual").and_then(|tagged| tagged.address.parse::<IpAddr>().ok());
        virtual_ips.extend(tagged);
        if transparent(tables, instance).dialed_directly {
            instances.extend(own_address(tables, instance));
        }
    }
    Addresses { virtual_ips: virtual_ips.into_iter().collect(), instances: instances.into_iter().collect() }
}

/// Of the instance, else of its node; a name is none.
fn own_address(tables: &Tables, instance: &Service) -> Option<IpAddr> {
    let of_node = || tables.nodes.get(&instance.node).map(|node| node.address.as_str());
    let own = Some(instance.address.as_str()).filter(|address| !address.is_empty());
    own.or_else(of_node)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::{
        World, intentions, put, register, register_with_sidecar, service_defaults, settings, sidecar,
    };
    use crate::catalog::query::{decide_intention, services};
    use crate::catalog::{Settings, Tables};
    use crate::model::entry::EntryBody;
    use crate::model::{Entry, TaggedAddress, TransparentProxy};

    fn world(default_intention: Action) -> World {
        let mut world = World::new();
        world.tables = Tables::new(Settings { default_intention, ..settings() });
        for name in ["n1", "n2"] {
            world.write(crate::catalog::Write::RegisterNode(crate::catalog::fixture::node(name)));
        }
        for service in ["web", "db", "shop"] {
            world.write(register_with_sidecar(service));
        }
        world
    }

    fn names(reachable: &Reachable) -> Vec<&str> {
        reachable.services.iter().map(ServiceName::as_str).collect()
    }

    #[test]
    fn whoever_may_be_called_is_reachable_and_nobody_else() {
        use Action::{Allow, Deny};
        let rules: [&[(&str, &str, Action)]; 6] = [
            &[],
            &[("db", "web", Deny)],
            &[("db", "web", Allow)],
            &[("db", "*", Allow), ("shop", "*", Deny)],
            &[("*", "web", Deny), ("db", "web", Allow)],
            &[("*", "web", Allow), ("db", "*", Deny)],
        ];
        for default in [Allow, Deny] {
            for rules in rules {
                let mut world = world(default);
                for (destination, source, action) in rules {
                    world.write(put(intentions(destination, &[(source, *action)])));
                }
                let source = ServiceName::from("web");
                let in_mesh = services(&world.tables).into_keys().filter(|name| !name.as_str().ends_with("-proxy"));
                let naive: BTreeSet<ServiceName> =
                    in_mesh.filter(|name| decide_intention(&world.tables, &source, name) == Allow).collect();
                assert_eq!(reachable(&world.tables, &source).services, naive, "{default:?} {rules:?}");
            }
        }
    }

    #[test]
    fn a_rule_that_looks_at_requests_leads_there() {
        let mut world = world(Action::Deny);
        world.write(put(service_defaults("db", crate::model::Protocol::Http)));
        let mut entry: Entry = intentions("db", &[("web", Action::Deny)]);
        let EntryBody::ServiceIntentions(body) = &mut entry.body else { panic!("intentions") };
        body.sources[0].permissions = vec![crate::model::intention::Permission {
            action: Action::Allow,
            http: Default::default(),
            jwt: Default::default(),
        }];
        world.write(put(entry));
        assert_eq!(names(&reachable(&world.tables, &"web".into())), ["db"]);
    }

    #[test]
    fn an_instance_is_called_at_its_own_address_only_where_that_is_allowed() {
        let mut world = world(Action::Allow);
        let directly = TransparentProxy { dialed_directly: true, ..TransparentProxy::default() };
        let mut instance = Service { node: "n2".into(), port: 7, ..sidecar("db") };
        instance.proxy.as_mut().expect("a proxy").transparent = directly;
        let virtual_address = TaggedAddress { address: "172.30.0.9".to_owned(), port: 5432 };
        instance.tagged_addresses.insert("virtual".to_owned(), virtual_address);
        world.write(register(instance));
        let addresses = addresses(&world.tables, &"db".into());
        let shown = |addresses: &[IpAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown(&addresses.virtual_ips), ["172.30.0.9", "240.0.0.2"]);
        assert_eq!(shown(&addresses.instances), ["10.0.0.2"]);
    }
}
