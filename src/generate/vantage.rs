//! From where instances are looked at: which of them a cluster has, and who goes first.

use std::collections::BTreeMap;

use crate::chain::{Member, Within};
use crate::model::locality::Prioritize;
use crate::model::{Endpoint, Locality};

/// What it does not hang on is left out, so that all who see the same share what is made of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Vantage<'a> {
    own: Option<&'a Locality>,
    prioritize: Prioritize,
    within: Within<'a>,
}

/// Instances of one place.
pub(super) struct Group<'a, T> {
    /// `None`: nobody said where they are, or it does not matter.
    pub locality: Option<&'a Locality>,
    /// 0, 1, … without a gap.
    pub priority: u32,
    /// Among those of its priority; `None`: they are not weighed.
    pub weight: Option<u32>,
    pub instances: Vec<T>,
}

/// Of all instances at one distance, for each percent of the calls. With less, places with few instances among thousands
/// could not be told apart.
const WEIGHT_OF_PERCENT: u64 = 10_000;

impl<'a> Vantage<'a> {
    /// `own`: where the caller is.
    pub fn new(own: Option<&'a Locality>, member: &Member<'a>) -> Self {
        let prioritize = match member.target.prioritize_by_locality {
            Some(Prioritize::Failover) if own.is_some() => Prioritize::Failover,
            // the cluster weighs, for whomever
            Some(Prioritize::Weighted(shares)) => Prioritize::Weighted(shares),
            _ => Prioritize::None,
        };
        let own = own.filter(|_| prioritize != Prioritize::None || member.within != Within::Anywhere);
        Self { own, prioritize, within: member.within }
    }

    /// Instances are all the same, wherever they are and whoever calls.
    pub fn is_anywhere(self) -> bool {
        self.prioritize == Prioritize::None && self.within == Within::Anywhere
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
        let Some(own) = self.own.filter(|_| self.prioritize != Prioritize::None) else {
            let weight = matches!(self.prioritize, Prioritize::Weighted(_)).then_some(1);
            return vec![Group { locality: None, priority: 0, weight, instances: seen.filter_map(make).collect() }];
        };
        let mut places: BTreeMap<(u32, Option<&Locality>), Place<T>> = BTreeMap::new();
        for endpoint in seen {
            let locality = endpoint.locality.as_ref();
            if let Some(made) = make(endpoint) {
                let place = places.entry((own.distance(locality), locality)).or_default();
                place.weight += u64::from(endpoint.weight.max(1));
                place.instances.push(made);
            }
        }
        if places.is_empty() {
            places.insert((0, None), Place::default());
        }
        let mut distances: BTreeMap<u32, u64> = BTreeMap::new();
        for ((distance, _), place) in &places {
            *distances.entry(*distance).or_default() += place.weight;
        }
        let group = |((distance, locality), place): ((u32, Option<&'e Locality>), Place<T>)| {
            let (priority, weight) = match self.prioritize {
                Prioritize::Weighted(shares) => {
                    (0, Some(weight(shares.at(distance), place.weight, distances[&distance])))
                }
                _ => (distances.range(..distance).map(|_| 1).sum(), None),
            };
            Group { locality, priority, weight, instances: place.instances }
        };
        places.into_iter().map(group).collect()
    }
}

struct Place<T> {
    /// Of its instances.
    weight: u64,
    instances: Vec<T>,
}

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self { weight: 0, instances: Vec::new() }
    }
}

/// A place's part of the calls that go as far as it is, by its part of the instances there. "The sum of the weights of all
/// localities must not exceed uint32_t maximal value": three times a hundred percent at most do not.
fn weight(share: u32, own: u64, of_all: u64) -> u32 {
    let weight = u64::from(share) * WEIGHT_OF_PERCENT * own / of_all.max(1);
    u32::try_from(weight).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::locality::Shares;

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
        let prioritize = if own.is_some() { Prioritize::Failover } else { Prioritize::None };
        let vantage = Vantage { own: own.as_ref(), prioritize, within: Within::Anywhere };
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

    /// `place: weight`, with 80 percent for the zone and 15 for the region.
    fn weighed(own: &str, places: &[&str]) -> Vec<String> {
        let (own, endpoints) = (at(own), endpoints(places));
        let shares = Shares { same_zone: 80, same_region: 15, elsewhere: 5 };
        let vantage = Vantage { own: own.as_ref(), prioritize: Prioritize::Weighted(shares), within: Within::Anywhere };
        let groups = vantage.groups(endpoints.iter(), |endpoint| Some(endpoint.port));
        let place = |of: Option<&Locality>| of.map_or_else(String::new, |of| format!("{}/{}", of.region, of.zone));
        assert!(groups.iter().all(|group| group.priority == 0));
        groups.iter().map(|of| format!("{}: {:?}", place(of.locality), of.weight)).collect()
    }

    #[test]
    fn places_share_what_goes_as_far_as_they_are_by_their_instances() {
        let places = ["r1/a", "r1/b", "r1/b", "r1/c", "r2/a"];
        let expected = ["r1/a: Some(800000)", "r1/b: Some(100000)", "r1/c: Some(50000)", "r2/a: Some(50000)"];
        assert_eq!(weighed("r1/a", &places), expected);
        assert_eq!(weighed("r2/a", &["r1/a", ""]), [": Some(25000)", "r1/a: Some(25000)"]);
    }

    #[test]
    fn where_calls_are_weighed_every_place_has_a_weight() {
        assert_eq!(weighed("", &["r1/a", "r2/a"]), [": Some(1)"]);
        assert_eq!(weighed("r1/a", &[]), [": Some(1)"]);
    }
}
