//! What can be asked of each kind of value: the names are those of Consul's answers.

mod mesh;
mod registry;

pub use mesh::{ENTRY, INTENTION};
pub use registry::{CATALOG_SERVICE, CHECK, INSTANCE, MEMBER, NODE, SERVICE};
