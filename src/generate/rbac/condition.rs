//! Conditions on requests, as Envoy's permissions.

use envoy_types::pb::envoy::config::rbac::v3::Permission;
use envoy_types::pb::envoy::config::rbac::v3::permission::{Rule, Set};

/// Always as simple as its parts allow: `Always` and `Never` stand alone, and lists hold at least two of other kinds.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Condition {
    Always,
    Never,
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Is(Rule),
}

impl Condition {
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Vec::new();
        for part in parts {
            match part {
                Self::Always => {}
                Self::Never => return Self::Never,
                Self::All(parts) => all.extend(parts),
                part => all.push(part),
            }
        }
        one_of(all, Self::Always, Self::All)
    }

    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Vec::new();
        for part in parts {
            match part {
                Self::Never => {}
                Self::Always => return Self::Always,
                Self::Any(parts) => any.extend(parts),
                part => any.push(part),
            }
        }
        one_of(any, Self::Never, Self::Any)
    }

    pub fn not(part: Self) -> Self {
        match part {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(part) => *part,
            part => Self::Not(Box::new(part)),
        }
    }

    /// Permissions of which one must hold; none for what never holds.
    pub fn permissions(self) -> Vec<Permission> {
        match self {
            Self::Never => vec![],
            Self::Any(parts) => parts.into_iter().map(Self::permission).collect(),
            other => vec![other.permission()],
        }
    }

    fn permission(self) -> Permission {
        let set = |parts: Vec<Self>| Set { rules: parts.into_iter().map(Self::permission).collect() };
        let rule = match self {
            Self::Always => Rule::Any(true),
            Self::Never => Rule::NotRule(Box::new(Self::Always.permission())),
            Self::All(parts) => Rule::AndRules(set(parts)),
            Self::Any(parts) => Rule::OrRules(set(parts)),
            Self::Not(part) => Rule::NotRule(Box::new(part.permission())),
            Self::Is(rule) => rule,
        };
        Permission { rule: Some(rule) }
    }
}

fn one_of(mut parts: Vec<Condition>, empty: Condition, several: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() > 1 { several(parts) } else { parts.pop().unwrap_or(empty) }
}
