//! Names that stand for others: a glob for its members, an alias for its resource. Their entries hold nothing
//! themselves; what they stand for has entries of its own, under its own name.

use std::sync::Arc;

use super::entry::{Entry, Spelling};
use super::subscription::{Subscription, may_have_all};
use crate::resource::{Resource, ResourceType, View, name};

impl Subscription {
    /// Makes entries for everything in `view` that is subscribed to under another name. Such a name is missing only if
    /// it stands for nothing.
    pub(super) fn expand(&mut self, kind: ResourceType, view: &View) {
        let globs = self.has_addresses && may_have_all(kind);
        if !globs && !view.has_special(kind) {
            return;
        }
        let mut found: Vec<(&Arc<Resource>, usize)> = Vec::new();
        for resource in view.list(kind).iter() {
            let glob = if globs { name::glob_of(&resource.name) } else { None };
            let others = glob.iter().map(String::as_str).chain(resource.aliases().iter().map(|alias| &**alias));
            let asked = others.filter_map(|other| self.position(other).ok()).filter(|at| self.entries[*at].named);
            found.extend(asked.map(|at| (resource, at)));
        }
        let members: Vec<Member> =
            found.iter().map(|(resource, at)| self.entries[*at].for_member(&resource.name)).collect();
        for (_, at) in &found {
            self.entries[*at].owed = false;
        }
        self.ensure(members.iter().map(|member| &member.name));
        for member in members {
            let Some(entry) = self.find_mut(&member.name) else { continue };
            // what the client has just said it holds is not sent again
            entry.owed |= member.owed && !entry.is_claimed();
            entry.collect(member.spelling);
        }
    }

    /// After names were unsubscribed from: what they alone stood for is no longer asked for.
    pub(super) fn release_members(&mut self) {
        let released: Vec<usize> = (0..self.entries.len())
            .filter(|at| self.entries[*at].collected && !self.is_covered(&self.entries[*at]))
            .collect();
        for at in released {
            let entry = &mut self.entries[at];
            entry.collected = false;
            // still subscribed to by the wildcard: the client must learn what it now holds
            entry.owed |= self.wildcard;
        }
    }

    fn is_covered(&self, entry: &Entry) -> bool {
        let is_named = |other: &str| self.find(other).is_some_and(|other| other.named);
        let mut aliases = entry.sent.resource().into_iter().flat_map(|resource| resource.aliases());
        self.glob_over(&entry.name).is_some() || aliases.any(|alias| is_named(alias))
    }

    /// The glob that is subscribed to and stands for this name.
    fn glob_over(&self, name: &str) -> Option<&Entry> {
        let glob = if self.has_addresses { name::glob_of(name) } else { None };
        self.find(&glob?).filter(|glob| glob.named)
    }

    /// Names of which the client's own word does not hold: what it refused in parts on an earlier stream or had not
    /// answered, or never lists because a glob had brought it.
    pub(super) fn adopt_orphans(&mut self, names: &[Arc<str>]) {
        let mut mine = Vec::new();
        for name in names {
            let member = self.glob_over(name).map(|glob| glob.for_member(name));
            if self.wildcard || member.is_some() || self.find(name).is_some() {
                mine.push((name, member));
            }
        }
        self.ensure(mine.iter().map(|(name, _)| name));
        for (name, member) in mine {
            let Some(entry) = self.find_mut(name) else { continue };
            entry.hold_unknown();
            if let Some(member) = member {
                entry.collect(member.spelling);
            }
        }
    }

    /// As the client spells it.
    pub(super) fn spelled(&self, name: &Arc<str>) -> Arc<str> {
        let spelling =
            if self.has_addresses { self.find(name).and_then(|entry| entry.spelling.as_ref()) } else { None };
        Arc::clone(spelling.map_or(name, |spelling| &spelling.0))
    }

    /// The resource under the name that the client knows it by.
    pub(super) fn respelled(&self, resource: &Arc<Resource>) -> Arc<Resource> {
        if !self.has_addresses {
            return Arc::clone(resource);
        }
        let name = self.spelled(&resource.name);
        if name == resource.name { Arc::clone(resource) } else { Arc::new(resource.renamed(name)) }
    }
}

/// What a name that stands for others passes on to one of them.
struct Member {
    name: Arc<str>,
    owed: bool,
    spelling: Option<Box<Spelling>>,
}

impl Entry {
    fn for_member(&self, member: &Arc<str>) -> Member {
        let glob = self.spelling.as_ref().filter(|_| name::is_glob(&self.name));
        let spelling = glob.map(|glob| Box::new(Spelling(name::in_the_spelling_of(&glob.0, member).into())));
        Member { name: Arc::clone(member), owed: self.owed, spelling }
    }

    fn collect(&mut self, spelling: Option<Box<Spelling>>) {
        self.collected = true;
        if !self.named {
            self.spelling = spelling;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;
    use super::super::Stream;
    use super::super::conversation::{Conversation, QUIET};

    const GLOB: &str = "xdstp://a/T/foo/*?id=1&cluster=2";
    const X: &str = "L xdstp://a/T/foo/x?cluster=2&id=1@1";
    const Y: &str = "L xdstp://a/T/foo/y?id=1&cluster=2@1";
    /// Not members: they differ in more than the last part of the path.
    const OTHERS: [&str; 4] = [
        "L xdstp://a/T/foo/x?id=1@1",
        "L xdstp://a/T/foo/bar/x?cluster=2&id=1@1",
        "L xdstp://b/T/foo/x?cluster=2&id=1@1",
        "L plain@1",
    ];

    fn with(more: &[&'static str]) -> Vec<&'static str> {
        OTHERS.iter().chain(more).copied().collect()
    }

    // row 130
    #[test]
    fn two_orders_of_parameters_are_one_name_answered_as_it_was_asked() {
        let mut talk = Conversation::over(&["E xdstp://a/T/x?a=1&b=2@1"]);
        assert_eq!(talk.subscribe("E", &["xdstp://a/T/x?b=2&a=1"]), ["E +xdstp://a/T/x?b=2&a=1@1"]);
        let sent = &talk.last.pushes[0].upserts[0];
        assert_eq!(sent.head().name, "xdstp://a/T/x?b=2&a=1");
        assert_eq!(sent.version, talk.stream.view.as_ref().unwrap().list(sent.kind)[0].version);
        talk.ack("E");
        assert!(talk.stream.settled());
        assert_eq!(talk.view(&["E xdstp://a/T/x?b=2&a=1@1"]), QUIET);
        assert_eq!(talk.view(&[]), ["E -xdstp://a/T/x?b=2&a=1"]);
        talk.ack("E");
        assert_eq!(talk.unsubscribe("E", &["xdstp://a/T/x?a=1&b=2"]), QUIET);
        assert_eq!(talk.view(&["E xdstp://a/T/x?a=1&b=2@1"]), QUIET);
    }

    // row 130
    #[test]
    fn a_client_comes_back_with_its_own_spelling() {
        let mut talk = Conversation::over(&["E xdstp://a/T/x?a=1&b=2@1"]);
        let name = "xdstp://a/T/x?b=2&a=1";
        assert_eq!(talk.come_back("E", &[name], &[&format!("{name}@1")]), QUIET);
        assert_eq!(talk.view(&["E xdstp://a/T/x?a=1&b=2@2"]), [format!("E +{name}@2")]);
    }

    // row 130
    #[test]
    fn a_listener_waits_for_its_cluster_whatever_the_spelling() {
        let mut talk = Conversation::over(&["C xdstp://a/T/x?a=1&b=2@1", "L l@1 xdstp://a/T/x?b=2&a=1"]);
        assert_eq!(talk.subscribe("C", &[]), ["C +xdstp://a/T/x?a=1&b=2@1"]);
        assert_eq!(talk.subscribe("L", &[]), QUIET);
        assert_eq!(talk.ack("C"), ["L +l@1"]);
    }

    // row 131
    #[test]
    fn a_glob_stands_for_its_members_with_its_own_parameters() {
        let mut talk = Conversation::over(&with(&[X]));
        assert_eq!(talk.subscribe("L", &[GLOB]), ["L +xdstp://a/T/foo/x?id=1&cluster=2@1"]);
        assert_eq!(talk.ack("L"), QUIET);
        assert_eq!(talk.view(&with(&[X, Y])), ["L +xdstp://a/T/foo/y?id=1&cluster=2@1"]);
        assert_eq!(talk.ack("L"), QUIET);
        assert_eq!(talk.view(&with(&[Y])), ["L -xdstp://a/T/foo/x?id=1&cluster=2"]);
        assert_eq!(talk.ack("L"), QUIET);
        assert!(talk.stream.settled());
        assert_eq!(talk.subscribe("L", &[GLOB]), ["L +xdstp://a/T/foo/y?id=1&cluster=2@1"]);
        talk.ack("L");
        assert_eq!(talk.unsubscribe("L", &["xdstp://a/T/foo/*?cluster=2&id=1"]), QUIET);
        assert_eq!(talk.view(&with(&[X])), QUIET);
        assert!(talk.stream.settled());
    }

    // row 131
    #[test]
    fn a_member_that_is_named_too_stays_without_the_glob() {
        let mut talk = Conversation::over(&with(&[X]));
        let name = "xdstp://a/T/foo/x?cluster=2&id=1";
        assert_eq!(talk.subscribe("L", &[GLOB, name]), [format!("L +{name}@1")]);
        talk.ack("L");
        assert_eq!(talk.unsubscribe("L", &[GLOB]), QUIET);
        assert_eq!(talk.view(&with(&["L xdstp://a/T/foo/x?cluster=2&id=1@2"])), [format!("L +{name}@2")]);
    }

    // row 131
    #[test]
    fn a_glob_beside_the_wildcard_sends_its_members_again() {
        let mut talk = Conversation::settled(&["C xdstp://a/T/x@1", "C b@1"]);
        assert_eq!(talk.subscribe("C", &["xdstp://a/T/*"]), ["C +xdstp://a/T/x@1"]);
        talk.ack("C");
        assert_eq!(talk.unsubscribe("C", &["xdstp://a/T/*"]), ["C +xdstp://a/T/x@1 -xdstp://a/T/*"]);
        talk.ack("C");
        assert!(talk.stream.settled());
    }

    // row 131
    #[test]
    fn secrets_are_not_for_globs() {
        let mut talk = Conversation::over(&["S xdstp://a/T/x@1"]);
        assert_eq!(talk.subscribe("S", &["xdstp://a/T/*"]), ["S -xdstp://a/T/*"]);
    }

    // row 131
    #[test]
    fn in_state_of_the_world_a_glob_is_the_full_set_of_its_members() {
        let mut talk = Conversation::world(&with(&[X]));
        assert_eq!(talk.names("L", &[GLOB]), ["L +xdstp://a/T/foo/x?id=1&cluster=2@1"]);
        talk.ack("L");
        assert_eq!(talk.names("L", &[GLOB, "plain"]), ["L +plain@1 +xdstp://a/T/foo/x?id=1&cluster=2@1"]);
        talk.ack("L");
        assert_eq!(talk.names("L", &["plain"]), QUIET);
        assert_eq!(talk.view(&["L plain@2"]), ["L +plain@2"]);
    }

    // row 132
    #[test]
    fn a_glob_that_matches_nothing_is_missing_by_its_own_name() {
        let mut talk = Conversation::over(&OTHERS);
        assert_eq!(talk.subscribe("L", &[GLOB]), [format!("L -{GLOB}")]);
        assert_eq!(talk.ack("L"), QUIET);
        assert_eq!(talk.view(&with(&[Y])), ["L +xdstp://a/T/foo/y?id=1&cluster=2@1"]);
    }

    // row 91
    #[test]
    fn a_resource_can_be_asked_for_by_its_aliases_and_says_them() {
        let mut talk = Conversation::over(&["R other@1", "R r@1+one+two"]);
        assert_eq!(talk.subscribe("R", &["two", "three"]), ["R +r@1 -three"]);
        assert_eq!(talk.last.pushes[0].upserts[0].head().aliases, ["one", "two"]);
        assert_eq!(talk.ack("R"), QUIET);
        assert!(talk.stream.settled());
        assert_eq!(talk.view(&["R other@2", "R r@2+one+two"]), ["R +r@2"]);
        talk.ack("R");
        assert_eq!(talk.view(&["R other@2", "R r@2+one+three+two"]), ["R +r@2"]);
        talk.ack("R");
        // asked for by two names, it stays for the other
        assert_eq!(talk.unsubscribe("R", &["two"]), QUIET);
        assert_eq!(talk.view(&["R other@2", "R r@3+one+three"]), ["R +r@3"]);
        talk.ack("R");
        assert_eq!(talk.view(&[]), ["R -r"]);
        talk.ack("R");
        assert_eq!(talk.view(&["R r@4+three"]), ["R +r@4"]);
        talk.ack("R");
        assert_eq!(talk.unsubscribe("R", &["three"]), QUIET);
        assert_eq!(talk.view(&["R r@5+three"]), QUIET);
    }

    // row 91
    #[test]
    fn an_alias_asked_for_again_or_beside_the_wildcard_is_sent_again() {
        let mut talk = Conversation::settled(&["C a@1+x", "C b@1"]);
        assert_eq!(talk.subscribe("C", &["x"]), ["C +a@1"]);
        talk.ack("C");
        assert_eq!(talk.subscribe("C", &["x"]), ["C +a@1"]);
        talk.ack("C");
        assert_eq!(talk.unsubscribe("C", &["*"]), QUIET);
        assert_eq!(talk.view(&["C a@2+x", "C b@2"]), ["C +a@2"]);
    }

    // row 98
    #[test]
    fn after_a_reconnect_all_members_come_and_those_that_are_gone_are_removed() {
        let mut talk = Conversation::over(&with(&[X, Y]));
        talk.subscribe("L", &[GLOB]);
        talk.ack("L");
        let orphans = talk.stream.orphans();
        assert_eq!(orphans.len(), 2);
        let mut back = Conversation::new(Dialect::Delta);
        back.stream = Stream::with_orphans(Dialect::Delta, orphans);
        back.view(&with(&[Y]));
        // Envoy does not list the members of a glob
        let told = "L +xdstp://a/T/foo/y?id=1&cluster=2@1 -xdstp://a/T/foo/x?id=1&cluster=2";
        assert_eq!(back.subscribe("L", &[GLOB]), [told]);
        back.ack("L");
        assert_eq!(back.stream.orphans().len(), 1);
        assert!(back.stream.settled());
    }
}
