//! What one stream keeps: *alloc* and *grow* less *dealloc* and *shrink*, in bytes. The view and its resources are there
//! before; what a client has asked for and holds is what is counted.

use chancery::delta::Dialect;
use chancery_benches::talk::{Talk, view_of};
use divan::AllocProfiler;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = [10, 10_000], sample_size = 1, sample_count = 10)]
fn settled_stream(bencher: divan::Bencher<'_, '_>, resources: u16) {
    let view = view_of(resources);
    bencher.bench_local(|| {
        let mut talk = Talk::first(Dialect::Delta, &view);
        talk.run();
        talk
    });
}
