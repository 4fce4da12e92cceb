use crate::delta::conversation::{Conversation, QUIET, incremental};
use crate::delta::{Dialect, Event, Nonce};

const AB: [&str; 2] = ["C a@1", "C b@1"];
const CHANGED: [&str; 2] = ["C a@1", "C b@2"];

// row 10
#[test]
fn requests_before_the_first_view_are_answered_with_it() {
    let mut talk = Conversation::new(Dialect::Delta);
    assert_eq!(talk.subscribe("C", &[]), QUIET);
    assert!(!talk.stream.settled());
    assert_eq!(talk.view(&AB), ["C +a@1 +b@1"]);
}

// row 146
#[test]
fn while_the_view_is_outdated_requests_are_only_recorded() {
    let mut talk = Conversation::world(&["L a@1"]);
    assert_eq!(talk.names("L", &["a"]), ["L +a@1"]);
    talk.ack("L");
    assert_eq!(talk.step(Event::Outdated), QUIET);
    assert_eq!(talk.names("L", &["a", "b"]), QUIET);
    assert!(!talk.stream.settled());
    assert_eq!(talk.view(&["L a@1", "L b@1"]), ["L +a@1 +b@1"]);
}

// row 72
#[test]
fn a_first_message_without_names_means_all_clusters_or_listeners() {
    let mut talk = Conversation::over(&["C a@1", "L l@1"]);
    assert_eq!(talk.subscribe("C", &[]), ["C +a@1"]);
    assert_eq!(talk.subscribe("L", &[]), ["L +l@1"]);
}

// rows 27 and 113
#[test]
fn a_first_message_without_names_means_nothing_of_other_types() {
    let mut talk = Conversation::over(&["E e@1", "R r@1", "S s@1"]);
    for letter in ["E", "R", "S"] {
        assert_eq!(talk.subscribe(letter, &[]), QUIET);
    }
    assert_eq!(talk.subscribe("S", &["*"]), QUIET);
}

// row 73
#[test]
fn a_star_means_all() {
    assert_eq!(Conversation::over(&AB).subscribe("C", &["*"]), ["C +a@1 +b@1"]);
}

// row 74
#[test]
fn a_name_beside_the_wildcard_is_sent_again() {
    let mut talk = Conversation::settled(&AB);
    assert_eq!(talk.subscribe("C", &["a"]), ["C +a@1"]);
    talk.ack("C");
    assert_eq!(talk.view(&CHANGED), ["C +b@2"]);
}

// row 75
#[test]
fn without_the_wildcard_only_names_remain() {
    let mut talk = Conversation::settled(&AB);
    talk.subscribe("C", &["a"]);
    talk.ack("C");
    assert_eq!(talk.unsubscribe("C", &["*"]), QUIET);
    assert_eq!(talk.view(&CHANGED), QUIET);
}

// row 76
#[test]
fn without_its_last_name_a_client_gets_nothing() {
    let mut talk = Conversation::over(&AB);
    talk.subscribe("C", &["a"]);
    talk.ack("C");
    assert_eq!(talk.unsubscribe("C", &["a"]), QUIET);
    assert_eq!(talk.view(&["C a@2", "C b@2"]), QUIET);
}

// row 77
#[test]
fn subscribing_and_unsubscribing_the_star_at_once_starts_without_wildcard() {
    let mut talk = Conversation::over(&AB);
    assert_eq!(talk.request("C", incremental(&["*"], &["*"]), None, None), QUIET);
    assert_eq!(talk.subscribe("C", &["b"]), ["C +b@1"]);
}

// row 78
#[test]
fn a_name_subscribed_again_is_sent_again() {
    let mut talk = Conversation::over(&["E e@1"]);
    assert_eq!(talk.subscribe("E", &["e"]), ["E +e@1"]);
    talk.ack("E");
    assert_eq!(talk.subscribe("E", &["e"]), ["E +e@1"]);
}

// row 79
#[test]
fn unsubscribing_an_unknown_name_is_ignored() {
    assert_eq!(Conversation::settled(&AB).unsubscribe("C", &["z"]), QUIET);
    assert_eq!(Conversation::settled(&AB).unsubscribe("C", &["a"]), QUIET);
}

// row 80
#[test]
fn unsubscribing_a_name_beside_the_wildcard_tells_what_the_client_now_holds() {
    let mut talk = Conversation::settled(&AB);
    assert_eq!(talk.subscribe("C", &["a", "z"]), ["C +a@1 -z"]);
    talk.ack("C");
    assert_eq!(talk.unsubscribe("C", &["a"]), ["C +a@1"]);
    talk.ack("C");
    assert_eq!(talk.unsubscribe("C", &["z"]), ["C -z"]);
}

// row 81
#[test]
fn a_name_unsubscribed_is_no_longer_sent() {
    let mut talk = Conversation::settled(&["E e@1", "E f@1"]);
    assert_eq!(talk.unsubscribe("E", &["e"]), QUIET);
    assert_eq!(talk.view(&["E e@2", "E f@1"]), QUIET);
}

// rows 82 and 33
#[test]
fn a_missing_name_is_answered_at_once_and_sent_when_it_appears() {
    let mut talk = Conversation::over(&[]);
    assert_eq!(talk.subscribe("E", &["z"]), ["E -z"]);
    assert_eq!(talk.ack("E"), QUIET);
    assert_eq!(talk.view(&["E z@1"]), ["E +z@1"]);
}

// rows 54 and 55
#[test]
fn a_subscription_counts_whatever_the_nonce_beside_it() {
    let mut talk = Conversation::over(&["E e@1", "E f@1", "E g@1"]);
    talk.subscribe("E", &["e"]);
    assert_eq!(talk.request("E", incremental(&["f"], &[]), Some(Nonce(99)), None), ["E +f@1"]);
    assert_eq!(talk.request("E", incremental(&["g"], &[]), Some(Nonce(2)), None), ["E +g@1"]);
    assert_eq!(talk.last.acknowledged.len(), 1);
}

// rows 31 and 32
#[test]
fn empty_and_repeated_names_are_no_names() {
    let mut talk = Conversation::over(&["E e@1"]);
    assert_eq!(talk.subscribe("E", &["", "e", "e"]), ["E +e@1"]);
    let mut talk = Conversation::world(&AB);
    assert_eq!(talk.names("C", &["", "a", "a"]), ["C +a@1"]);
    talk.ack("C");
    assert_eq!(talk.names("C", &[""]), QUIET);
    assert_eq!(talk.view(&["C a@2", "C b@2"]), QUIET);
}

// row 93
#[test]
fn a_client_that_comes_back_gets_only_what_differs() {
    let mut talk = Conversation::over(&["C a@1", "C b@2", "C c@1"]);
    assert_eq!(talk.come_back("C", &[], &["a@1", "b@1", "c@?", "gone@1"]), ["C +b@2 +c@1"]);
    talk.ack("C");
    assert_eq!(talk.wait(), ["C -gone"]);
}

// rows 93 and 86
#[test]
fn a_client_that_comes_back_with_equal_versions_gets_nothing() {
    let mut talk = Conversation::over(&["C a@1 e", "E e@1", "L l@1 a"]);
    assert_eq!(talk.come_back("C", &[], &["a@1"]), QUIET);
    assert_eq!(talk.come_back("E", &["e"], &["e@1"]), QUIET);
    assert_eq!(talk.come_back("L", &[], &["l@1"]), QUIET);
    assert!(talk.stream.settled());
}

// row 94
#[test]
fn the_map_counts_in_the_first_message_only() {
    let mut talk = Conversation::over(&["E e@1", "E f@1"]);
    talk.subscribe("E", &["e"]);
    talk.ack("E");
    assert_eq!(talk.come_back("E", &["f"], &["f@1"]), ["E +f@1"]);
}

// row 119
#[test]
fn a_cluster_asked_for_on_demand_is_answered_at_once_even_while_others_warm() {
    let mut talk = Conversation::settled(&["C a@1"]);
    for content in 2..6 {
        assert_eq!(talk.view(&[&format!("C a@{content}")]).len(), 1);
    }
    assert_eq!(talk.view(&["C a@6"]), QUIET);
    assert_eq!(talk.subscribe("C", &["z"]), ["C -z"]);
    assert_eq!(talk.subscribe("C", &["z"]), ["C -z"]);
    let sent = talk.last.pushes[0].nonce.0;
    let answers: Vec<String> = (1..=sent).flat_map(|nonce| talk.ack_nonce("C", nonce)).collect();
    assert_eq!(answers, ["C +a@6"]);
    assert_eq!(talk.view(&["C a@6", "C z@1"]), ["C +z@1"]);
}

// row 119
#[test]
fn the_endpoints_of_a_cluster_asked_for_on_demand_follow_it() {
    let mut talk = Conversation::settled(&["C a@1 a", "E a@1"]);
    assert_eq!(talk.subscribe("C", &["a"]), ["C +a@1", "E +a@1"]);
}

// row 120
#[test]
fn a_star_with_names_and_a_map_is_a_return_too() {
    let mut talk = Conversation::over(&AB);
    assert_eq!(talk.come_back("C", &["*", "a", "z"], &["a@1", "b@1"]), ["C -z"]);
}

// rows 21 to 26
#[test]
fn names_replace_names_and_an_empty_list_is_the_wildcard_only_at_first() {
    let mut talk = Conversation::world(&AB);
    assert_eq!(talk.names("C", &[]), ["C +a@1 +b@1"]);
    assert_eq!(talk.names("C", &[]), QUIET);
    assert_eq!(talk.names("C", &["*", "a"]), ["C +a@1 +b@1"]);
    assert_eq!(talk.names("C", &["a"]), QUIET);
    assert_eq!(talk.view(&CHANGED), QUIET);
    assert_eq!(talk.names("C", &[]), QUIET);
    assert_eq!(talk.view(&["C a@3", "C b@3"]), QUIET);
    assert_eq!(talk.names("C", &["*"]), ["C +a@3 +b@3"]);
}

// rows 28, 29, 30 and 145
#[test]
fn names_left_out_are_forgotten_and_sent_again_when_they_return() {
    let mut talk = Conversation::world(&["E e@1", "E f@1"]);
    assert_eq!(talk.names("E", &["e", "f"]), ["E +e@1 +f@1"]);
    assert_eq!(talk.names("E", &["e"]), QUIET);
    assert_eq!(talk.view(&["E e@1", "E f@2"]), QUIET);
    assert_eq!(talk.names("E", &[]), QUIET);
    assert_eq!(talk.names("E", &["e"]), ["E +e@1"]);
}

// rows 34 to 37
#[test]
fn listeners_and_clusters_come_as_the_full_set_of_what_is_subscribed() {
    let mut talk = Conversation::world(&["C a@1", "C b@1", "C other@1"]);
    assert_eq!(talk.names("C", &["a", "b"]), ["C +a@1 +b@1"]);
    talk.ack("C");
    assert_eq!(talk.view(&["C a@2", "C b@1", "C other@2"]), ["C +a@2 +b@1"]);
    talk.ack("C");
    assert_eq!(talk.view(&["C b@1"]), ["C +b@1 !a"]);
    talk.ack("C");
    assert_eq!(talk.view(&[]), ["C !b"]);
}

// rows 36 and 38
#[test]
fn other_types_come_as_changes_and_never_as_removals() {
    let mut talk = Conversation::world(&["E e@1", "E f@1"]);
    talk.names("E", &["e", "f"]);
    talk.ack("E");
    assert_eq!(talk.view(&["E e@2", "E f@1"]), ["E +e@2"]);
    talk.ack("E");
    assert_eq!(talk.view(&["E e@2"]), QUIET);
    assert!(talk.stream.settled());
    assert_eq!(talk.view(&["E e@2", "E f@1"]), QUIET);
    assert_eq!(talk.view(&["E e@2", "E f@2"]), ["E +f@2"]);
}

// rows 33 and 129
#[test]
fn a_missing_name_is_told_once_and_remembered_in_state_of_the_world() {
    let mut talk = Conversation::world(&["E y@1"]);
    assert_eq!(talk.names("E", &["z"]), ["E !z"]);
    assert_eq!(talk.names("C", &["z"]), ["C !z"]);
    talk.ack("C");
    talk.ack("E");
    assert_eq!(talk.names("E", &["y", "z"]), ["E +y@1"]);
    talk.ack("E");
    assert_eq!(talk.view(&["C z@1", "E y@1", "E z@1"]), ["C +z@1", "E +z@1"]);
    talk.ack("C");
    talk.ack("E");
    // its end is told by its absence, where that can be told
    assert_eq!(talk.view(&["E y@1"]), ["C !z"]);
    assert_eq!(talk.ack("C"), QUIET);
}

// row 53
#[test]
fn the_first_request_of_a_type_is_a_subscription_whatever_its_nonce() {
    let mut talk = Conversation::world(&["E e@1"]);
    let change = crate::delta::conversation::replace(&["e"]);
    assert_eq!(talk.request("E", change, Some(Nonce(5)), None), ["E +e@1"]);
}

// row 45
#[test]
fn an_equal_version_spares_a_returning_client_all_clusters_but_no_name() {
    let mut talk = Conversation::world(&["C a@1", "E e@1"]);
    talk.names("C", &[]);
    talk.names("E", &["e"]);
    let versions = ["C", "E"]
        .map(|letter| talk.stream.of(crate::delta::conversation::kind(letter)).last_sent.unwrap().1.to_string());
    let back = |names: &[&str], version: &str| crate::delta::Change::Replace {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        version: version.to_owned(),
    };
    let mut talk = Conversation::world(&["C a@1", "E e@1"]);
    assert_eq!(talk.request("C", back(&[], &versions[0]), None, None), QUIET);
    assert_eq!(talk.request("E", back(&["e"], &versions[1]), None, None), ["E +e@1"]);
    assert_eq!(talk.view(&["C a@2", "E e@1"]), ["C +a@2"]);
}

// rows 117, 118 and 120
#[test]
fn a_virtual_host_that_does_not_exist_comes_without_a_body() {
    const HOSTS: &str = "type.googleapis.com/envoy.config.route.v3.VirtualHost";
    let mut talk = Conversation::over(&["C a@1"]);
    assert_eq!(talk.subscribe(HOSTS, &[]), [HOSTS]);
    assert_eq!(talk.request(HOSTS, incremental(&[], &[]), Some(Nonce(1)), None), QUIET);
    assert_eq!(talk.subscribe(HOSTS, &["r/unknown", "r/too"]), [format!("{HOSTS} ~r/too ~r/unknown")]);
    let host = &talk.last.pushes[0].bodiless[1];
    assert_eq!((&*host.name, &*host.aliases, &host.resource), ("r/unknown", &["r/unknown".to_owned()][..], &None));
    let mut talk = Conversation::over(&[]);
    assert_eq!(talk.subscribe(HOSTS, &["*", "r/unknown"]), [format!("{HOSTS} ~r/unknown")]);
}

// rows 4 and 5
#[test]
fn unknown_types_do_no_harm() {
    let mut talk = Conversation::over(&["C a@1"]);
    assert_eq!(talk.subscribe("made.up/Type", &["x", "x", "y"]), ["made.up/Type -x -y"]);
    assert_eq!(talk.request("made.up/Type", incremental(&[], &[]), Some(Nonce(1)), None), QUIET);
    assert_eq!(talk.subscribe("", &["x"]), QUIET);
    assert_eq!(talk.subscribe("C", &[]), ["C +a@1"]);
}
