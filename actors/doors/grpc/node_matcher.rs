//! Which clients a status request is about. Of a client's metadata only `node_name` is kept, so only that can be matched.

use chancery::model::ProxyId;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::struct_matcher::PathSegment;
use envoy_types::pb::envoy::r#type::matcher::v3::struct_matcher::path_segment::Segment;
use envoy_types::pb::envoy::r#type::matcher::v3::value_matcher::MatchPattern as ValuePattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{NodeMatcher, StringMatcher, StructMatcher, ValueMatcher};
use tonic::Status;

/// None are all; of several, one has to match.
pub(super) fn any_matches(matchers: &[NodeMatcher], proxy: &ProxyId) -> Result<bool, Status> {
    let mut found = matchers.is_empty();
    // each is looked at, so that a bad one is told whatever stands before it
    for matcher in matchers {
        found |= matches(matcher, proxy)?;
    }
    Ok(found)
}

fn matches(matcher: &NodeMatcher, proxy: &ProxyId) -> Result<bool, Status> {
    let mut all = match &matcher.node_id {
        Some(id) => string(id, proxy.service.as_str())?,
        None => true,
    };
    for metadata in &matcher.node_metadatas {
        all &= structure(metadata, proxy)?;
    }
    Ok(all)
}

fn structure(matcher: &StructMatcher, proxy: &ProxyId) -> Result<bool, Status> {
    let [PathSegment { segment: Some(Segment::Key(key)) }] = &matcher.path[..] else {
        return Err(unsupported("a path of the metadata other than \"node_name\""));
    };
    if key != "node_name" {
        return Err(unsupported("a path of the metadata other than \"node_name\""));
    }
    match &matcher.value {
        Some(matcher) => value(matcher, proxy.node.as_str()),
        None => Ok(true),
    }
}

fn value(matcher: &ValueMatcher, text: &str) -> Result<bool, Status> {
    match &matcher.match_pattern {
        Some(ValuePattern::StringMatch(matcher)) => string(matcher, text),
        Some(ValuePattern::PresentMatch(present)) => Ok(*present),
        Some(ValuePattern::OrMatch(or)) => {
            let mut found = false;
            for matcher in &or.value_matchers {
                found |= value(matcher, text)?;
            }
            Ok(found)
        }
        // a node's name is a string
        Some(
            ValuePattern::NullMatch(_)
            | ValuePattern::DoubleMatch(_)
            | ValuePattern::BoolMatch(_)
            | ValuePattern::ListMatch(_),
        ) => Ok(false),
        None => Err(unsupported("a value matcher without a pattern")),
    }
}

fn string(matcher: &StringMatcher, text: &str) -> Result<bool, Status> {
    let fold = |text: &str| if matcher.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let text = &*fold(text);
    match &matcher.match_pattern {
        Some(MatchPattern::Exact(exact)) => Ok(text == fold(exact)),
        Some(MatchPattern::Prefix(prefix)) => Ok(text.starts_with(&fold(prefix))),
        Some(MatchPattern::Suffix(suffix)) => Ok(text.ends_with(&fold(suffix))),
        Some(MatchPattern::Contains(part)) => Ok(text.contains(&fold(part))),
        Some(MatchPattern::SafeRegex(_)) => Err(unsupported("a regular expression")),
        Some(MatchPattern::Custom(_)) => Err(unsupported("a custom matcher")),
        None => Err(unsupported("a string matcher without a pattern")),
    }
}

fn unsupported(what: &str) -> Status {
    let text =
        format!("{what} is not supported: match the node id, or node_name, by exact, prefix, suffix or contains");
    Status::invalid_argument(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use envoy_types::pb::envoy::r#type::matcher::v3::RegexMatcher;

    fn proxy() -> ProxyId {
        ProxyId { node: "n1".into(), service: "web-sidecar-proxy".into() }
    }

    fn text(pattern: MatchPattern) -> StringMatcher {
        StringMatcher { match_pattern: Some(pattern), ignore_case: false }
    }

    fn of_id(pattern: MatchPattern) -> NodeMatcher {
        NodeMatcher { node_id: Some(text(pattern)), ..Default::default() }
    }

    fn of_node(key: &str, name: &str) -> StructMatcher {
        let value =
            ValueMatcher { match_pattern: Some(ValuePattern::StringMatch(text(MatchPattern::Exact(name.to_owned())))) };
        let path = vec![PathSegment { segment: Some(Segment::Key(key.to_owned())) }];
        StructMatcher { path, value: Some(value) }
    }

    // row 139
    #[test]
    fn matchers_are_ored_and_what_is_in_one_is_anded() {
        let yes = || of_id(MatchPattern::Prefix("web".to_owned()));
        let no = || of_id(MatchPattern::Exact("api".to_owned()));
        let both = |name: &str| NodeMatcher { node_metadatas: vec![of_node("node_name", name)], ..yes() };
        for (matchers, expected) in [
            (vec![], true),
            (vec![yes()], true),
            (vec![no()], false),
            (vec![no(), yes()], true),
            (vec![both("n1")], true),
            (vec![both("n2")], false),
            (vec![of_id(MatchPattern::Suffix("-proxy".to_owned()))], true),
            (vec![of_id(MatchPattern::Contains("SIDE".to_owned()))], false),
        ] {
            assert_eq!(any_matches(&matchers, &proxy()).unwrap(), expected, "{matchers:?}");
        }
        let mut folded = of_id(MatchPattern::Contains("SIDE".to_owned()));
        folded.node_id.as_mut().unwrap().ignore_case = true;
        assert!(any_matches(&[folded], &proxy()).unwrap());
    }

    #[test]
    fn what_cannot_be_matched_is_refused() {
        let regex = of_id(MatchPattern::SafeRegex(RegexMatcher::default()));
        let other = NodeMatcher { node_metadatas: vec![of_node("zone", "a")], ..Default::default() };
        for matcher in [regex, other, of_empty()] {
            let matchers = [NodeMatcher::default(), matcher];
            assert_eq!(any_matches(&matchers, &proxy()).unwrap_err().code(), tonic::Code::InvalidArgument);
        }
    }

    fn of_empty() -> NodeMatcher {
        NodeMatcher { node_id: Some(StringMatcher::default()), ..Default::default() }
    }
}
