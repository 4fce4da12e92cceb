//! The doors: the outside world to messages, and back.

pub mod admin;
//TMP pub mod cli;
pub mod grpc;
pub mod http;
