//! `chancery kv`: the key-value store.

mod delete;
mod get;
mod put;
mod transfer;

use std::io::Write;

use clap::Subcommand;

use super::api::percent_encoded;
use super::error::CliError;

#[derive(Subcommand)]
pub(super) enum Kv {
    /// Print the value of a key, or what lies below a prefix
    #[command(
        after_help = "Examples:\n\n    $ chancery kv get app/limit\n    $ chancery kv get -detailed app/limit\n    \
        $ chancery kv get -recurse app/"
    )]
    Get(get::Get),
    /// Set a key
    #[command(
        after_help = "Examples:\n\n    $ chancery kv put app/limit 5\n    $ chancery kv put app/config @config.json\n    \
        $ date | chancery kv put app/now -\n    $ chancery kv put -cas -modify-index=42 app/limit 6"
    )]
    Put(put::Put),
    /// Delete a key, or all below a prefix
    #[command(after_help = "Examples:\n\n    $ chancery kv delete app/limit\n    $ chancery kv delete -recurse app/")]
    Delete(delete::Delete),
    /// Print keys as JSON that `kv import` reads
    #[command(after_help = "Example:\n\n    $ chancery kv export app/ > app.json")]
    Export(transfer::Export),
    /// Set the keys that `kv export` printed
    #[command(after_help = "Examples:\n\n    $ chancery kv import @app.json\n    \
        $ chancery kv export app/ | chancery kv import -prefix=copy/ -")]
    Import(transfer::Import),
}

impl Kv {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Get(get) => get.run(out),
            Self::Put(put) => put.run(out),
            Self::Delete(delete) => delete.run(out),
            Self::Export(export) => export.run(out),
            Self::Import(import) => import.run(out),
        }
    }
}

/// The key as users mean it: a slash at its front is one too many.
fn plain(key: &str) -> &str {
    key.strip_prefix('/').unwrap_or(key)
}

/// Slashes stay what they are.
fn path(key: &str) -> String {
    let segments: Vec<String> = key.split('/').map(percent_encoded).collect();
    format!("/v1/kv/{}", segments.join("/"))
}

fn missing(key: &str) -> CliError {
    CliError::usage(format!("Error! No key exists at: {key}"))
}

#[cfg(test)]
mod tests {
    use super::{path, plain};

    #[test]
    fn a_key_keeps_its_slashes() {
        assert_eq!(path(plain("/app/a b/ü%")), "/v1/kv/app/a%20b/%C3%BC%25");
        assert_eq!(path("app/"), "/v1/kv/app/");
    }
}
