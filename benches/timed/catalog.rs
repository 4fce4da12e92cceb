//! Writes, by the number of services (each with a sidecar and its two checks) that they do not concern.

use chancery_benches::registry::{change_endpoint, moved, new_service, tables, written};

fn main() {
    divan::main();
}

#[divan::bench(args = [0, 1_000, 10_000, 100_000])]
fn register_with_sidecar(bencher: divan::Bencher<'_, '_>, services: u32) {
    let tables = tables(services);
    let write = new_service();
    bencher.bench(|| written(&tables, &write));
}

/// The write, and the new answer to the topic of the endpoints.
#[divan::bench(args = [100, 1_000, 10_000, 100_000])]
fn one_endpoint_change(bencher: divan::Bencher<'_, '_>, services: u32) {
    let tables = tables(services);
    let write = moved(20000);
    bencher.bench(|| change_endpoint(&tables, &write));
}
