#![doc = include_str!("ARCHITECTURE.md")]

pub mod admission;
pub mod agent;
pub mod authority;
mod carried;
pub mod catalog;
pub mod checks;
pub mod config;
pub mod doors;
pub mod flags;
pub mod kit;
pub mod leaf_keeper;
pub mod loads;
pub mod log;
pub mod metrics;
pub mod proxy_registry;
pub mod proxy_state;
pub mod rejections;
pub mod scrape;
pub mod source_watch;
pub mod stores;
pub mod swarm;
pub mod version;
pub mod watch_registry;
pub mod wiring;
pub mod xds_settings;
pub mod xds_stream;
