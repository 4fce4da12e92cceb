//! Compiling one discovery chain.

use chancery::model::topic::ChainKey;
use chancery_benches::facts;

fn main() {
    divan::main();
}

#[divan::bench]
fn compile(bencher: divan::Bencher<'_, '_>) {
    let key = ChainKey::plain(facts::service(1));
    bencher.bench(|| facts::chain(divan::black_box(&key)));
}
