#![doc = include_str!("ARCHITECTURE.md")]

//TMP pub mod agent;
pub mod authority;
pub mod catalog;
pub mod checks;
//TMP pub mod config;
pub mod doors;
//TMP pub mod flags;
pub mod kit;
pub mod leaf_keeper;
pub mod log;
pub mod metrics;
pub mod proxy_registry;
pub mod proxy_state;
pub mod scrape;
pub mod source_watch;
pub mod stores;
pub mod version;
pub mod watch_registry;
pub mod wiring;
pub mod xds_stream;
