//! `chancery keygen`: a random key.

use std::io::Write;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use rustls::crypto::ring::default_provider;

use super::error::CliError;

const KEY_BYTES: usize = 32;

/// Consul's agents encrypt their gossip with it. Here there is no gossip; a script that makes one gets one.
#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery keygen")]
pub(super) struct Keygen {}

impl Keygen {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let mut key = [0; KEY_BYTES];
        default_provider()
            .secure_random
            .fill(&mut key)
            .map_err(|_| CliError::usage("the system has no randomness to give"))?;
        writeln!(out, "{}", BASE64_STANDARD.encode(key))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::{KEY_BYTES, Keygen};

    #[test]
    fn a_key_is_another_one_each_time() {
        let keys = [(); 2].map(|()| {
            let mut out = Vec::new();
            Keygen {}.run(&mut out).expect("a vector takes everything");
            let key = BASE64_STANDARD.decode(out.trim_ascii_end()).expect("it is base64");
            assert_eq!(key.len(), KEY_BYTES);
            key
        });
        assert_ne!(keys[0], keys[1]);
    }
}
