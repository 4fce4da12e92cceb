//! Rows 98 and 130 to 132: names as addresses, and globs.

use chancery::delta::Dialect;

use crate::stage::{in_delta, on_stage};

const GLOB: &str = "xdstp://a/T/foo/*?xds.node.id=1&xds.node.cluster=2";

/// A member as the view has it, and as a client of the glob hears of it.
const X: [&str; 2] =
    ["xdstp://a/T/foo/x?xds.node.cluster=2&xds.node.id=1@1", "xdstp://a/T/foo/x?xds.node.id=1&xds.node.cluster=2"];
const Y: [&str; 2] =
    ["xdstp://a/T/foo/y?xds.node.cluster=2&xds.node.id=1@1", "xdstp://a/T/foo/y?xds.node.id=1&xds.node.cluster=2"];

fn listener(named: &str) -> String {
    format!("L {named}")
}

#[test]
fn row_130_two_orders_of_parameters_are_one_name_answered_as_it_was_asked() {
    in_delta(async |stage, mut talk| {
        stage.show(&["E xdstp://a/T/x?a=1&b=2@1"]);
        talk.settles("E", &["xdstp://a/T/x?b=2&a=1"], "E +xdstp://a/T/x?b=2&a=1@1").await;
        stage.hears_all_answers().await;
        talk.reconnect();
        talk.asks("E", &["xdstp://a/T/x?b=2&a=1"]).await;
        talk.quiet().await;
        stage.show(&[]);
        talk.takes("E -xdstp://a/T/x?b=2&a=1").await;
    });
}

#[test]
fn row_131_a_glob_stands_for_its_members_with_its_own_parameters() {
    in_delta(async |stage, mut talk| {
        stage.show(&[&listener(X[0]), "L xdstp://a/T/foo/x@1", "L xdstp://a/T/foo/bar/x@1", "L plain@1"]);
        talk.settles("L", &[GLOB], &format!("L +{}@1", X[1])).await;
        stage.show(&[&listener(X[0]), &listener(Y[0])]);
        talk.takes(&format!("L +{}@1", Y[1])).await;
        stage.show(&[&listener(Y[0])]);
        talk.takes(&format!("L -{}", X[1])).await;
    });
}

#[test]
fn row_132_a_glob_that_matches_nothing_is_missing_by_its_own_name() {
    in_delta(async |stage, mut talk| {
        stage.show(&["L plain@1"]);
        talk.settles("L", &[GLOB], &format!("L -{GLOB}")).await;
        stage.show(&[&listener(X[0])]);
        talk.takes(&format!("L +{}@1", X[1])).await;
    });
}

#[test]
fn row_098_after_a_reconnect_all_members_come_and_those_that_are_gone_are_removed() {
    on_stage(async |stage| {
        stage.show(&[&listener(X[0]), &listener(Y[0])]);
        let mut talk = stage.talk(Dialect::Delta);
        talk.settles("L", &[GLOB], &format!("L +{}@1 +{}@1", X[1], Y[1])).await;
        drop(talk);
        stage.eventually("the first stream has ended", |stage| stage.streams.is_empty()).await;
        stage.show(&[&listener(Y[0])]);
        // another client object lists nothing, as Envoy lists no members of a glob
        let mut back = stage.talk(Dialect::Delta);
        back.settles("L", &[GLOB], &format!("L +{}@1 -{}", Y[1], X[1])).await;
        back.quiet().await;
    });
}
