//! Which of the extensions that entries name are meant for a proxy's Envoy, and what becomes of the others.

use super::Configured;
use crate::model::sidecar::EnvoyVersion;

/// What becomes of one extension at one Envoy, with the reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    Applied,
    /// It is for other versions.
    Skipped(String),
    /// It is for other versions, and nothing is served without it.
    Missed(String),
}

/// The fate of each, in their order. Required for one release, it may be written again for another: so one that is
/// required is missed only where no extension of its name is meant.
pub fn fates(extensions: &[Configured], envoy: Option<EnvoyVersion>) -> Vec<Fate> {
    let fate = |of: &Configured| {
        let Some(reason) = of.extension.not_meant(envoy) else { return Fate::Applied };
        let name = of.extension.name();
        let instead = |other: &Configured| other.extension.name() == name && other.extension.not_meant(envoy).is_none();
        if of.extension.required && !extensions.iter().any(instead) {
            return Fate::Missed(reason);
        }
        Fate::Skipped(reason)
    };
    extensions.iter().map(fate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::extension::{Direction, Extension, ExtensionBody, Lua};
    use crate::model::{EntryKey, EntryKind};

    const ENVOY: Option<EnvoyVersion> = Some(EnvoyVersion { major: 1, minor: 40, patch: 2 });

    fn script(required: bool, consul_version: &str, envoy_version: &str) -> Configured {
        let extension = Extension {
            body: ExtensionBody::Lua(Lua { direction: Direction::Inbound, script: "--".to_owned() }),
            required,
            consul_version: consul_version.to_owned(),
            envoy_version: envoy_version.to_owned(),
            arguments: Default::default(),
        };
        Configured { entry: EntryKey::new(EntryKind::ServiceDefaults, "web"), extension }
    }

    #[test]
    fn an_extension_is_applied_where_both_its_constraints_hold() {
        for (consul, envoy, applied) in [
            ("", "", true),
            (">= 1.20.0", "~> 1.40.0", true),
            (">= 1.20.0", "< 1.40.0", false),
            ("< 1.20.0", ">= 1.40.2", false),
        ] {
            let found = fates(&[script(false, consul, envoy)], ENVOY);
            assert_eq!(found[0] == Fate::Applied, applied, "{consul:?}, {envoy:?}");
        }
    }

    #[test]
    fn one_that_is_not_meant_is_skipped_and_a_required_one_is_missed() {
        let reason = "it is for Envoy < 1.40.0, and this one is 1.40.2".to_owned();
        assert_eq!(fates(&[script(false, "", "< 1.40.0")], ENVOY), [Fate::Skipped(reason.clone())]);
        assert_eq!(fates(&[script(true, "", "< 1.40.0")], ENVOY), [Fate::Missed(reason)]);
    }

    #[test]
    fn a_required_one_is_not_missed_where_one_of_its_name_is_meant() {
        let both = [script(true, "", "< 1.40.0"), script(true, "", ">= 1.40.0")];
        let found = fates(&both, ENVOY);
        assert!(matches!(found[..], [Fate::Skipped(_), Fate::Applied]), "{found:?}");
    }

    #[test]
    fn of_an_envoy_that_does_not_say_its_version_no_constraint_is_known_to_hold() {
        let found = fates(&[script(false, "", ">= 1.0.0"), script(false, ">= 1.0.0", "")], None);
        assert!(matches!(found[..], [Fate::Skipped(_), Fate::Applied]), "{found:?}");
    }
}
