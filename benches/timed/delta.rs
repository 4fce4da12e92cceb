//! The protocol's state machine with 10,000 resources: the clusters, endpoints and listeners of 3,332 upstreams. Times
//! hold the putting together of responses as bytes, and the acknowledgements where there are any.

use std::cell::RefCell;
use std::sync::Arc;

use chancery::delta::Dialect;
use chancery_benches::talk::{Talk, made_again, view_of, with_one_changed};
use divan::Bencher;

const RESOURCES: u16 = 10_000;

fn main() {
    divan::main();
}

/// A new view whose lists are those of the last: what a rebuild gives that came out the same.
#[divan::bench]
fn unchanged_with_equal_lists(bencher: Bencher<'_, '_>) {
    let view = view_of(RESOURCES);
    let mut talk = Talk::settled(&view);
    bencher.with_inputs(|| Arc::new((*view).clone())).bench_local_values(|view| talk.look(&view));
}

/// A new view with the same content in other lists and other allocations.
#[divan::bench]
fn unchanged_with_other_lists(bencher: Bencher<'_, '_>) {
    let view = view_of(RESOURCES);
    let other = made_again(&view);
    let mut talk = Talk::settled(&view);
    let mut views = [view, other].into_iter().cycle();
    bencher.bench_local(|| talk.look(&views.next().expect("it is endless")));
}

/// With its acknowledgement.
#[divan::bench]
fn one_of_10_000_changed(bencher: Bencher<'_, '_>) {
    let view = view_of(RESOURCES);
    let changed = with_one_changed(&view);
    let mut talk = Talk::settled(&view);
    let mut views = [changed, view].into_iter().cycle();
    bencher.bench_local(|| {
        talk.look(&views.next().expect("it is endless"));
        talk.run();
    });
}

/// The acknowledgement alone.
#[divan::bench(sample_size = 1, sample_count = 1000)]
fn ack(bencher: Bencher<'_, '_>) {
    let view = view_of(RESOURCES);
    let changed = with_one_changed(&view);
    let talk = RefCell::new(Talk::settled(&view));
    let mut views = [changed, view].into_iter().cycle();
    let change = || talk.borrow_mut().look(&views.next().expect("it is endless"));
    bencher.with_inputs(change).bench_local_values(|()| talk.borrow_mut().run());
}

#[divan::bench]
fn first_full_state(bencher: Bencher<'_, '_>) {
    let view = view_of(RESOURCES);
    bencher.with_inputs(|| Talk::first(Dialect::Delta, &view)).bench_local_refs(Talk::run);
}

#[divan::bench]
fn first_full_state_of_the_world(bencher: Bencher<'_, '_>) {
    let view = view_of(RESOURCES);
    bencher.with_inputs(|| Talk::first(Dialect::StateOfTheWorld, &view)).bench_local_refs(Talk::run);
}

/// Everything the client holds is what it shall hold.
#[divan::bench]
fn reconnect_with_a_full_version_map(bencher: Bencher<'_, '_>) {
    let view = view_of(RESOURCES);
    bencher.with_inputs(|| Talk::returning(&view)).bench_local_refs(Talk::run);
}
