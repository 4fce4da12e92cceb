//! A refusal that says which resources it means. gRPC clients do ("resource index 1: …"), and take the others of the
//! response (gRFC A46: a client uses the resources that are valid). Envoy does not: of what it refuses, anything may be
//! to blame.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use super::subscription::InFlight;

/// What gRPC writes before the place of a resource in its response.
const INDEX: &str = "resource index ";

/// Takes out of a refused response all that the client's words do not mean, which it has accepted. `None`: they do not
/// say, or not of this response.
pub(super) fn accepted_part(refused: &mut InFlight, text: &str) -> Option<InFlight> {
    let names: BTreeSet<Arc<str>> = {
        let sent: Vec<&Arc<str>> = if refused.whole.is_empty() {
            refused.items.iter().filter(|item| item.target.is_some()).map(|item| &item.name).collect()
        } else {
            refused.whole.iter().map(|resource| &resource.name).collect()
        };
        let meant: Option<BTreeSet<Arc<str>>> =
            indices(text).map(|at| sent.get(at?).map(|name| Arc::clone(name))).collect();
        meant.filter(|names| !names.is_empty())?
    };
    let is_meant = |name: &Arc<str>| names.contains(name);
    let (items, taken) = mem::take(&mut refused.items).into_iter().partition(|item| is_meant(&item.name));
    let (whole, taken_whole) = mem::take(&mut refused.whole).into_iter().partition(|resource| is_meant(&resource.name));
    refused.items = items;
    refused.whole = whole;
    Some(InFlight {
        nonce: refused.nonce,
        version: refused.version,
        sent_at: refused.sent_at,
        items: taken,
        whole: taken_whole,
        trial: refused.trial,
        heartbeats: Vec::new(),
        endpoints: None,
    })
}

/// The places that the text names; `None` for one that is no number.
fn indices(text: &str) -> impl Iterator<Item = Option<usize>> {
    text.split(INDEX).skip(1).map(|rest| {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
        digits.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::super::conversation::{Conversation, QUIET, kind};
    use super::super::{Stream, SyncState};
    use super::*;

    fn state(stream: &Stream, letter: &str, name: &str) -> SyncState {
        let status = stream.status().into_iter().find(|status| status.kind == kind(letter)).unwrap();
        status.resources.into_iter().find(|resource| &*resource.name == name).unwrap().state
    }

    #[test]
    fn places_are_read_from_what_grpc_clients_write() {
        let text = "xDS response validation errors: [resource index 1: b: INVALID_ARGUMENT: …, resource index 12: …]";
        assert_eq!(indices(text).collect::<Vec<_>>(), [Some(1), Some(12)]);
        assert_eq!(indices("Error adding/updating cluster(s) b").count(), 0);
        assert_eq!(indices("resource index x").collect::<Vec<_>>(), [None]);
    }

    // rows 58 and 61
    #[test]
    fn only_what_the_client_means_is_refused_and_the_rest_is_accepted() {
        let mut talk = Conversation::world(&["C a@1", "C b@1", "C c@1"]);
        talk.names("C", &["a", "b", "c"]);
        talk.ack("C");
        assert_eq!(talk.view(&["C a@2", "C b@2"]), ["C +a@2 +b@2 !c"]);
        assert_eq!(talk.nack_with("C", "[resource index 1: no]"), QUIET);
        let names: Vec<&str> = talk.last.rejected[0].resources.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["b"]);
        assert_eq!(state(&talk.stream, "C", "a"), SyncState::Synced);
        assert_eq!(state(&talk.stream, "C", "b"), SyncState::Error);
        assert_eq!(talk.view(&["C a@3", "C b@2"]), ["C +a@3 +b@2"]);
        assert_eq!(talk.nack_with("C", "[resource index 1: no]"), QUIET);
        assert_eq!(state(&talk.stream, "C", "a"), SyncState::Synced);
        assert!(talk.stream.settled());
    }

    #[test]
    fn of_types_that_are_not_sent_whole_the_place_counts_among_what_was_sent() {
        let mut talk = Conversation::world(&["E a@1", "E b@1", "E c@1"]);
        talk.names("E", &["a", "b", "c"]);
        talk.ack("E");
        assert_eq!(talk.view(&["E a@1", "E b@2", "E c@2"]), ["E +b@2 +c@2"]);
        assert_eq!(talk.nack_with("E", "[resource index 1: no]"), QUIET);
        assert_eq!(state(&talk.stream, "E", "b"), SyncState::Synced);
        assert_eq!(state(&talk.stream, "E", "c"), SyncState::Error);
    }

    #[test]
    fn places_that_the_response_does_not_have_mean_nothing() {
        let mut talk = Conversation::world(&["E a@1", "E b@1"]);
        talk.names("E", &["a", "b"]);
        assert_eq!(talk.nack_with("E", "[resource index 7: no]"), ["E +a@1"]);
    }
}
