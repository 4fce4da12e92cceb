//! The checklist of a correct xDS server, row by row: each test carries the number of its row. Streams and the gRPC door
//! are the real ones, over a socket; what they show is written by hand. Rows that are proved elsewhere or not served are
//! listed in `tests/README.md`.

mod node;
mod services;
mod stage;
mod world;
