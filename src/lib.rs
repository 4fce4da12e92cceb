#![doc = include_str!("ARCHITECTURE.md")]

pub mod authority;
pub mod bootstrap;
pub mod canonical;
pub mod catalog;
pub mod chain;
pub mod delta;
pub mod fact;
pub mod filter;
pub mod generate;
pub mod model;
pub mod redirect;
pub mod resource;
pub mod snapshot;
pub mod wire;
