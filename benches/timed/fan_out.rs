//! One endpoint of a service that 1,000 proxies call: from the commit until the acknowledgement of the last has been
//! heard, everything on one thread, without sockets.

use chancery_benches::fleet::Fleet;
use divan::counter::ItemsCount;

const PROXIES: u32 = 1_000;

fn main() {
    responses_of_one_change();
    divan::main();
}

/// Says what goes out, which no time shows.
fn responses_of_one_change() {
    let mut fleet = Fleet::new(PROXIES as usize, 0);
    let before = fleet.sent();
    fleet.change_endpoint();
    for (kind, sent) in fleet.sent() {
        println!("{kind}: {} at the start, {} after the change", before[&kind], sent - before[&kind]);
    }
}

/// The throughput is in proxies.
#[divan::bench]
fn one_endpoint_change(bencher: divan::Bencher<'_, '_>) {
    let mut fleet = Fleet::new(PROXIES as usize, 0);
    bencher.counter(ItemsCount::new(PROXIES)).bench_local(|| fleet.change_endpoint());
}

/// The flat line: what a change costs from the commit to the last acknowledgement, by the number of services that it does
/// not concern, with ten proxies that it does.
#[divan::bench(args = [100, 1_000, 10_000, 100_000])]
fn beside_unrelated_services(bencher: divan::Bencher<'_, '_>, services: u32) {
    let mut fleet = Fleet::new(10, services);
    bencher.bench_local(|| fleet.change_endpoint());
}
