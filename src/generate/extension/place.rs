//! Where filters stand in a listener, told as JSON.

use serde_json::Value;

use crate::model::extension::Location;

const MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// The chains of a listener, the default one too.
fn chains(listener: &mut Value) -> Vec<&mut Value> {
    let Some(listener) = listener.as_object_mut() else { return vec![] };
    let mut chains = Vec::new();
    for (name, value) in listener {
        match (name.as_str(), value) {
            ("filter_chains", Value::Array(items)) => chains.extend(items),
            ("default_filter_chain", chain) => chains.push(chain),
            _ => {}
        }
    }
    chains
}

/// The lists of network filters of a listener whose connections are not looked into.
pub(super) fn opaque_chains(listener: &mut Value) -> Vec<&mut Vec<Value>> {
    let lists = chains(listener).into_iter().filter_map(|chain| chain["filters"].as_array_mut());
    lists.filter(|filters| !filters.iter().any(is_manager)).collect()
}

/// The connection managers of a listener.
pub(super) fn managers(listener: &mut Value) -> Vec<&mut Value> {
    let filters = chains(listener).into_iter().filter_map(|chain| chain["filters"].as_array_mut()).flatten();
    filters.filter(|filter| is_manager(filter)).map(|filter| &mut filter["typed_config"]).collect()
}

fn is_manager(filter: &Value) -> bool {
    filter["typed_config"]["@type"] == MANAGER
}

/// Puts the filter into a list whose last element is what everything leads to.
pub(super) fn insert(filters: &mut Vec<Value>, location: &Location, filter: Value) -> Result<(), String> {
    let end = filters.len().saturating_sub(1);
    let first = |name: &str| filters.iter().position(|filter| filter["name"] == name);
    let last = |name: &str| filters.iter().rposition(|filter| filter["name"] == name);
    let at = match location {
        Location::First => Some(0),
        Location::Last => Some(end),
        Location::BeforeFirst(name) => first(name),
        Location::AfterFirst(name) => first(name).map(|at| at + 1),
        Location::BeforeLast(name) => last(name),
        Location::AfterLast(name) => last(name).map(|at| at + 1),
    };
    match (at, location) {
        // nothing is ever asked behind the last one
        (Some(at), _) if at <= end => {
            filters.insert(at, filter);
            Ok(())
        }
        (
            _,
            Location::BeforeFirst(name)
            | Location::AfterFirst(name)
            | Location::BeforeLast(name)
            | Location::AfterLast(name),
        ) => {
            let there: Vec<&str> = filters.iter().filter_map(|filter| filter["name"].as_str()).collect();
            Err(format!("there is no place by a filter {name:?}; the filters are {}", there.join(", ")))
        }
        _ => Err("the list of filters is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inserted(location: &Location) -> Result<String, String> {
        let mut filters: Vec<Value> = ["a", "b", "a", "end"].map(|name| json!({ "name": name })).into();
        insert(&mut filters, location, json!({ "name": "X" }))?;
        let names: Vec<&str> = filters.iter().filter_map(|filter| filter["name"].as_str()).collect();
        Ok(names.concat())
    }

    #[test]
    fn a_filter_stands_where_it_was_asked_for_and_never_behind_the_end() {
        let told = |location: Location| inserted(&location).expect("there is a place");
        assert_eq!(told(Location::First), "Xabaend");
        assert_eq!(told(Location::Last), "abaXend");
        assert_eq!(told(Location::BeforeFirst("b".to_owned())), "aXbaend");
        assert_eq!(told(Location::AfterFirst("a".to_owned())), "aXbaend");
        assert_eq!(told(Location::BeforeLast("a".to_owned())), "abXaend");
        assert_eq!(told(Location::AfterLast("a".to_owned())), "abaXend");
        let error = inserted(&Location::AfterLast("end".to_owned())).expect_err("behind the end");
        assert_eq!(error, "there is no place by a filter \"end\"; the filters are a, b, a, end");
        assert!(inserted(&Location::BeforeFirst("c".to_owned())).is_err());
    }
}
