//! From where instances are looked at: which of them a cluster has, and who goes first.

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::{Member, Within};
use crate::model::locality::Prioritize;
use crate::model::{Endpoint, Locality};

/// What it does not hang on is left out, so that all who see the same share what is made of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Vantage<'a> {
    own: Option<&'a Locality>,
    prioritize: bool,
    within: Within<'a>,
}

/// Instances of one place.
pub(super) struct Group<'a, T> {
    /// `None`: nobody said where they are, or it does not matter.
    pub locality: Option<&'a Locality>,
    /// 0, 1, … without a gap.
    pub priority: u32,
    pub instances: Vec<T>,
}

impl<'a> Vantage<'a> {
    /// `own`: where the caller is.
    pub fn new(own: Option<&'a Locality>, member: &Member<'a>) -> Self {
        let prioritize = own.is_some() && member.target.prioritize_by_locality == Some(Prioritize::Failover);
        let own = own.filter(|_| prioritize || member.within != Within::Anywhere);
        Self { own, prioritize, within: member.within }
    }

    /// Instances are all the same, wherever they are and whoever calls.
    pub fn is_anywhere(self) -> bool {
        !self.prioritize && self.within == Within::Anywhere
    }

    pub fn sees(self, endpoint: &Endpoint) -> bool {
        self.within.has(self.own, endpoint.locality.as_ref())
    }

    /// Those that are seen, by what is made of each; `None` of one leaves it out. One group at least, if an empty one.
    pub fn groups<'e, T>(
        self,
        endpoints: impl Iterator<Item = &'e Endpoint>,
        make: impl Fn(&'e Endpoint) -> Option<T>,
    ) -> Vec<Group<'e, T>> {
        let seen = endpoints.filter(|endpoint| self.sees(endpoint));
        let Some(own) = self.own.filter(|_| self.prioritize) else {
            return vec![Group { locality: None, priority: 0, instances: seen.filter_map(make).collect() }];
        };
        let mut places: BTreeMap<(u32, Option<&Locality>), Vec<T>> = BTreeMap::new();
        for endpoint in seen {
            let locality = endpoint.locality.as_ref();
            if let Some(made) = make(endpoint) {
                places.entry((own.distance(locality), locality)).or_default().push(made);
            }
        }
        if places.is_empty() {
            places.insert((0, None), vec![]);
        }
        let distances: BTreeSet<u32> = places.keys().map(|(distance, _)| *distance).collect();
        let group = |((distance, locality), instances)| {
            let priority = distances.range(..distance).map(|_| 1).sum();
            Group { locality, priority, instances }
        };
        places.into_iter().map(group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(place: &str) -> Option<Locality> {
        let (region, zone) = place.split_once('/')?;
        Some(Locality { region: region.to_owned(), zone: zone.to_owned() })
    }

    fn endpoints(places: &[&str]) -> Vec<Endpoint> {
        let endpoint = |(port, place): (u16, &&str)| Endpoint {
            address: "10.0.0.1".to_owned(),
            port,
            socket_path: String::new(),
            healthy: true,
            weight: 1,
            locality: at(place),
        };
        (0..).zip(places).map(endpoint).collect()
    }

    /// `priority place: instances`
    fn seen(own: &str, places: &[&str]) -> Vec<String> {
        let (own, endpoints) = (at(own), endpoints(places));
        let vantage = Vantage { own: own.as_ref(), prioritize: own.is_some(), within: Within::Anywhere };
        let groups = vantage.groups(endpoints.iter(), |endpoint| Some(endpoint.port));
        let place = |of: Option<&Locality>| of.map_or_else(String::new, |of| format!("{}/{}", of.region, of.zone));
        let group = |of: Group<'_, u16>| format!("{} {}: {:?}", of.priority, place(of.locality), of.instances);
        groups.into_iter().map(group).collect()
    }

    #[test]
    fn the_callers_zone_goes_before_its_region_and_that_before_others() {
        let places = ["r1/a", "r2/a", "r1/b", "r1/a", "", "r1/c"];
        let expected = ["0 r1/a: [0, 3]", "1 r1/b: [2]", "1 r1/c: [5]", "2 : [4]", "2 r2/a: [1]"];
        assert_eq!(seen("r1/a", &places), expected);
    }

    #[test]
    fn priorities_have_no_gap() {
        assert_eq!(seen("r1/a", &["r2/a", "r1/a"]), ["0 r1/a: [1]", "1 r2/a: [0]"]);
        assert_eq!(seen("r1/a", &["r2/a"]), ["0 r2/a: [0]"]);
        assert_eq!(seen("r1/a", &[]), ["0 : []"]);
    }

    #[test]
    fn whoever_does_not_know_where_it_is_sees_all_alike() {
        assert_eq!(seen("", &["r1/a", "r2/a"]), ["0 : [0, 1]"]);
        // without its zone it knows its region
        assert_eq!(seen("r1/", &["r1/", "r2/", "r1/a"]), ["0 r1/: [0]", "0 r1/a: [2]", "1 r2/: [1]"]);
    }
}
