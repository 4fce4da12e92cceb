//! An authority with certificates for doors and their callers, made by the program itself.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::setup::chancery;

/// Gone with their folder.
pub struct Certificates(TempDir);

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Certificates {
    /// An authority, a server and a client.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn new() -> Self {
        let made = Self(TempDir::new().expect("a folder"));
        made.make(&["tls", "ca", "create"]);
        made.make(&["tls", "cert", "create", "-server"]);
        made.make(&["tls", "cert", "create", "-cli"]);
        made
    }

    /// One more, by a command of the program.
    ///
    /// # Panics
    /// When it fails.
    pub fn make(&self, words: &[&str]) {
        let output =
            Command::new(chancery()).args(words).current_dir(self.0.path()).output().expect("the program runs");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn authority(&self) -> PathBuf {
        self.file("consul-agent-ca.pem")
    }

    /// Certificate and key of a client.
    pub fn client(&self) -> [PathBuf; 2] {
        ["dc1-cli-consul-0.pem", "dc1-cli-consul-0-key.pem"].map(|name| self.file(name))
    }

    /// `tls { defaults { … } }` of an agent.
    pub fn settings(&self, more: &str) -> String {
        let file = |name| self.file(name).display().to_string();
        format!(
            r#"tls {{ defaults {{ ca_file = "{}" cert_file = "{}" key_file = "{}" {more} }} }}"#,
            file("consul-agent-ca.pem"),
            file("dc1-server-consul-0.pem"),
            file("dc1-server-consul-0-key.pem")
        )
    }
}
