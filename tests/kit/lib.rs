//! What the suites share: the real programs (an agent, Envoys, applications), and how to talk to them.

pub mod ads;
pub mod agent;
pub mod app;
pub mod certificates;
pub mod chance;
pub mod collector;
pub mod envoy;
pub mod golden;
pub mod grafana;
pub mod http;
pub mod mesh;
pub mod namespace;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod raw;
pub mod setup;
pub mod wait;
pub mod world;
