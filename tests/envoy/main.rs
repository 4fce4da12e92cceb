//! The story, told with real Envoys: each step that the demo shows, and each promise about what does not change.
//!
//! Every test ends with [`chancery_tests::mesh::Mesh::finish`]: no Envoy may have refused anything, but in `refusal`.

mod bootstrap;
mod changes;
mod dialects;
mod extensions;
mod faults;
mod functions;
mod hatch;
mod inbound;
mod instances;
mod intentions;
mod latency;
mod leaf;
mod load;
mod localities;
mod mirrors;
mod permissions;
mod permissive;
mod reach;
mod refusal;
mod resolving;
mod restart;
mod rotation;
mod routing;
mod secure;
mod telemetry;
mod tokens;
mod traffic;
mod transparent;
