//! What the benches start from: the same for those that take the time and for the one that counts instructions.

pub mod facts;
pub mod fleet;
pub mod registry;
pub mod talk;
