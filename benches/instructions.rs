//! Runs one scenario for a program that counts instructions, which looks at [`counted`] alone: `benches/instructions` does
//! that. Without a name it says which there are.

use std::hint::black_box;
use std::sync::Arc;

use chancery::delta::Dialect;
use chancery::generate::Sidecar;
use chancery::model::topic::ChainKey;
use chancery::model::topic::EndpointsKey;
use chancery::snapshot::Facts;
use chancery_benches::facts;
use chancery_benches::fleet::Fleet;
use chancery_benches::registry::{change_endpoint, moved, new_service, tables, written};
use chancery_benches::talk::{Talk, made_again, view_of, with_one_changed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RESOURCES: u16 = 10_000;

/// A name, and what prepares and then counts.
const SCENARIOS: [(&str, fn()); 23] = [
    ("chain", chain),
    ("generate-from-scratch-1", || from_scratch(1)),
    ("generate-from-scratch-10", || from_scratch(10)),
    ("generate-from-scratch-100", || from_scratch(100)),
    ("generate-rebuild-1", || rebuild(1)),
    ("generate-rebuild-10", || rebuild(10)),
    ("generate-rebuild-100", || rebuild(100)),
    ("delta-unchanged-equal-lists", delta_equal_lists),
    ("delta-unchanged-other-lists", delta_other_lists),
    ("delta-one-changed", delta_one_changed),
    ("delta-ack", delta_ack),
    ("delta-first-state", || delta_first(Dialect::Delta)),
    ("delta-first-state-of-the-world", || delta_first(Dialect::StateOfTheWorld)),
    ("delta-reconnect", delta_reconnect),
    ("catalog-register-0", || register(0)),
    ("catalog-register-10000", || register(10_000)),
    ("catalog-endpoint-100", || endpoint(100)),
    ("catalog-endpoint-1000", || endpoint(1_000)),
    ("catalog-endpoint-10000", || endpoint(10_000)),
    ("fan-out-1000", || fan_out(1_000, 0)),
    ("fan-out-10-beside-100", || fan_out(10, 100)),
    ("fan-out-10-beside-1000", || fan_out(10, 1_000)),
    ("fan-out-10-beside-10000", || fan_out(10, 10_000)),
];

fn main() {
    let Some(wanted) = std::env::args().nth(1) else {
        for (name, _) in SCENARIOS {
            println!("{name}");
        }
        return;
    };
    let Some((_, run)) = SCENARIOS.iter().find(|(name, _)| *name == wanted) else {
        eprintln!("there is no scenario {wanted}; without a name they are listed");
        std::process::exit(2);
    };
    run();
}

/// Everything in here is counted, and nothing else.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
    // so that the call above is not the last thing and becomes a jump
    black_box(());
}

fn chain() {
    let key = ChainKey::plain(facts::service(1));
    black_box(facts::chain(&key));
    counted(&mut || drop(black_box(facts::chain(&key))));
}

fn from_scratch(upstreams: u16) {
    let facts = facts::sidecar(0..upstreams);
    // what grows once and stays is not of interest
    black_box(facts::view(&facts));
    counted(&mut || drop(black_box(facts::view(&facts))));
}

fn rebuild(upstreams: u16) {
    let mut facts = facts::sidecar(0..upstreams);
    let mut sidecar = Sidecar::default();
    let mut view = facts::view(&facts);
    let mut generate = |facts: &Facts| {
        let generated = sidecar.generate(&facts.complete().expect("all facts are there"));
        view = generated.view.reusing(&view);
    };
    generate(&facts);
    for port in [20001, 20002] {
        facts.endpoints.insert(EndpointsKey::all(facts::service(0)), facts::endpoints(port));
        if port == 20001 { generate(&facts) } else { counted(&mut || generate(&facts)) }
    }
}

fn delta_equal_lists() {
    let view = view_of(RESOURCES);
    let mut talk = Talk::settled(&view);
    let equal = Arc::new((*view).clone());
    counted(&mut || talk.look(&equal));
}

fn delta_other_lists() {
    let view = view_of(RESOURCES);
    let mut talk = Talk::settled(&view);
    let other = made_again(&view);
    counted(&mut || talk.look(&other));
}

fn delta_one_changed() {
    let view = view_of(RESOURCES);
    let mut talk = Talk::settled(&view);
    let changed = with_one_changed(&view);
    counted(&mut || {
        talk.look(&changed);
        talk.run();
    });
}

fn delta_ack() {
    let view = view_of(RESOURCES);
    let mut talk = Talk::settled(&view);
    talk.look(&with_one_changed(&view));
    counted(&mut || talk.run());
}

fn delta_first(dialect: Dialect) {
    let view = view_of(RESOURCES);
    let mut talk = Talk::first(dialect, &view);
    counted(&mut || talk.run());
}

fn delta_reconnect() {
    let view = view_of(RESOURCES);
    let mut talk = Talk::returning(&view);
    counted(&mut || talk.run());
}

fn register(services: u32) {
    let (tables, write) = (tables(services), new_service());
    counted(&mut || drop(black_box(written(&tables, &write))));
}

fn endpoint(services: u32) {
    let (tables, write) = (tables(services), moved(20000));
    counted(&mut || drop(black_box(change_endpoint(&tables, &write))));
}

fn fan_out(proxies: usize, unrelated: u32) {
    let mut fleet = Fleet::new(proxies, unrelated);
    fleet.change_endpoint();
    counted(&mut || fleet.change_endpoint());
}
