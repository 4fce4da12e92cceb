//! What can be set about how HTTP is served.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::HeaderMap;

use super::rates::RequestLimits;

#[derive(Clone, PartialEq, Debug)]
pub struct HttpSettings {
    /// Put on every answer; one that is there already is replaced.
    pub response_headers: HeaderMap,
    /// Beginnings of paths that are not served.
    pub blocked: Vec<String>,
    /// Whence writes are taken, beside unix sockets; empty: from anywhere.
    pub writers: Vec<Network>,
    /// How long a blocking read takes without `wait`.
    pub default_wait: Duration,
    /// How long a blocking read takes, whatever `wait` says.
    pub max_wait: Duration,
    /// 0: as many as it likes. Holds over all ports.
    pub max_connections_per_client: usize,
    /// Of requests, over all ports.
    pub request_limits: RequestLimits,
    /// How long a TLS handshake may take.
    pub handshake_patience: Duration,
    /// The most bytes of a value under `/v1/kv`.
    pub largest_value: usize,
    /// The most bytes of a transaction.
    pub largest_transaction: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            response_headers: HeaderMap::new(),
            blocked: Vec::new(),
            writers: Vec::new(),
            default_wait: Duration::from_secs(5 * 60),
            max_wait: Duration::from_secs(10 * 60),
            // thousands of waiting clients of one machine are no burden
            max_connections_per_client: 0,
            request_limits: RequestLimits::default(),
            handshake_patience: Duration::from_secs(5),
            largest_value: 512 << 10,
            largest_transaction: 512 << 10,
        }
    }
}

/// A block of addresses, as `10.0.0.0/8`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    /// How many bits of it count.
    bits: u32,
}

impl Network {
    /// # Errors
    /// When it is not an address with a number of bits.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a network such as 127.0.0.0/8, got {text:?}");
        let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
        let (address, bits) = (address.parse().map_err(|_| wrong())?, bits.parse().map_err(|_| wrong())?);
        let most = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        assert!(within("127.0.0.0/8", "127.9.9.9") && !within("127.0.0.0/8", "128.0.0.1"));
        assert!(within("10.1.2.3/32", "10.1.2.3") && !within("10.1.2.3/32", "10.1.2.2"));
        assert!(within("0.0.0.0/0", "8.8.8.8") && !within("0.0.0.0/0", "::1"));
        assert!(within("fd00::/8", "fd12::1") && !within("fd00::/8", "fe80::1") && within("::/0", "::1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["127.0.0.1", "127.0.0.0/33", "::/129", "a/8", "10.0.0.0/x", ""] {
            assert!(Network::parse(wrong).is_err(), "{wrong}");
        }
    }
}
