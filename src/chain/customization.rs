//! The customisation hash. Cluster names and so dashboards carry it, which makes its arithmetic part of the interface:
//! FNV-1 (64 bit) over a structure, where a structure is the hash of its type's name XOR, for each field, the hash of
//! the pair (hash of the field's name, hash of its value).

use std::time::Duration;

use crate::model::Protocol;

/// The overrides of a downstream that changed something.
#[derive(Clone, Copy, Default)]
pub(super) struct Overrides {
    pub protocol: Option<Protocol>,
    pub connect_timeout: Option<Duration>,
}

impl Overrides {
    /// Eight hex digits, or nothing when nothing is overridden.
    pub(super) fn hash(&self) -> String {
        if self.protocol.is_none() && self.connect_timeout.is_none() {
            return String::new();
        }
        let gateway_mode = text("MeshGatewayConfig") ^ field("Mode", text(""));
        let protocol = text(self.protocol.map_or("", Protocol::as_str));
        let nanoseconds = u64::try_from(self.connect_timeout.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX);
        let sum = text("")
            ^ field("OverrideMeshGateway", gateway_mode)
            ^ field("OverrideProtocol", protocol)
            ^ field("OverrideConnectTimeout", fnv1(&nanoseconds.to_le_bytes()));
        let mut digits = format!("{sum:x}");
        digits.truncate(8);
        digits
    }
}

fn field(name: &str, value: u64) -> u64 {
    let mut pair = [0; 16];
    pair[..8].copy_from_slice(&text(name).to_le_bytes());
    pair[8..].copy_from_slice(&value.to_le_bytes());
    fnv1(&pair)
}

fn text(text: &str) -> u64 {
    fnv1(text.as_bytes())
}

fn fnv1(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_those_seen_on_real_clusters() {
        let with = |protocol| Overrides { protocol: Some(protocol), ..Default::default() }.hash();
        assert_eq!(with(Protocol::Http), "1a47f6e1");
        assert_eq!(with(Protocol::Grpc), "ef15b5b5");
        assert_eq!(Overrides::default().hash(), "");
    }
}
