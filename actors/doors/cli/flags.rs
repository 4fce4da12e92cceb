//! How a command finds its agent: flags first, then the environment, then the agent on this machine.

use std::path::PathBuf;

use clap::Args;

use super::api::{AgentApi, HttpAddress, Scope, TlsFiles};
use super::error::CliError;

const DEFAULT_ADDRESS: &str = "127.0.0.1:8500";

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "HTTP API options")]
pub(super) struct HttpFlags {
    /// The agent: host:port, with http:// or https:// before it if need be, or unix:///path [env: CONSUL_HTTP_ADDR]
    /// [default: 127.0.0.1:8500]
    #[arg(long, value_name = "ADDRESS")]
    http_addr: Option<String>,
    /// The token to send [env: CONSUL_HTTP_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// A file that holds the token [env: CONSUL_HTTP_TOKEN_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The authorities to trust for HTTPS; the system's if not given [env: CONSUL_CACERT]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A directory of authorities to trust for HTTPS [env: CONSUL_CAPATH]
    #[arg(long, value_name = "DIR")]
    ca_path: Option<PathBuf>,
    /// The certificate to show to the agent [env: CONSUL_CLIENT_CERT]
    #[arg(long, value_name = "FILE")]
    client_cert: Option<PathBuf>,
    /// Its key [env: CONSUL_CLIENT_KEY]
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// The name in the agent's certificate; the host of its address if not given [env: CONSUL_TLS_SERVER_NAME]
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// The datacenter to ask; the agent's own if not given
    #[arg(long, value_name = "NAME")]
    datacenter: Option<String>,
    /// Let any server answer: here there is one
    #[arg(long)]
    stale: bool,
    /// The namespace to ask: there is `default` [env: CONSUL_NAMESPACE]
    #[arg(long, value_name = "NAME", hide = true)]
    namespace: Option<String>,
    /// The partition to ask: there is `default` [env: CONSUL_PARTITION]
    #[arg(long, value_name = "NAME", hide = true)]
    partition: Option<String>,
}

/// A variable of the environment; empty counts as unset.
pub(super) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that has our name or Consul's: `HTTP_ADDR` is `CHANCERY_HTTP_ADDR`, else `CONSUL_HTTP_ADDR`.
pub(super) fn prefixed(env: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    env(&format!("CHANCERY_{name}")).or_else(|| env(&format!("CONSUL_{name}")))
}

/// A switch of the environment, in the words of Go.
pub(super) fn switch(env: impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<bool>, CliError> {
    match prefixed(env, name).as_deref() {
        None => Ok(None),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some(true)),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some(false)),
        Some(other) => Err(CliError::usage(format!("CONSUL_{name} must be true or false, it is {other:?}"))),
    }
}

impl HttpFlags {
    pub fn connect(&self) -> Result<AgentApi, CliError> {
        AgentApi::new(self.address(env)?, &self.tls(env)?, self.scope(env)?)
    }

    fn address(&self, env: impl Fn(&str) -> Option<String>) -> Result<HttpAddress, CliError> {
        let given = self.http_addr.clone().or_else(|| prefixed(&env, "HTTP_ADDR"));
        let tls = switch(&env, "HTTP_SSL")?.unwrap_or(false);
        HttpAddress::parse(given.as_deref().unwrap_or(DEFAULT_ADDRESS), tls)
    }

    pub fn tls(&self, env: impl Fn(&str) -> Option<String>) -> Result<TlsFiles, CliError> {
        let file =
            |flag: &Option<PathBuf>, name: &str| flag.clone().or_else(|| prefixed(&env, name).map(PathBuf::from));
        Ok(TlsFiles {
            ca_file: file(&self.ca_file, "CACERT"),
            ca_path: file(&self.ca_path, "CAPATH"),
            client_cert: file(&self.client_cert, "CLIENT_CERT"),
            client_key: file(&self.client_key, "CLIENT_KEY"),
            server_name: self.tls_server_name.clone().or_else(|| prefixed(&env, "TLS_SERVER_NAME")),
            skip_verify: switch(&env, "HTTP_SSL_VERIFY")? == Some(false),
        })
    }

    fn scope(&self, env: impl Fn(&str) -> Option<String>) -> Result<Scope, CliError> {
        let tenancy = |flag: &Option<String>, name: &str| flag.clone().or_else(|| prefixed(&env, name));
        let mut parameters = Vec::new();
        for (name, value) in [
            ("dc", self.datacenter.clone()),
            ("ns", tenancy(&self.namespace, "NAMESPACE")),
            ("partition", tenancy(&self.partition, "PARTITION")),
            ("stale", self.stale.then(String::new)),
        ] {
            parameters.extend(value.map(|value| (name, value)));
        }
        Ok(Scope { token: self.token(&env)?, basic: prefixed(&env, "HTTP_AUTH"), parameters })
    }

    /// A token on the command line is seen by everyone on the machine: a file or the environment is the better way.
    pub fn token(&self, env: impl Fn(&str) -> Option<String>) -> Result<Option<String>, CliError> {
        if let Some(token) = &self.token {
            return Ok(Some(token.clone()));
        }
        let from_env = prefixed(&env, "HTTP_TOKEN");
        let file = self.token_file.clone();
        let file = file.or_else(|| from_env.is_none().then(|| prefixed(&env, "HTTP_TOKEN_FILE"))?.map(PathBuf::from));
        match file {
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| CliError::file(&path.display().to_string(), &error))?;
                Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty()))
            }
            None => Ok(from_env),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HttpFlags;

    fn lookup<'a>(env: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    fn address(flag: Option<&str>, env: &[(&str, &str)]) -> String {
        let flags = HttpFlags { http_addr: flag.map(str::to_owned), ..HttpFlags::default() };
        flags.address(lookup(env)).map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    #[test]
    fn flags_come_before_the_environment_and_our_own_variable_before_consuls() {
        let both = [("CONSUL_HTTP_ADDR", "c:1"), ("CHANCERY_HTTP_ADDR", "http://own:2/")];
        assert_eq!(address(Some("flag:3"), &both), "http://flag:3");
        assert_eq!(address(None, &both), "http://own:2");
        assert_eq!(address(None, &both[..1]), "http://c:1");
        assert_eq!(address(None, &[]), "http://127.0.0.1:8500");
    }

    #[test]
    fn the_environment_switches_https_on() {
        assert_eq!(address(None, &[("CONSUL_HTTP_SSL", "true")]), "https://127.0.0.1:8500");
        assert_eq!(address(None, &[("CHANCERY_HTTP_SSL", "0")]), "http://127.0.0.1:8500");
        assert!(address(None, &[("CONSUL_HTTP_SSL", "yes")]).contains("must be true or false"));
        let tls =
            HttpFlags::default().tls(lookup(&[("CONSUL_HTTP_SSL_VERIFY", "false"), ("CONSUL_CACERT", "/ca.pem")]));
        let tls = tls.expect("nothing is wrong");
        assert!(tls.skip_verify && tls.ca_file.is_some_and(|file| file.ends_with("ca.pem")));
    }

    #[test]
    fn the_scope_goes_with_every_request() {
        let flags = HttpFlags { datacenter: Some("dc1".to_owned()), stale: true, ..HttpFlags::default() };
        let env = [("CONSUL_HTTP_AUTH", "me:pw"), ("CONSUL_HTTP_TOKEN", "t"), ("CONSUL_NAMESPACE", "default")];
        let scope = flags.scope(lookup(&env)).expect("nothing is wrong");
        assert_eq!((scope.token.as_deref(), scope.basic.as_deref()), (Some("t"), Some("me:pw")));
        let named = |name: &'static str, value: &str| (name, value.to_owned());
        assert_eq!(scope.parameters, [named("dc", "dc1"), named("ns", "default"), named("stale", "")]);
    }
}
