//! The story, told with real Envoys: each step that the demo shows, and each promise about what does not change.
//!
//! Every test ends with [`chancery_tests::mesh::Mesh::finish`]: no Envoy may have refused anything.

mod instances;
mod intentions;
mod latency;
mod leaf;
mod reach;
mod restart;
