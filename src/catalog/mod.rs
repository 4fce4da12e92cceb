//! The registry as a value. [`Tables`] never change: [`apply`] makes new ones that share all that stayed the same,
//! and says which places it touched and what a store must keep.

mod apply;
pub mod archive;
#[cfg(test)]
mod fixture;
mod kv;
mod names;
#[cfg(test)]
mod properties;
pub mod query;
mod record;
mod tables;
mod virtual_ips;
mod write;

pub use apply::{Applied, Failed, Refusal, apply};
pub use record::{Change, Record, RecordKey};
pub use tables::{EXPOSED_PORTS, SIDECAR_PORTS, Settings, Tables};
pub use write::{Act, AuthorityState, Condition, Operation, Outcome, Registration, SidecarRegistration, Write};
