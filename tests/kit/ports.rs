//! Ports for programs that are started by a test.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Above the sidecar ports that the agent gives away (21000 to 21255), below the ports that the system gives to
/// outgoing connections: nobody takes one between now and its use.
const FIRST: u16 = 21_500;
const COUNT: u16 = 10_500;

/// A port of the loopback that nobody listens on, never the same twice in one process.
///
/// # Panics
/// When all are taken.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // each process starts elsewhere, because suites run side by side
    let start = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(COUNT)).unwrap_or_default();
    (0..COUNT)
        .map(|_| FIRST + (start + GIVEN.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("ten thousand ports are not all taken")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        assert_ne!(free_port(), free_port());
    }
}
