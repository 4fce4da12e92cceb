//! Envoy's reading of the rules: what the filter does with a request.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::rbac::v3::principal::Identifier;
use envoy_types::pb::envoy::config::rbac::v3::{Permission, Principal, Rbac, permission, rbac};
use envoy_types::pb::envoy::config::route::v3::{HeaderMatcher, header_matcher::HeaderMatchSpecifier};
use envoy_types::pb::envoy::r#type::matcher::v3::metadata_matcher::path_segment::Segment;
use envoy_types::pb::envoy::r#type::matcher::v3::value_matcher::MatchPattern as ValuePattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{
    MetadataMatcher, StringMatcher, path_matcher, string_matcher::MatchPattern,
};

/// What a caller sends, and what the filter for tokens has left of it: by key, the claims.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Request {
    pub uri: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub metadata: BTreeMap<String, BTreeMap<String, String>>,
}

impl Request {
    pub fn passes(&self, rules: &Rbac) -> bool {
        let matches = rules.policies.values().any(|policy| {
            policy.permissions.iter().any(|permission| self.may(permission))
                && policy.principals.iter().any(|principal| self.is(principal))
        });
        if rules.action == i32::from(rbac::Action::Allow) { matches } else { !matches }
    }

    fn is(&self, principal: &Principal) -> bool {
        match principal.identifier.as_ref().expect("an identifier") {
            Identifier::AndIds(set) => set.ids.iter().all(|id| self.is(id)),
            Identifier::OrIds(set) => set.ids.iter().any(|id| self.is(id)),
            Identifier::NotId(id) => !self.is(id),
            Identifier::Authenticated(authenticated) => {
                fits(authenticated.principal_name.as_ref().expect("a name"), &self.uri)
            }
            other => panic!("Envoy would need {other:?}"),
        }
    }

    fn may(&self, permission: &Permission) -> bool {
        match permission.rule.as_ref().expect("a rule") {
            permission::Rule::Any(any) => *any,
            permission::Rule::AndRules(set) => set.rules.iter().all(|rule| self.may(rule)),
            permission::Rule::OrRules(set) => set.rules.iter().any(|rule| self.may(rule)),
            permission::Rule::NotRule(rule) => !self.may(rule),
            permission::Rule::UrlPath(matcher) => {
                let Some(path_matcher::Rule::Path(path)) = &matcher.rule else { panic!("a path: {matcher:?}") };
                fits(path, self.path.split(['?', '#']).next().unwrap_or_default())
            }
            permission::Rule::Header(header) => self.has(header),
            permission::Rule::SourcedMetadata(sourced) => {
                self.claims(sourced.metadata_matcher.as_ref().expect("a matcher"))
            }
            other => panic!("Envoy would need {other:?}"),
        }
    }

    /// "the header2 header is not present and the header matcher rule for header2 will not match", inverted or not.
    fn has(&self, matcher: &HeaderMatcher) -> bool {
        assert!(!matcher.invert_match && !matcher.treat_missing_header_as_empty, "not thought of: {matcher:?}");
        let value = self.headers.get(&matcher.name);
        match matcher.header_match_specifier.as_ref().expect("a specifier") {
            HeaderMatchSpecifier::PresentMatch(true) => value.is_some(),
            HeaderMatchSpecifier::StringMatch(text) => value.is_some_and(|value| fits(text, value)),
            other => panic!("Envoy would need {other:?}"),
        }
    }

    fn claims(&self, matcher: &MetadataMatcher) -> bool {
        assert!(matcher.filter == "envoy.filters.http.jwt_authn" && !matcher.invert);
        let keys: Vec<&str> = matcher
            .path
            .iter()
            .map(|segment| {
                let Some(Segment::Key(key)) = &segment.segment else { panic!("a key: {segment:?}") };
                key.as_str()
            })
            .collect();
        let pattern = matcher.value.as_ref().and_then(|value| value.match_pattern.as_ref()).expect("a value");
        match (&keys[..], pattern) {
            ([payload], ValuePattern::PresentMatch(true)) => self.metadata.contains_key(*payload),
            ([payload, claim], ValuePattern::StringMatch(text)) => {
                let value = self.metadata.get(*payload).and_then(|claims| claims.get(*claim));
                value.is_some_and(|value| fits(text, value))
            }
            other => panic!("Envoy would need {other:?}"),
        }
    }
}

fn fits(matcher: &StringMatcher, text: &str) -> bool {
    let fold = |text: &str| if matcher.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let (here, fold) = (fold(text), &fold);
    match matcher.match_pattern.as_ref().expect("a pattern") {
        MatchPattern::Exact(wanted) => here == fold(wanted),
        MatchPattern::Prefix(wanted) => here.starts_with(&fold(wanted)),
        MatchPattern::Suffix(wanted) => here.ends_with(&fold(wanted)),
        MatchPattern::Contains(wanted) => here.contains(&fold(wanted)),
        MatchPattern::SafeRegex(regex) => {
            assert!(!matcher.ignore_case, "Envoy does not ignore the case of regexes");
            regex::Regex::new(&format!("^(?:{})$", regex.regex)).expect("a valid regex").is_match(text)
        }
        MatchPattern::Custom(_) => panic!("Envoy would need {matcher:?}"),
    }
}
