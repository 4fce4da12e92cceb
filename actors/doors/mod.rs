//! The doors: the outside world to messages, and back.

pub mod admin;
pub mod cli;
pub mod endpoints;
pub mod grpc;
pub mod http;
pub mod listening;
