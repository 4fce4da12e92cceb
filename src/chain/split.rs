//! Splitters that lead to splitters become one, for Envoy splits once.

use std::collections::BTreeMap;

use super::error::Fault;
use super::{Node, NodeId, Split, Step};
use crate::model::entry::service_splitter::Weight;
use crate::model::http::HeaderModifiers;

/// How many splits one splitter may come to.
const MOST: usize = 1000;

/// `splitters`: each after those that it leads to.
pub(super) fn flatten(nodes: &mut BTreeMap<NodeId, Node>, splitters: &[NodeId]) -> Result<(), Fault> {
    for id in splitters {
        let node = &nodes[id];
        let Step::Splitter(splits) = &node.step else { continue };
        let mut entries = node.entries.clone();
        let mut flat: Vec<Split> = Vec::with_capacity(splits.len());
        for split in splits {
            match nodes.get(&split.next).map(|next| (&next.step, &next.entries)) {
                Some((Step::Splitter(inner), of)) => {
                    entries.extend(of.iter().cloned());
                    let shares = apportion(split.weight, inner);
                    inner.iter().zip(shares).for_each(|(inner, share)| add(&mut flat, through(split, inner, share)));
                }
                _ => add(&mut flat, split.clone()),
            }
        }
        if flat.len() > MOST {
            let entry = node.entries.first().cloned().unwrap_or_else(|| unreachable!("a splitter has its entry"));
            return Err(Fault::TooManySplits { entry, most: MOST });
        }
        nodes.insert(id.clone(), Node { step: Step::Splitter(flat), entries });
    }
    Ok(())
}

/// Splits that differ in nothing but their weight are one.
fn add(splits: &mut Vec<Split>, split: Split) {
    let same = |other: &&mut Split| Split { weight: split.weight, ..(*other).clone() } == split;
    match splits.iter_mut().find(same) {
        Some(other) => other.weight.0 += split.weight.0,
        None => splits.push(split),
    }
}

/// A split behind another: on the way there the inner one has the last word, on the way back the outer one.
fn through(outer: &Split, inner: &Split, weight: Weight) -> Split {
    Split {
        weight,
        request_headers: over(&inner.request_headers, &outer.request_headers),
        response_headers: over(&outer.response_headers, &inner.response_headers),
        next: inner.next.clone(),
    }
}

fn over(last: &HeaderModifiers, first: &HeaderModifiers) -> HeaderModifiers {
    let merged = |last: &BTreeMap<String, String>, first: &BTreeMap<String, String>| {
        let mut merged = first.clone();
        merged.extend(last.clone());
        merged
    };
    let mut remove = first.remove.clone();
    remove.extend(last.remove.iter().filter(|name| !first.remove.contains(name)).cloned());
    HeaderModifiers { add: merged(&last.add, &first.add), set: merged(&last.set, &first.set), remove }
}

/// Deals a share out among the splits of a whole, to the last hundredth: what rounding leaves goes to those that it took
/// most from, the earlier first.
fn apportion(share: Weight, among: &[Split]) -> Vec<Weight> {
    let whole = u64::from(Weight::WHOLE.0);
    let exact: Vec<u64> = among.iter().map(|split| u64::from(share.0) * u64::from(split.weight.0)).collect();
    let mut dealt: Vec<u64> = exact.iter().map(|exact| exact / whole).collect();
    let left = u64::from(share.0).saturating_sub(dealt.iter().sum());
    let mut order: Vec<usize> = (0..among.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(exact[at] % whole));
    for at in order.into_iter().take(usize::try_from(left).unwrap_or_default()) {
        dealt[at] += 1;
    }
    dealt.into_iter().map(|dealt| Weight(u32::try_from(dealt).unwrap_or(u32::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splits(weights: &[u32]) -> Vec<Split> {
        let none = HeaderModifiers::default;
        let split = |(at, &weight): (usize, &u32)| Split {
            weight: Weight(weight),
            request_headers: none(),
            response_headers: none(),
            next: format!("resolver:{at}"),
        };
        weights.iter().enumerate().map(split).collect()
    }

    fn apportioned(share: u32, among: &[u32]) -> Vec<u32> {
        apportion(Weight(share), &splits(among)).iter().map(|weight| weight.0).collect()
    }

    #[test]
    fn a_share_is_dealt_out_to_the_last_hundredth() {
        assert_eq!(apportioned(5000, &[9000, 1000]), [4500, 500]);
        assert_eq!(apportioned(1, &[5000, 5000]), [1, 0]);
        assert_eq!(apportioned(100, &[3333, 3333, 3334]), [33, 33, 34]);
        assert_eq!(apportioned(0, &[5000, 5000]), [0, 0]);
    }

    #[test]
    fn on_the_way_there_the_inner_split_has_the_last_word_and_on_the_way_back_the_outer() {
        let says = |word: &str| HeaderModifiers {
            set: BTreeMap::from([("x".to_owned(), word.to_owned())]),
            remove: vec![word.to_owned()],
            ..Default::default()
        };
        let [outer, inner] = ["outer", "inner"].map(|word| Split {
            request_headers: says(word),
            response_headers: says(word),
            ..splits(&[10_000]).remove(0)
        });
        let both = through(&outer, &inner, Weight(1));
        assert_eq!(both.request_headers.set["x"], "inner");
        assert_eq!(both.response_headers.set["x"], "outer");
        assert_eq!(both.request_headers.remove, ["outer", "inner"]);
    }
}
