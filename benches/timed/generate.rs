//! From facts to a view of resources, by the number of upstreams.

use chancery::generate::Sidecar;
use chancery::model::topic::EndpointsKey;
use chancery_benches::facts;

const UPSTREAMS: [u16; 3] = [1, 10, 100];

fn main() {
    divan::main();
}

/// Nothing was made before. A view is dropped before the next is made, as what somebody holds would not be made again.
#[divan::bench(args = UPSTREAMS)]
fn from_scratch(bencher: divan::Bencher<'_, '_>, upstreams: u16) {
    let facts = facts::sidecar(0..upstreams);
    bencher.bench(|| facts::view(&facts).version);
}

/// Another sidecar with the same upstreams is there: their clusters and endpoints are taken, not made.
#[divan::bench(args = UPSTREAMS)]
fn beside_another(bencher: divan::Bencher<'_, '_>, upstreams: u16) {
    let facts = facts::sidecar(0..upstreams);
    let _other = facts::view(&facts);
    bencher.bench(|| facts::view(&facts).version);
}

/// The endpoints of one upstream are others.
#[divan::bench(args = UPSTREAMS)]
fn after_one_endpoint_change(bencher: divan::Bencher<'_, '_>, upstreams: u16) {
    let mut facts = facts::sidecar(0..upstreams);
    let mut sidecar = Sidecar::default();
    let mut view = facts::view(&facts);
    let mut port = 20000;
    let facts_of_endpoints = || {
        port = if port == 20000 { 20001 } else { 20000 };
        facts::endpoints(port)
    };
    bencher.with_inputs(facts_of_endpoints).bench_local_values(|endpoints| {
        facts.endpoints.insert(EndpointsKey::all(facts::service(0)), endpoints);
        let generated = sidecar.generate(&facts.complete().expect("all facts are there"));
        view = generated.view.reusing(&view);
        view.version
    });
}
