//! The checklist of a correct xDS server, row by row: each test carries the number of its row. Streams and the gRPC door
//! are the real ones, over a socket; what they show is written by hand. Rows that are proved elsewhere or not served are
//! listed in `tests/README.md`.

mod addresses;
mod answers;
mod delta;
mod lasting;
mod node;
mod nonces;
mod order;
mod pushes;
mod reconnect;
mod reflection;
mod reports;
mod services;
mod stage;
mod transport;
mod versions;
mod world;
